"""One operation opened into simpler ones, and a whole network folded into boxes."""

import scalargrad as sg

(x,) = sg.values(x=0.5)
y = sg.sigmoid(x)
y.label = "y"
y.backward()
print(f"y = {y.data:.6f}, dy/dx = {x.grad:.6f} = y(1 - y) = {y.data * (1 - y.data):.6f}")
sg.draw(y, symbols=True, open="sigmoid").save("sigmoid_opened.svg")

network = sg.nn.TwoLayerNet(784, 50, 10, seed=0)
image = [(pixel % 28) / 28 for pixel in range(784)]  # a grey ramp instead of a digit
t = [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]  # it shall be a 7
loss = network.loss(image, t)
loss.label = "L"
loss.backward()
print(f"{len(network.parameters())} parameters, loss {loss.data:.4f}")
picture = sg.draw(loss, fold=True, names={"X": image, "t": t, **network.params})
picture.save("network_folded.svg")
