"""A small network that makes up first names: letters are vectors, which are learnt.

Three letters become three vectors side by side, two layers say which letter follows. Afterwards
the vectors show what the network found by itself: vowels lie together.
"""

import random
from pathlib import Path

import scalargrad as sg

LETTERS = ".abcdefghijklmnopqrstuvwxyz"  # the point stands before and behind a name
WIDTH = 3

names = (Path(__file__).parent / "names.txt").read_text(encoding="utf-8").split()[:400]
contexts, following = [], []
for name in names:
    spelt = [0] * WIDTH + [LETTERS.index(letter) for letter in name] + [0]
    for i in range(WIDTH, len(spelt)):
        contexts.append(spelt[i - WIDTH : i])
        following.append(spelt[i])


def side_by_side(vectors):
    """Return the numbers of some vectors as one list."""
    return [x for vector in vectors for x in vector]


table = sg.nn.Embedding(len(LETTERS), 2, seed=0)
model = sg.nn.Sequential(
    table, side_by_side,
    sg.nn.Affine(2 * WIDTH, 24, seed=1), sg.nn.Tanh(), sg.nn.Affine(24, len(LETTERS), seed=2),
)  # fmt: skip
history = sg.fit(
    model, contexts, following, loss="cross_entropy", epochs=30, batch_size=64, seed=0,
    optimizer=sg.optim.Adam(model.parameters(), lr=0.01),
)  # fmt: skip
print(f"{len(contexts)} letters, {len(model.parameters())} parameters")
print(f"loss {history.loss[0]:.3f} -> {history.loss[-1]:.3f}")

chance = random.Random(5)
made_up = []
for _ in range(8):
    spelt = [0] * WIDTH
    while spelt[-1] or len(spelt) == WIDTH:
        with sg.no_grad():
            shares = [p.data for p in sg.softmax(model(spelt[-WIDTH:]))]
        spelt += chance.choices(range(len(LETTERS)), shares)
    made_up.append("".join(LETTERS[i] for i in spelt[WIDTH:-1]))
print(*filter(None, made_up))


def distance(ones, others):
    """Return how far the vectors of some letters lie from those of others, in the mean."""
    pairs = [(table(LETTERS.index(p)), table(LETTERS.index(q))) for p in ones for q in others]
    lengths = [sg.linalg.norm([a - b for a, b in zip(*pair, strict=True)]).data for pair in pairs]
    return sum(lengths) / sum(length > 0 for length in lengths)


vowels, others = "aeiou", "bcdfghjklmnpqrstvwxz"
print(
    f"from vowel to vowel {distance(vowels, vowels):.2f}, to others {distance(vowels, others):.2f}"
)
