"""The six steps of the backward pass through softmax, from −t/y to y − t.
Softmax レイヤの逆伝播の6つのステップ。−t/y から始めて y − t にたどり着く。

Source: Saito, Deep Learning from Scratch, appendix A.2.
"""

import math

import scalargrad as sg

STEPS = (
    "−t/y comes from the cross entropy",
    "× multiplies by its other operand: −t·S",
    "the branches add up, / makes (t₁ + t₂ + t₃)/S = 1/S of it",
    "+ passes 1/S on unchanged",
    "the other way out of ×: −t/exp(a)",
    "exp multiplies the sum of both: y − t",
)
a = [sg.Value(math.log(e), f"a{k}") for e, k in zip((3, 2, 5), "₁₂₃", strict=True)]
t = [sg.Value(0, "t₁"), sg.Value(1, "t₂"), sg.Value(0, "t₃")]

for step, what in enumerate(STEPS, 1):
    with sg.scope("Softmax"):
        exps = [sg.exp(score) for score in a]
        S = sg.sum(exps)
        ratio = 1 / S
        others = exps  # which × multiplies by 1/S; up to step 4 they are only numbers
        if step < 5:
            others = [sg.Value(e.data, f"exp(a{k})") for e, k in zip(exps, "₁₂₃", strict=True)]
        y = [e * ratio for e in others]
    with sg.scope("Cross Entropy Error"):
        L = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
    S.label, L.label = "S", "L"
    for p, k in zip(y, "₁₂₃", strict=True):
        p.label = f"y{k}"
    sg.zero_grad(a)
    L.backward()

    reached = [y, [ratio], [S], exps, others, a]  # step by step
    print(f"{step}:", *(f"{value.grad:.4g}" for value in reached[step - 1]))

    sg.draw(
        L,
        symbols=True,
        fold="Cross Entropy Error",
        constants=[t, reached[step:]],  # no red where the steps have not come yet
        title=f"Step {step}: {what}",
        width=math.inf,  # one line, as in the book
    ).save(f"a_6_{step}.svg")
