"""SoftmaxWithLoss divides by the size of the batch; targets are one-hot or class indices.
SoftmaxWithLoss レイヤ。誤差をバッチサイズで割る。教師ラベルは one-hot でもラベル番号でもよい。

Source: Saito, Deep Learning from Scratch, section 5.6.3.
"""

import math

from scalargrad.nn.book import SoftmaxWithLoss

x = [[math.log(p) for p in (0.3, 0.2, 0.5)], [math.log(p) for p in (0.01, 0.98, 0.01)]]

for t in ([1, 1], [[0, 1, 0], [0, 1, 0]]):
    layer = SoftmaxWithLoss()
    print(f"loss {layer.forward(x, t):.6f}")
    for row in layer.backward():
        print("  (y - t)/2 =", *(f"{number:.4f}" for number in row))
