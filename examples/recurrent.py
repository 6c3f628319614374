"""Predict the next point of a wave with a recurrent network; its weights are shared by all times.

Backpropagation through time needs nothing new: each time uses the same weights, so the graph has
many arrows out of each of them, and backward() adds up what comes back along all.
"""

import math

import scalargrad as sg

TIMES = 8


class Recurrent(sg.nn.Module):
    """Keep a state: h = tanh(W·(x, h before) + b), and read the prediction off the last one."""

    def __init__(self, width, seed):
        self.update = sg.nn.Affine(1 + width, width, init="xavier", seed=seed)
        self.readout = sg.nn.Affine(width, 1, init="xavier", seed=seed + 1)
        self.width = width

    def __call__(self, xs):
        state = [0.0] * self.width
        for time, x in enumerate(xs, 1):
            with sg.scope(f"time {time}"):
                state = [sg.tanh(u) for u in self.update([x, *state])]
        return self.readout(state)


wave = [math.sin(0.35 * time) * math.cos(0.11 * time) for time in range(160)]
windows = [wave[start : start + TIMES] for start in range(len(wave) - TIMES)]
following = wave[TIMES:]

model = Recurrent(width=6, seed=0)

# one gradient by hand: a weight from state to state, used at every time but the first
weight = model.update.W[1][0]
sg.mse(model(windows[20]), [following[20]]).backward()
h, middle = 1e-5, weight.data
with sg.no_grad():
    weight.data = middle + h
    above = sg.mse(model(windows[20]), [following[20]]).data
    weight.data = middle - h
    below = sg.mse(model(windows[20]), [following[20]]).data
    weight.data = middle
print(f"through time {weight.grad:.8f}, by differences {(above - below) / (2 * h):.8f}")

history = sg.fit(
    model,
    windows[:100],
    following[:100],
    loss="mse",
    optimizer=sg.optim.Adam(model.parameters(), lr=0.02),
    epochs=25,
    batch_size=10,
)
print(f"training loss {history.loss[0]:.5f} -> {history.loss[-1]:.5f}")

same = sg.mse([window[-1] for window in windows[100:]], following[100:])
score = sg.evaluate(model, windows[100:], following[100:], loss="mse")
print(f"test loss {score.loss:.5f}; of predicting no change {same:.5f}")
