"""The sum node adds up N values and copies E to all of them; it is a chain of additions.
総和ノード。順伝播では N 個の値を足し、逆伝播では E を N 個にコピーする。加算の連なりに等しい。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg

x = [sg.Value(number, f"x{k}") for number, k in zip((1, 2, 3, 4), "₁₂₃₄", strict=True)]
z = sg.sum(x)
z.label = "z"
z.backward(0.5)

print(f"z = {z.data:g}; back go", *(f"{value.grad:g}" for value in x))

sg.draw(z).save("qiita_sum_1.svg")
sg.draw(z, open="sum").save("qiita_sum_2.svg")

X = [[sg.Value(10 * n + d) for d in range(2)] for n in range(3)]  # N = 3 rows, D = 2
sums = [sg.sum(column) for column in zip(*X, strict=True)]
sg.dot(sums, [0.5, -1.0]).backward()  # E = (0.5, -1)
print([value.data for value in sums], "; back go", [[value.grad for value in row] for row in X])
