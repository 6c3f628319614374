"""The Affine layer takes samples of any shape; dx has the shape of x.
Affine レイヤは4次元の入力も受け取る。dx の形状は x と同じになる。

Source: Saito, Deep Learning from Scratch, section 5.6.2.
"""

from scalargrad.nn.book import Affine

W = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
layer = Affine(W, [0.5, 0.5, 0.5])

x = [[[[1.0, 2.0]]], [[[3.0, 4.0]]]]  # two samples of shape (1, 1, 2)
print("y =", layer.forward(x))
print("dx =", layer.backward([[1.0, 0.0, -1.0], [1.0, 1.0, 1.0]]))
print("shape of x:", layer.original_x_shape)
print("dW =", layer.dW, "db =", layer.db)
