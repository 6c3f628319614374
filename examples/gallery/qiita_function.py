"""A function z = f(x): what comes back is E·f′(x).
関数 z = f(x) のノード。上流から来た E に f′(x) を掛けて返す。

Source: the Qiita article on the parts of computational graphs.
"""

import scalargrad as sg


@sg.custom(lambda x: 3 * x**2, op="f")  # f' is given beside f
def cube(x):
    """Take the third power."""
    return x**3


x = sg.Value(2, "x")
z = cube(x)
z.label = "z"
E = 0.5
z.backward(E)

print(f"z = {z.data:g}, E f'(x) = {E} * 12 = {x.grad:g}")

sg.draw(z, symbols="both").save("qiita_function.svg")
