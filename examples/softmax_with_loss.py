"""Softmax with cross entropy for three classes: the gradient is simply y - t.

Once as one node, once with every step a node of its own.
Saito, Deep Learning from Scratch, section 5.6.3 and appendix A.
"""

import math

import scalargrad as sg

a = [sg.Value(math.log(y), f"a{k}") for y, k in zip((0.3, 0.2, 0.5), "₁₂₃", strict=True)]
t = [sg.Value(t, f"t{k}") for t, k in zip((0, 1, 0), "₁₂₃", strict=True)]
a1, a2, a3 = a

loss = sg.cross_entropy(a, t)
loss.backward()
print(f"one node: loss {loss.data:.4f}, y - t = {a1.grad:.4f} {a2.grad:.4f} {a3.grad:.4f}")
sg.zero_grad(a)

exps = [sg.exp(score) for score in a]
S = sg.sum(exps)
ratio = 1 / S
y = [e * ratio for e in exps]
loss = sg.sum(target * sg.log(p) for target, p in zip(t, y, strict=True)) * -1
S.label, loss.label = "S", "L"
for p, k in zip(y, "₁₂₃", strict=True):
    p.label = f"y{k}"
loss.backward()
print(f"by steps: loss {loss.data:.4f}, y - t = {a1.grad:.4f} {a2.grad:.4f} {a3.grad:.4f}")

picture = sg.draw(loss, constants=t, width=math.inf)  # one line, as in the book
picture.save("softmax_with_loss.svg")
