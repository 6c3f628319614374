"""Tell three species of iris apart by four lengths; a fifth of the flowers is kept for the test."""

from statistics import fmean, pstdev

import scalargrad as sg

inputs, targets = sg.datasets.iris()
(inputs, targets), (test_inputs, test_targets) = sg.datasets.split(
    inputs, targets, test=0.2, seed=0
)

# learning is faster where every column has mean 0 and deviation 1, by the training flowers
columns = list(zip(*inputs, strict=True))
scales = [(fmean(column), pstdev(column)) for column in columns]


def scaled(flower):
    return [(x - mean) / deviation for x, (mean, deviation) in zip(flower, scales, strict=True)]


inputs, test_inputs = [*map(scaled, inputs)], [*map(scaled, test_inputs)]

model = sg.nn.Sequential(sg.nn.Affine(4, 8, seed=0), sg.nn.ReLU(), sg.nn.Affine(8, 3, seed=1))
history = sg.fit(
    model,
    inputs,
    targets,
    loss="cross_entropy",
    optimizer=sg.optim.Adam(model.parameters(), lr=0.02),
    epochs=40,
    batch_size=16,
)
print(f"{len(inputs)} flowers learnt, {len(test_inputs)} kept")
print(f"training accuracy {history.accuracy[-1]:.3f}")

score = sg.evaluate(model, test_inputs, test_targets, loss="cross_entropy")
print(f"test accuracy {score.accuracy:.3f}")
