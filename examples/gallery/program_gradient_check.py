"""gradient_check.py: backpropagation against numerical differentiation on three images.
gradient_check.py：3枚の画像で、誤差逆伝播法の勾配と数値微分の勾配を比べる。

Source: Saito, Deep Learning from Scratch, section 5.7.3.
"""

import os

import scalargrad as sg

if folder := os.environ.get("SCALARGRAD_MNIST"):
    (images, labels), _ = sg.datasets.mnist(folder)
    x, t = images[:3].tolist(), labels[:3].tolist()
else:
    print("no MNIST, as SCALARGRAD_MNIST names no folder: three of the small digits instead")
    images, labels = sg.datasets.digits()
    x, t = images[:3], labels[:3]

network = sg.nn.TwoLayerNet(input_size=len(x[0]), hidden_size=4, output_size=10, seed=0)

by_backpropagation = network.gradient(x, t)
by_differences = network.numerical_gradient(x, t)


def numbers(nested):
    """Give the numbers of nested lists one by one."""
    for element in nested:
        yield from numbers(element) if isinstance(element, list) else [element]


for key in network.params:
    pairs = zip(numbers(by_backpropagation[key]), numbers(by_differences[key]), strict=True)
    assert any(numbers(by_backpropagation[key])), f"{key} has no gradient but zeros"
    print(f"{key}: {sg.mean(abs(a - b) for a, b in pairs):.1e}")
