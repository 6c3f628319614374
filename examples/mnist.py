"""The book's run on MNIST: 784-50-10, ReLU, 10,000 steps of 100 images at a rate of 0.1.

The network is scalar code: one image goes through 39,760 Values. `sg.compile` records that once and
replays it over each batch. Saito, Deep Learning from Scratch, section 5.7.4.

    python mnist.py [folder of the four files]
"""

import os
import sys
from time import perf_counter

import scalargrad as sg

try:
    import numpy as np
except ImportError:
    sys.exit('mnist: needs NumPy; run: python3 -m pip install ".[mnist]" in the checkout')

STEPS, BATCH, RATE = 10_000, 100, 0.1

if len(sys.argv) > 2 or {"-h", "--help"} & {*sys.argv}:
    print(__doc__)
    sys.exit()
folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SCALARGRAD_MNIST")
if not folder:
    print("mnist: no MNIST here; name its folder in SCALARGRAD_MNIST or as an argument")
    sys.exit()
try:
    (x, t), (test_x, test_t) = sg.datasets.mnist(folder)
except (sg.ScalargradError, OSError) as error:
    sys.exit(str(error))

net = sg.nn.TwoLayerNet(784, 50, 10, seed=0)
loss, scores = sg.compile(net.loss), sg.compile(net.predict)
optimizer = sg.optim.SGD(net.parameters(), lr=RATE)
draw = np.random.default_rng(seed=0)


def accuracy(x, t):
    """Return the part of the images whose largest score is that of their digit."""
    return np.mean(scores(x).argmax(axis=1) == t)


def learn():
    """Take the steps; say once an epoch, as the book does, how good the network is."""
    seconds, per_epoch = 0.0, len(x) // BATCH
    for step in range(STEPS):
        start = perf_counter()
        rows = draw.choice(len(x), BATCH)
        optimizer.zero_grad()
        lost = loss.backward(x[rows], t[rows])
        optimizer.step()
        seconds += perf_counter() - start
        if step % per_epoch == 0:
            print(f"train acc, test acc | {accuracy(x, t):.5f}, {accuracy(test_x, test_t):.4f}")
    print(f"{STEPS:,} steps of {seconds / STEPS * 1e3:.2f} ms; the last loss was {lost:.4f}")
    print(f"test accuracy at the end {accuracy(test_x, test_t):.4f}")


try:
    learn()
except KeyboardInterrupt:
    print(f"mnist: interrupted after {optimizer.steps:,} steps", file=sys.stderr)
    sys.exit(130)
