"""ReLU: where x > 0 the gradient passes, else it stops.
ReLU ノード。x > 0 なら上流の値をそのまま流し、x ≦ 0 なら信号はそこで止まる。

Source: Saito, Deep Learning from Scratch, figure 5-18.
"""

import scalargrad as sg

for index, number in enumerate((3, -2, 0), 1):
    x = sg.Value(number, "x")
    y = sg.relu(x)
    y.label = "y"
    y.backward()
    print(f"x = {x.data:g}: y = {y.data:g}, dy/dx = {x.grad:g}")
    if number:
        sg.draw(y, symbols="both").save(f"fig_5_18_{index}.svg")
