"""Make up first names with a GPT in which every number is a Value.

It guesses the next letter from the letters so far. Nothing but + * / - **, exp, log and relu: each
line is the mathematics it stands for, and Adam is written out as well. Beside it, names.txt is a
list of common first names, written for this example.

    python tiny_gpt.py [steps]
"""

import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean

import scalargrad as sg

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # a dot stands before and after every name
POSITIONS = 10  # the longest name has nine letters, and a dot before it
WIDTH, HEADS = 16, 4
STEPS = 1500  # some 15 seconds with the native engine, 6 minutes with the readable one


def dot(xs, ys):
    return sum(x * y for x, y in zip(xs, ys, strict=True))


def added(xs, ys):
    return [x + y for x, y in zip(xs, ys, strict=True)]


def linear(matrix, xs):
    return [dot(row, xs) for row in matrix]


def normalised(xs):
    """Scale a vector to a mean square of 1, so that no layer drowns out another."""
    scale = (dot(xs, xs) / len(xs) + 1e-5) ** -0.5
    return [x * scale for x in xs]


def softmax(scores):
    highest = max(score.data for score in scores)  # a shift changes nothing, but exp stays finite
    exps = [(score - highest).exp() for score in scores]
    total = sum(exps)
    return [e / total for e in exps]


class GPT:
    """Score every letter as the next one of a name; `value` makes a Value of a number."""

    def __init__(self, value, random):
        def matrix(rows, columns):
            return [[value(random.gauss(0, 0.08)) for _ in range(columns)] for _ in range(rows)]

        self.letters = matrix(len(LETTERS), WIDTH)
        self.positions = matrix(POSITIONS, WIDTH)
        self.query, self.key, self.value, self.mix = (matrix(WIDTH, WIDTH) for _ in range(4))
        self.widen, self.narrow = matrix(4 * WIDTH, WIDTH), matrix(WIDTH, 4 * WIDTH)
        self.scores = matrix(len(LETTERS), WIDTH)

    def parameters(self):
        return [p for matrix in vars(self).values() for row in matrix for p in row]

    def __call__(self, letter, past):
        """Return the scores after one more letter; `past` grows by its key and value."""
        x = normalised(added(self.letters[LETTERS.index(letter)], self.positions[len(past)]))
        x = added(x, self.attention(normalised(x), past))
        x = added(x, self.mlp(normalised(x)))
        return linear(self.scores, x)

    def attention(self, x, past):
        """Mix the values of all letters so far, each as its key answers the query of this one."""
        query = linear(self.query, x)
        past.append((linear(self.key, x), linear(self.value, x)))  # later letters are not in it yet
        size = WIDTH // HEADS
        mixed = []
        for head in (slice(start, start + size) for start in range(0, WIDTH, size)):
            weights = softmax([dot(query[head], key[head]) / size**0.5 for key, _ in past])
            columns = zip(*(value[head] for _, value in past), strict=True)
            mixed += [dot(weights, column) for column in columns]
        return linear(self.mix, mixed)

    def mlp(self, x):
        return linear(self.narrow, [h.relu() for h in linear(self.widen, x)])

    def loss(self, name):
        """Return the cross entropy of each letter given those before it, on average."""
        past, losses = [], []
        for letter, following in pairwise(f".{name}."):
            chances = softmax(self(letter, past))
            losses.append(-chances[LETTERS.index(following)].log())
        return sum(losses) / len(losses)

    def name(self, random, temperature=0.5):
        """Draw a name letter by letter; a low temperature keeps to the likely ones."""
        name, past = ".", []
        while name.count(".") < 2 and len(past) < POSITIONS:
            chances = softmax([score / temperature for score in self(name[-1], past)])
            name += random.choices(LETTERS, [chance.data for chance in chances])[0]
        return name.strip(".")


class Adam:
    """Step by the running mean of each gradient, in units of its running size."""

    def __init__(self, parameters, steps, rate=0.01):
        self.parameters, self.steps, self.rate = parameters, steps, rate
        self.means, self.squares = ([0.0] * len(parameters) for _ in range(2))
        self.time = 0

    def step(self, beta1=0.85, beta2=0.99):
        rate = self.rate * (1 - self.time / self.steps)  # ever shorter steps, to settle
        self.time += 1
        # the averages below begin at 0: early on they are too small by these factors
        short1, short2 = 1 - beta1**self.time, 1 - beta2**self.time
        for k, p in enumerate(self.parameters):
            mean = self.means[k] = beta1 * self.means[k] + (1 - beta1) * p.grad
            square = self.squares[k] = beta2 * self.squares[k] + (1 - beta2) * p.grad**2
            p.data -= rate * (mean / short1) / ((square / short2) ** 0.5 + 1e-8)
            p.grad = 0.0


def main(steps):
    random = Random(1)
    names = Path(__file__).with_name("names.txt").read_text(encoding="utf-8").split()
    random.shuffle(names)
    model = GPT(sg.Value, random)
    adam = Adam(model.parameters(), steps)
    print(f"{len(names)} names, {len(adam.parameters)} parameters, engine {sg.engine}")

    losses = []
    part = max(1, steps // 10)  # names differ much, so print the mean over a tenth of the steps
    while len(losses) < steps:
        loss = model.loss(names[len(losses) % len(names)])
        loss.backward()
        adam.step()
        losses.append(loss.data)
        if len(losses) % part == 0:
            print(f"step {len(losses)}: loss {fmean(losses[-part:]):.4f}", flush=True)

    with sg.no_grad():
        drawn = {model.name(random) for _ in range(20)}
    print("new names:", *sorted(drawn - {"", *names}))
    print(f"loss {fmean(losses[:part]):.4f} -> {fmean(losses[-part:]):.4f}")


def number_of_steps(arguments):
    """Read the command line, or stop with what is wrong with it."""
    try:
        [steps] = map(int, arguments or [STEPS])
    except ValueError:
        steps = 0
    if steps < 1:
        refusal, got = "steps must be one whole number, at least 1", " ".join(arguments)
        print(f"tiny_gpt: {refusal}; got {got!r}; pass e.g. 200", file=sys.stderr)
        sys.exit(2)
    return steps


if __name__ == "__main__":
    main(number_of_steps(sys.argv[1:]))
