"""Compare backpropagation with central differences, as the book's gradient_check.py does.

Saito, Deep Learning from Scratch, section 5.7.3: three images, and for each parameter array the
mean absolute difference of the two gradients.
"""

import scalargrad as sg

inputs, targets = sg.datasets.digits()
x, t = inputs[:3], targets[:3]

network = sg.nn.TwoLayerNet(input_size=64, hidden_size=10, output_size=10, seed=0)

by_backpropagation = network.gradient(x, t)
by_differences = network.numerical_gradient(x, t)


def numbers(nested):
    """Give the numbers of nested lists one by one."""
    for element in nested:
        yield from numbers(element) if isinstance(element, list) else [element]


for key in network.params:
    pairs = zip(numbers(by_backpropagation[key]), numbers(by_differences[key]), strict=True)
    print(f"{key}: {sg.mean(abs(a - b) for a, b in pairs):.1e}")
