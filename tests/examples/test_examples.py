"""Every example runs as a user runs it, and prints the numbers it promises."""

import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import curve_fit, minimize
from scipy.stats import multivariate_normal

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def start(name, folder, *arguments):
    """Run an example in a folder."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def run(name, folder, *arguments):
    """Run an example in a folder and return what it printed."""
    done = start(name, folder, *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def number(pattern, text):
    return float(re.search(pattern, text, re.MULTILINE)[1])


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("two_apples", [
            "price 220", "one yen more for an apple: 2.2", "one apple more: 110",
            "a tax of 100 % more: 200",
        ]),
        ("apples_and_oranges", [
            "price 715", "d price / d apple = 2.2", "d price / d apples = 110",
            "d price / d orange = 3.3", "d price / d oranges = 165", "d price / d tax = 650",
        ]),
        ("softmax_with_loss", [
            "one node: loss 1.6094, y - t = 0.3000 -0.8000 0.5000",
            "by steps: loss 1.6094, y - t = 0.3000 -0.8000 0.5000",
        ]),
        ("fill_in", [
            "  1           1.1   ×: upstream × the other operand = 1 × 1.1 = 1.1",
            "  2           650   ×: upstream × the other operand = 1 × 650 = 650",
            "  3           1.1   +: upstream, unchanged = 1.1",
            "  4           1.1   +: upstream, unchanged = 1.1",
            "  5           2.2   ×: upstream × the other operand = 1.1 × 2 = 2.2",
            "  6           110   ×: upstream × the other operand = 1.1 × 100 = 110",
            "  7           3.3   ×: upstream × the other operand = 1.1 × 3 = 3.3",
            "  8           165   ×: upstream × the other operand = 1.1 × 150 = 165",
            "",
            "7 of 8 right",
            *(f"  {box}  {answer:>12}   right"
              for box, answer in enumerate(["1.1", "650", "1.1", "1.1", "2.2"], 1)),
            "  6           100   not right; ×: upstream × the other operand = 1.1 × 100 = 110",
            "  7           3.3   right",
            "  8           165   right",
        ]),
        ("xyz", ["g = -12", "dg/dx = -3", "dg/dy = -3", "dg/dz = 4"]),
    ],
)  # fmt: skip
def test_worked_examples_print_the_sources_numbers_and_draw(name, lines, tmp_path):
    assert run(name, tmp_path).splitlines() == lines
    drawn = (tmp_path / f"{name}.svg").read_text(encoding="utf-8")
    assert drawn == (EXAMPLES / "pictures" / f"{name}.svg").read_text(encoding="utf-8")


def test_opened_and_folded_prints_the_numbers_and_draws_both(tmp_path):
    lines = run("opened_and_folded", tmp_path).splitlines()

    assert lines[0] == "y = 0.622459, dy/dx = 0.235004 = y(1 - y) = 0.235004"
    assert lines[1].startswith("39760 parameters, loss 2.3")
    for name in ("sigmoid_opened.svg", "network_folded.svg"):
        drawn = (tmp_path / name).read_text(encoding="utf-8")
        assert drawn == (EXAMPLES / "pictures" / name).read_text(encoding="utf-8")


def test_walk_through_writes_a_page(tmp_path):
    assert run("walk_through", tmp_path) == "walk_through.html: 14 steps\n"
    page = (tmp_path / "walk_through.html").read_text(encoding="utf-8")
    assert "<h1>Two apples and three oranges</h1>" in page


def test_two_moons_learns_every_point(tmp_path):
    out = run("two_moons", tmp_path)

    assert number(r"^(\d+) parameters$", out) == 337
    assert number(r"^loss (.*)$", out) < 0.05
    assert number(r"^accuracy (.*)$", out) == 1.0
    for name in ("two_moons.png", "two_moons_history.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_iris_names_held_out_flowers(tmp_path):
    out = run("iris", tmp_path)

    assert "120 flowers learnt, 30 kept" in out
    assert number(r"^training accuracy (.*)$", out) >= 0.93
    assert number(r"^test accuracy (.*)$", out) >= 0.93


def test_digits_reads_held_out_images(tmp_path):
    out = run("digits", tmp_path)

    assert "2410 parameters, 1438 images learnt, 359 kept" in out
    assert number(r"^test accuracy (.*)$", out) >= 0.93


def test_gradient_check_agrees_for_every_key(tmp_path):
    out = run("gradient_check", tmp_path)

    assert [line.partition(":")[0] for line in out.splitlines()] == ["W1", "b1", "W2", "b2"]
    for key in ("W1", "b1", "W2", "b2"):
        assert 0.0 < number(f"^{key}: (.*)$", out) < 1e-6


def test_recurrent_learns_through_time(tmp_path):
    out = run("recurrent", tmp_path)

    exact, numerical = number(r"^through time (.*),", out), number(r"by differences (.*)$", out)
    assert exact == pytest.approx(numerical, abs=1e-7)
    assert exact != 0.0
    assert number(r"-> (.*)$", out) < number(r"^training loss (.*) ->", out) / 20
    assert number(r"^test loss (.*);", out) < number(r"no change (.*)$", out) / 10


def test_tiny_gpt_learns_and_makes_up_names(tmp_path):
    out = run("tiny_gpt", tmp_path, "60")

    assert number(r", (\d+) parameters, ", out) == 4096
    names = re.search("^new names: (.*)$", out, re.MULTILINE)[1].split()
    assert names
    assert all(name.isalpha() and name.islower() and len(name) < 11 for name in names)
    assert number(r"-> (.*)$", out) < number(r"^loss (.*) ->", out) - 0.5


@pytest.mark.parametrize("arguments", [["x"], ["0"], ["1", "2"]])
def test_tiny_gpt_refuses_a_wrong_number_of_steps_in_one_line(tmp_path, arguments):
    done = start("tiny_gpt", tmp_path, *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("tiny_gpt: steps must be one whole number")


def black_scholes(spot, volatility, rate, years, strike=40):
    """Return the price of a call in the digits of mpmath."""
    spread = volatility * mpmath.sqrt(years)
    d1 = (mpmath.log(spot / strike) + (rate + volatility**2 / 2) * years) / spread
    owed = strike * mpmath.exp(-rate * years)
    return spot * mpmath.ncdf(d1) - owed * mpmath.ncdf(d1 - spread)


def test_greeks_are_those_of_fifty_digits(tmp_path):
    out = run("greeks", tmp_path)

    orders = {
        "delta": (1, 0, 0, 0), "vega": (0, 1, 0, 0), "rho": (0, 0, 1, 0), "theta": (0, 0, 0, 1),
        "gamma": (2, 0, 0, 0), "vanna": (1, 1, 0, 0), "vomma": (0, 2, 0, 0), "charm": (1, 0, 0, 1),
    }  # fmt: skip
    with mpmath.workdps(50):
        point = tuple(map(mpmath.mpf, (42.0, 0.2, 0.1, 0.5)))
        assert number(r"^price (.*)$", out) == pytest.approx(float(black_scholes(*point)), abs=1e-6)
        for name, order in orders.items():
            exact = float(mpmath.diff(black_scholes, point, order))
            exact *= -1 if name in ("theta", "charm") else 1
            printed = re.search(rf"^{name} +(\S+) +(\S+)$", out, re.MULTILINE)
            assert float(printed[1]) == pytest.approx(exact, rel=1e-13)
            assert float(printed[2]) == pytest.approx(exact, rel=1e-13)
    assert number(r"^largest relative difference (.*)$", out) < 1e-13


def test_implied_volatility_explains_the_price(tmp_path):
    lines = run("implied_volatility", tmp_path).splitlines()[1:]

    assert len(lines) == 4
    for line in lines:
        strike, price, volatility, by_price, over_vega, by_spot = map(float, line.split())

        def solved(price, spot, strike=strike):
            solution = mpmath.findroot(
                lambda v: black_scholes(spot, v, 0.1, 0.5, strike) - price, mpmath.mpf("0.2")
            )
            return +solution

        with mpmath.workdps(40):
            point = mpmath.mpf(price), mpmath.mpf(42)
            assert volatility == pytest.approx(float(solved(*point)), abs=1e-8)
            slopes = [mpmath.diff(solved, point, order, h=1e-15) for order in ((1, 0), (0, 1))]
        assert by_price == over_vega == pytest.approx(float(slopes[0]), abs=1e-6)
        assert by_spot == pytest.approx(float(slopes[1]), abs=1e-6)
    assert "root" in (tmp_path / "implied_volatility.svg").read_text(encoding="utf-8")


def test_rosenbrock_finds_the_bottom_of_the_valley(tmp_path):
    out = run("rosenbrock", tmp_path)

    for method in ("BFGS", "trust-ncg"):
        assert number(rf"^{method}.* (\S+)$", out) < 1e-10
    assert "at the start: value 4598, gradient -215.6 792 ..." in out
    assert "3 of 3 gradients agree with central differences" in out


def test_peaks_are_those_of_a_fit_without_derivatives(tmp_path):
    out = run("peaks", tmp_path)

    def spectrum(x, a, b, c, d, width, base, slope):
        bells = a * np.exp(-(((x - b) / width) ** 2) / 2) + c * np.exp(
            -(((x - d) / width) ** 2) / 2
        )
        return bells + base + slope * x

    draw, true = random.Random(5), [9.0, 4.2, 5.0, 6.0, 0.7, 2.0, 0.15]
    energies = 0.1 * np.arange(101)
    counts = [float(spectrum(x, *true)) + draw.gauss(0.0, 0.25) for x in energies]
    noise = np.full(101, 0.25)
    best, spread = curve_fit(spectrum, energies, counts, true, noise, absolute_sigma=True)
    found = re.findall(r"(\S+) ± (\S+)", out)
    assert [float(x) for x, _ in found] == pytest.approx(best, abs=2e-3)
    assert [float(x) for _, x in found] == pytest.approx(np.sqrt(np.diag(spread)), abs=2e-3)
    assert (tmp_path / "peaks.png").read_bytes().startswith(b"\x89PNG")


def test_pendulum_has_the_gradient_of_the_variational_equation(tmp_path):
    out = run("pendulum", tmp_path)

    def motion(time, state, gravity=9.81, length=1.0):
        angle, speed, *moved = state
        by_angle = -gravity / length * np.cos(angle)
        rates = [speed, -gravity / length * np.sin(angle)]
        for index, forced in enumerate((0.0, 0.0, gravity / length**2 * np.sin(angle))):
            d_angle, d_speed = moved[2 * index : 2 * index + 2]
            rates += [d_speed, by_angle * d_angle + forced]
        return rates

    start = [2.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    end = solve_ivp(motion, (0, 10), start, method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    assert number(r"angle (\S+),", out) == pytest.approx(end[0], abs=1e-4)
    assert number(r"speed (\S+)$", out) == pytest.approx(end[1], abs=1e-4)
    for name, exact in (("first angle", end[2]), ("first speed", end[4]), ("length", end[6])):
        assert number(rf"^d angle / d {name} +(\S+)$", out) == pytest.approx(exact, rel=1e-4)
    assert number(r"^determinant (.*)$", out) == pytest.approx(1.0, abs=1e-5)
    assert "3 of 3 gradients agree with central differences" in out


def test_the_tea_cools_as_a_fit_without_derivatives_says(tmp_path):
    out = run("cooling", tmp_path)

    def celsius(minutes, room, start, rate):
        return room + (start - room) * np.exp(-rate * minutes)

    draw, minutes = random.Random(4), 3.0 * np.arange(20)
    measured = [x + draw.gauss(0.0, 0.5) for x in celsius(minutes, 21.0, 88.0, 0.062)]
    best, _ = curve_fit(celsius, minutes, measured, [20.0, 80.0, 0.05])
    loss = np.mean((celsius(minutes, *best) - measured) ** 2)
    last = re.search(r"step 5: loss (\S+), room (\S+), start (\S+), rate (\S+)$", out, re.MULTILINE)
    assert [float(x) for x in last.groups()] == pytest.approx([loss, *best], abs=1e-3)
    assert "slope.name=None" in out
    assert number(r"largest slope (\S+)$", out) < 1e-5
    assert "read back: mean of 20 squares, same loss: True" in out
    labels = [
        node.get("label") for node in json.loads((tmp_path / "cooling.json").read_text())["nodes"]
    ]
    assert [label for label in labels if label] == ["room", "start", "rate"]


def test_the_pole_swings_up_with_forces_that_cannot_be_bettered(tmp_path):
    out = run("swing_up", tmp_path)
    forces = np.array(re.search(r"^forces (.*)$", out, re.MULTILINE)[1].split(), dtype=float)

    def motion(time, state, force, cart=1.0, pole=0.3, length=0.5):
        _, angle, speed, turning = state
        inertia = [[cart + pole, pole * length * np.cos(angle)], [np.cos(angle), length]]
        pull = force + pole * length * turning**2 * np.sin(angle)
        return [speed, turning, *np.linalg.solve(inertia, [pull, -9.81 * np.sin(angle)])]

    def end(forces):
        state = np.zeros(4)
        for force in forces:
            state = solve_ivp(motion, (0, 0.05), state, "DOP853", args=(force,), rtol=1e-9).y[:, -1]
        return state

    there = end(forces)
    assert there == pytest.approx([1.0, np.pi, 0.0, 0.0], abs=2e-2)
    found = re.search(r"place (\S+), angle (\S+), speeds (\S+) (\S+)$", out, re.MULTILINE)
    assert [float(x) for x in found.groups()] == pytest.approx(there, abs=2e-3)
    assert number(r"^effort (\S+),", out) == pytest.approx(0.05 * (forces**2).sum(), abs=1e-2)
    # Lagrange: the gradient of the effort is a combination of those of the four conditions
    slopes = np.array([(end(forces + 1e-4 * unit) - there) / 1e-4 for unit in np.eye(40)[::5]])
    left = np.linalg.lstsq(slopes, forces[::5])[1]
    assert left[0] < 1e-4 * (forces[::5] ** 2).sum()


def test_newtons_method_gets_to_the_minimum_in_seven_steps(tmp_path):
    lines = run("newton_method", tmp_path).splitlines()

    xs = [number(r"x = (\S+)", line) for line in lines[:8]]
    assert xs[:3] == pytest.approx([2.0, 16 / 11, 1.1510467893775467], rel=1e-15)
    assert xs[7] == 1.0
    assert lines[8] == "in one call: sg.newton(sg.grad(f), 2.0) = 1.0"


def test_tanh_derivatives_are_those_of_fifty_digits_and_drawn(tmp_path):
    lines = run("tanh_derivatives", tmp_path).splitlines()[1:]

    for order, line in enumerate(lines, 1):
        printed, derivative, polynomial = map(float, line.split())
        exact = float(mpmath.diff(mpmath.tanh, 1, order))
        assert printed == order
        assert derivative == polynomial == pytest.approx(exact, rel=1e-11)
        drawn = (tmp_path / f"tanh_{order}.svg").read_text(encoding="utf-8")
        assert f"Derivative {order} of tanh" in drawn
    assert len(lines) == 5


def test_black_scholes_has_the_greeks_of_fifty_digits(tmp_path):
    out = run("black_scholes", tmp_path)

    rows = {line[:10].strip(): line[10:].split() for line in out.splitlines()[1:12]}
    positions = {"spot": 0, "volatility": 1, "rate": 2, "years": 3, "strike": 4}
    names = {"delta": "spot", "vega": "volatility", "rho": "rate", "theta": "years"}
    names["by strike"] = "strike"
    for column in range(4):
        point = tuple(mpmath.mpf(rows[name][column]) for name in positions)
        price = float(black_scholes(*point))
        assert float(rows["price"][column]) == pytest.approx(price, abs=5e-3)  # of rounded inputs
        for name, by in names.items():
            order = tuple(int(other == by) for other in positions)
            exact = float(mpmath.diff(black_scholes, point, order))
            exact *= -1 if name == "theta" else 1
            assert float(rows[name][column]) == pytest.approx(exact, abs=5e-2)
    for mode in ("strict", "fast"):
        assert number(rf"^{mode}: .*formulas (.*)$", out) < 1e-11


def test_monte_carlo_has_the_derivatives_written_by_hand(tmp_path):
    out = run("monte_carlo", tmp_path)

    draws = np.random.default_rng(seed=0).standard_normal((20_000, 16))
    times, walks = np.arange(1, 17) / 16, draws.cumsum(1) / 4
    prices = 100 * np.exp((0.05 - 0.2**2 / 2) * times + 0.2 * walks)
    average, owed = prices.mean(1), np.exp(-0.05)
    above = average > 100
    paid = np.where(above, owed * (average - 100), 0)
    by_volatility = (prices * (walks - 0.2 * times)).mean(1)
    columns = {
        "price": paid,
        "delta": np.where(above, owed * average / 100, 0),
        "vega": np.where(above, owed * by_volatility, 0),
        "rho": np.where(above, owed * (prices * times).mean(1), 0) - paid,
    }
    for name, column in columns.items():
        mean, error, *compared = map(
            float, re.search(rf"^{name} +(.*)$", out, re.MULTILINE)[1].split()
        )
        assert mean == pytest.approx(column.mean(), abs=1e-6)
        assert error == pytest.approx(column.std() / np.sqrt(20_000), abs=1e-6)
        assert compared == ([] if name == "price" else pytest.approx([mean], abs=2e-6))
    assert "2 tapes, one for each way through the if" in out


def test_many_machines_agrees_with_one_process(tmp_path):
    out = run("many_machines", tmp_path, "600000")

    if "needs dask" in out:
        pytest.skip('dask is not installed; install ".[cluster]"')
    assert "3 of 3 shards" in out
    assert number("price (.*?),", out) == pytest.approx(15.58, abs=0.05)
    assert number(r"^step 30: loss (.*)$", out) < number(r"^step 1: loss (.*)$", out)
    assert number(r"^largest relative difference between the two (.*)$", out) < 1e-13


def test_many_machines_says_what_it_needs_where_dask_is_not_installed(tmp_path, monkeypatch):
    (tmp_path / "dask.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    assert run("many_machines", tmp_path).startswith("many_machines: needs dask; run: ")


@pytest.mark.parametrize("arguments", [["x"], ["0"], ["1", "tcp://127.0.0.1:1", "2"]])
def test_many_machines_refuses_wrong_words_in_one_line(tmp_path, arguments):
    pytest.importorskip("dask.distributed")
    done = start("many_machines", tmp_path, *arguments)

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_mnist_learns_as_the_books_network_does(tmp_path):
    out = run("mnist", tmp_path)

    if out.startswith("mnist: no MNIST here"):
        pytest.skip("no MNIST: set SCALARGRAD_MNIST to the folder with the four original files")
    rows = re.findall(r"^train acc, test acc \| ([\d.]+), ([\d.]+)$", out, re.MULTILINE)
    assert len(rows) == 17
    first, last = [tuple(map(float, row)) for row in (rows[0], rows[-1])]
    assert max(first) < 0.3
    assert last[0] > 0.975
    assert abs(last[0] - last[1]) < 0.02  # it has not learnt by heart
    assert number(r"^test accuracy at the end (.*)$", out) >= 0.966


def test_mnist_refuses_a_folder_without_the_files(tmp_path):
    done = start("mnist", tmp_path, str(tmp_path))

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("mnist: ")


def test_gaussian_process_is_that_of_numpy(tmp_path):
    out = run("gaussian_process", tmp_path)
    x = np.array([0.0, 0.5, 1.1, 1.5, 2.2, 2.9, 3.4, 4.1, 4.6, 5.0])
    y = np.array([0.12, 0.42, 0.95, 0.93, 0.86, 0.18, -0.31, -0.74, -1.05, -0.91])

    def alike(p, q, height, length):
        return height**2 * np.exp(-(((p[:, None] - q) / length) ** 2) / 2)

    def surprise(logarithms):
        height, length, noise = np.exp(logarithms)
        normal = alike(x, x, height, length) + noise**2 * np.eye(10)
        return -multivariate_normal(np.zeros(10), normal).logpdf(y)

    best = minimize(surprise, [0.0, 0.5, -2.0], tol=1e-12, method="Nelder-Mead")
    height, length, noise = np.exp(best.x)

    assert number(r"^surprise (.*?),", out) == pytest.approx(best.fun, abs=2e-6)
    assert number(r"gradient (.*)$", out) < 1e-12
    for name, learnt in zip(["height", "length", "noise"], np.exp(best.x), strict=True):
        assert number(rf"^{name} +(.*?),", out) == pytest.approx(learnt, abs=2e-4)
    weights = np.linalg.solve(alike(x, x, height, length) + noise**2 * np.eye(10), y)
    rows = np.array([row.split() for row in out.splitlines()[5:9]], dtype=float)
    for place, curve, _, slope, _ in rows:
        heights = [(alike(np.array([p]), x, height, length) @ weights)[0] for p in
                   (place, place - 1e-4, place + 1e-4)]  # fmt: skip
        assert curve == pytest.approx(heights[0], abs=2e-4)
        assert slope == pytest.approx((heights[2] - heights[1]) / 2e-4, abs=2e-4)


def test_robot_arm_is_where_a_search_without_derivatives_puts_it(tmp_path):
    out = run("robot_arm", tmp_path)
    lengths, target = np.array([1.0, 0.8, 0.5]), np.array([0.9, 1.4])

    def hand(angles):
        turned = np.cumsum(angles)
        return np.array([lengths @ np.cos(turned), lengths @ np.sin(turned)])

    def freedom(angles):
        links = lengths * np.exp(1j * np.cumsum(angles))
        levers = 1j * np.cumsum(links[::-1])[::-1]  # each joint moves all that is behind it
        jacobian = np.array([levers.real, levers.imag])
        return np.sqrt(np.linalg.det(jacobian @ jacobian.T))

    def printed(pattern):
        return np.array(list(map(float, re.search(pattern, out, re.MULTILINE)[1].split())))

    def differences(f, at):
        steps = 1e-5 * np.eye(3)
        return np.array([(f(at + step) - f(at - step)) / 2e-5 for step in steps])

    angles, turned = (
        np.radians(printed(f"^{name} (.*)$")) for name in ("angles", "turned in place")
    )
    for pose in (angles, turned):
        assert hand(pose) == pytest.approx(target, abs=1e-4)
    direction = differences(lambda pose: np.degrees(np.arctan2(*hand(pose)[::-1])), angles)
    assert printed(r"^direction.*angle (.*)$") == pytest.approx(direction, abs=1e-2)
    assert printed(r"^freedom .*angle (.*)$") == pytest.approx(
        differences(freedom, angles), abs=1e-3
    )
    assert number(r"^freedom (.*), by", out) == pytest.approx(freedom(angles), abs=1e-4)
    best = minimize(
        lambda pose: -freedom(pose), angles, method="SLSQP",
        constraints={"type": "eq", "fun": lambda pose: hand(pose) - target},
    )  # fmt: skip
    assert number(r"^freedom (.*), a turn", out) == pytest.approx(-best.fun, abs=1e-4)


def test_next_letter_learns_vectors_of_letters(tmp_path):
    out = run("next_letter", tmp_path)
    before, after = re.search(r"^loss (.*) -> (.*)$", out, re.MULTILINE).groups()
    among, across = re.search(r"vowel to vowel (.*), to others (.*)$", out, re.MULTILINE).groups()

    assert float(after) < 2.2 < 3.0 < float(before) < np.log(27)
    assert float(among) < 0.8 * float(across)
    assert all(re.fullmatch("[a-z]+", name) for name in out.splitlines()[2].split())


def test_every_example_has_a_test():
    tested = Path(__file__).read_text(encoding="utf-8")

    for path in EXAMPLES.glob("*.py"):
        assert f'"{path.stem}"' in tested
