"""Ten scores become probabilities: a score of 10.1 is 99.1 %, one of 5.3 is 0.8 %.
Softmax レイヤは10個のスコアを確率に変える。スコア10.1は99.1%、5.3は0.8%になる。

The book gives two of the ten scores; the other eight are chosen here to go with them.

Source: Saito, Deep Learning from Scratch, figure 5-28 and section 5.6.3.
"""

import scalargrad as sg

scores = [sg.Value(0.9) for _ in range(10)]
scores[0], scores[2] = sg.Value(5.3, "a₀"), sg.Value(10.1, "a₂")

with sg.scope("Softmax"):
    y = sg.softmax(scores)
y[0].label, y[2].label = "y₀", "y₂"
answer = sg.max(y)
answer.label = "it is a 2"

print(f"score 5.3 -> {y[0].data:.3f}")
print(f"score 10.1 -> {y[2].data:.3f}")
print(f"all ten add up to {sg.sum(y).data:.12g}")
print(f"without softmax the largest score tells it too: {scores.index(sg.max(scores))}")

eight = {"a": scores[1:2] + scores[3:], "y": y[1:2] + y[3:]}
sg.draw(answer, fold=True, names=eight, digits=3).save("fig_5_28.svg")
