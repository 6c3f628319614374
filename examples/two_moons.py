"""Learn to tell two interleaving half circles apart, and draw where the network divides them.

The network and the loss are those of micrograd's demo: 2-16-16-1, relu, hinge loss with a small
weight decay. Writes two_moons.png and two_moons_history.png if matplotlib is installed.
"""

from importlib.util import find_spec

import scalargrad as sg

inputs, targets = sg.datasets.moons(100, noise=0.1, seed=1)
labels = [2 * target - 1 for target in targets]  # the hinge loss wants -1 and 1

model = sg.nn.MLP(2, [16, 16, 1], seed=1337)
rate = sg.optim.cosine_decay(0.2, steps=60, final=0.02)
optimizer = sg.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=2e-4)
print(f"{len(model.parameters())} parameters")

history = sg.fit(
    model, inputs, labels, loss="hinge", optimizer=optimizer, epochs=60, batch_size=None
)
score = sg.evaluate(model, inputs, labels, loss="hinge")
print(f"loss {score.loss:.4f}")
print(f"accuracy {score.accuracy:.2f}")

if find_spec("matplotlib"):
    figure = sg.plots.decision_boundary(model, inputs, labels, title="Two moons")
    sg.plots.save(figure, "two_moons.png")
    history.save_plot("two_moons_history.png")
