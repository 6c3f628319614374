"""What a notebook in a browser does first: an expression, its picture, learning, a page."""

import sys
from pathlib import Path

import scalargrad as sg

print(f"Python {sys.version.split()[0]}, {sys.platform}, engine {sg.engine}")
assert (sys.platform, sg.engine) == ("emscripten", "python")

# an expression, and its picture
x, y, z = sg.values(x=1, y=3, z=-3)
g = sg.expression("(x + y) * z")(x, y, z)
g.backward()
assert (x.grad, y.grad, z.grad) == (-3.0, -3.0, 4.0)
drawing = sg.draw(g)
assert "#e00000" in drawing.svg
drawing.save("graph.svg")
sg.walkthrough(g).save("walk.html")
assert "<svg" in Path("walk.html").read_text(encoding="utf-8")

# derivatives, and a function that is replayed
assert sg.grad(sg.grad(lambda x: x**3))(2.0) == 12.0
f = sg.compile(lambda x, y: x * y if x > 0 else y)
assert (f(2.0, 3.0), f(-2.0, 3.0), f.value_and_grad(2.0, 3.0)) == (6.0, 3.0, (6.0, (3.0, 2.0)))

# learning
model = sg.nn.MLP(2, [4, 1], seed=1)
inputs, targets = sg.datasets.xor()
adam = sg.optim.Adam(model.parameters(), lr=0.1)
labels = [2 * t - 1 for t in targets]
history = sg.fit(model, inputs, labels, optimizer=adam, loss="hinge", epochs=60, seed=1)
print(f"loss {history.loss[0]:.3f} -> {history.loss[-1]:.3f}")
assert history.loss[-1] < history.loss[0] / 2

# a long graph: computed, differentiated and freed
chain = leaf = sg.Value(1.0)
for _ in range(100_000):
    chain = chain * 0.5 + leaf
chain.backward()
assert leaf.grad == 2.0
del chain
print("expression, picture, page, derivatives, replay, learning, a long graph: done")
