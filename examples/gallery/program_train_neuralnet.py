"""The four steps of learning: a mini-batch, its gradient, an update, and again.
学習の4つの手順：ミニバッチを選び、勾配を求め、パラメータを更新し、これを繰り返す。

Source: Saito, Deep Learning from Scratch, sections 5.7.1 and 5.7.4.
"""

import random

import scalargrad as sg

images, labels = sg.datasets.digits()
x_train, t_train = images[:1000], labels[:1000]
x_test, t_test = images[1000:1300], labels[1000:1300]
network = sg.nn.TwoLayerNet(64, 10, 10, weight_init_std="he", seed=0)
rng, rate = random.Random(0), 0.1

for iteration in range(301):
    if iteration % 100 == 0:
        train, test = network.accuracy(x_train, t_train), network.accuracy(x_test, t_test)
        print(f"after {iteration} updates: training accuracy {train:.3f}, test accuracy {test:.3f}")
    batch = [rng.randrange(1000) for _ in range(20)]
    loss = network.loss([x_train[i] for i in batch], [t_train[i] for i in batch])
    network.zero_grad()
    loss.backward()
    for parameter in network.parameters():
        parameter.data -= rate * parameter.grad
