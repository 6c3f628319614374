"""Read handwritten digits of 8 × 8 pixels with the book's network, 64-32-10.

A fifth of the 1,797 images is kept for the test. Writes digits_history.png if matplotlib is
installed.
"""

from importlib.util import find_spec

import scalargrad as sg

inputs, targets = sg.datasets.digits()
(inputs, targets), test = sg.datasets.split(inputs, targets, test=0.2)

model = sg.nn.TwoLayerNet(64, 32, 10, weight_init_std="he", seed=0)
print(f"{len(model.parameters())} parameters, {len(inputs)} images learnt, {len(test[0])} kept")


def report(history):
    learnt, kept = history.accuracy[-1], history.validation_accuracy[-1]
    print(f"epoch {history.epochs}: accuracy {learnt:.4f} learning, {kept:.4f} test", flush=True)


history = sg.fit(
    model,
    inputs,
    targets,
    loss="cross_entropy",
    optimizer=sg.optim.Adam(model.parameters(), lr=0.004),
    epochs=6,
    batch_size=16,
    validation=test,
    after_epoch=report,
)
print(f"test accuracy {model.accuracy(*test):.4f}")

if find_spec("matplotlib"):
    history.save_plot("digits_history.png")
