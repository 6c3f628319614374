"""Softmax with cross entropy for three classes: the gradient is simply y - t.

Once as one node, once with every step a node of its own.
Saito, Deep Learning from Scratch, section 5.6.3 and appendix A.
"""

import math

import scalargrad as sg

probabilities, t = (0.3, 0.2, 0.5), (0.0, 1.0, 0.0)
a = a1, a2, a3 = sg.values(**{f"a{k}": math.log(y) for k, y in enumerate(probabilities, start=1)})

loss = sg.cross_entropy(a, t)
loss.backward()
print(f"one node: loss {loss.data:.4f}, y - t = {a1.grad:.4f} {a2.grad:.4f} {a3.grad:.4f}")
sg.zero_grad(a)

exps = [sg.exp(score) for score in a]
reciprocal = 1 / sg.sum(exps)
logs = [sg.log(e * reciprocal) for e in exps]
loss = sg.dot(t, logs) * -1
loss.label = "L"
loss.backward()
print(f"by steps: loss {loss.data:.4f}, y - t = {a1.grad:.4f} {a2.grad:.4f} {a3.grad:.4f}")

sg.draw(loss).save("softmax_with_loss.svg")
