"""Batch normalisation, one node at a time: two branches, and every shape comes back.
バッチ正規化の計算グラフ。分岐が2か所あり、逆伝播の値は元の行列と同じ形状になる。

Source: Kratzert's graph of the backward pass, to which the Qiita article refers.
"""

import math

import scalargrad as sg

X = [[sg.Value(x) for x in row] for row in ((1, 2), (3, 8), (5, -1), (7, 3))]
gamma, beta = [sg.Value(1.5), sg.Value(0.5)], [sg.Value(0), sg.Value(1)]
N, D = range(4), range(2)

with sg.scope("mean"):
    mean = [sg.mean(column) for column in zip(*X, strict=True)]
with sg.scope("−"):
    centred = [[X[n][d] - mean[d] for d in D] for n in N]
with sg.scope("variance"):
    variance = [sg.mean(centred[n][d] ** 2 for n in N) for d in D]
with sg.scope("1/√"):
    inverse = [1 / sg.sqrt(variance[d] + 1e-7) for d in D]
with sg.scope("×"):
    Z = [[centred[n][d] * inverse[d] for d in D] for n in N]
with sg.scope("×"):
    scaled = [[Z[n][d] * gamma[d] for d in D] for n in N]
with sg.scope("+"):
    Y = [[scaled[n][d] + beta[d] for d in D] for n in N]
with sg.scope("next layers"):
    L = sg.sum(Y[n][d] * (n - d) for n in N for d in D)
L.label = "L"
L.backward()

print("dL/dβ =", [b.grad for b in beta])
print("dL/dX adds up to", *(f"{abs(sum(x.grad for x in c)):.6f}" for c in zip(*X, strict=True)))

inner = {"μ (D,)": mean, "X−μ (N, D)": centred, "σ² (D,)": variance, "1/σ (D,)": inverse}
outer = {"X (N, D)": X, "γ (D,)": gamma, "γZ (N, D)": scaled, "β (D,)": beta, "Y (N, D)": Y}
names = inner | outer | {"Z (N, D)": Z}
picture = sg.draw(L, fold=True, names=names, width=math.inf)  # one line, as there
picture.save("qiita_batch_norm.svg")
