"""TwoLayerNet(784, 50, 10): its layers, its parameters and their number.
TwoLayerNet(784, 50, 10) のレイヤとパラメータ。パラメータの総数は39,760個。

Source: Saito, Deep Learning from Scratch, section 5.7.2, tables 5-1 and 5-2.
"""

import scalargrad as sg

network = sg.nn.TwoLayerNet(input_size=784, hidden_size=50, output_size=10, seed=0)
x, t = [0.5] * 784, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0]  # a grey image that shall be a 7

for name, layer in network.layers.items():
    print(f"{name}: {layer}")
print(f"{len(network.parameters()):,} parameters in {', '.join(network.params)}")

scores = network.predict(x)
print(f"{len(scores)} scores, accuracy {network.accuracy(x, t):g}")
with sg.scope("Softmax with Loss"):
    loss = sg.cross_entropy(scores, t)
loss.label = "loss"
loss.backward()

names = dict(network.params) | {"x": x, "t": t}
sg.draw(loss, fold=True, names=names, digits=4).save("program_two_layer_net.svg")
