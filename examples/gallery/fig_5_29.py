"""Softmax with cross entropy, opened: what comes back to the scores is y − t.
Softmax-with-Loss レイヤの計算グラフ。スコアに戻ってくる値は y − t というきれいな形になる。

Source: Saito, Deep Learning from Scratch, figure 5-29.
"""

import math

import scalargrad as sg

a = [sg.Value(math.log(y), f"a{k}") for y, k in zip((0.3, 0.2, 0.5), "₁₂₃", strict=True)]
t = [sg.Value(t, f"t{k}") for t, k in zip((0, 1, 0), "₁₂₃", strict=True)]

L = sg.cross_entropy(a, t)  # one node
L.label = "L"
L.backward()

print(f"loss {L.data:.4f}")
print("y - t =", *(f"{score.grad:.4f}" for score in a))

# one line, as in the book
picture = sg.draw(L, symbols=True, open="cross_entropy", constants=t, width=math.inf)
picture.save("fig_5_29.svg")
