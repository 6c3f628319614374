"""Data sets: drawn ones by their geometry, shipped ones by their sums, MNIST by made-up files."""

import gzip
import hashlib
import math
import os
import random
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from scalargrad import ScalargradError, datasets
from scalargrad.datasets import mnist_files

# -- drawn ----------------------------------------------------------------------------------

DRAWN = [datasets.moons, datasets.circles, datasets.spirals, datasets.xor]


@pytest.mark.parametrize("draw", DRAWN)
def test_drawn_set_has_floats_and_ints_of_even_classes(draw):
    inputs, targets = draw(101, noise=0.1)

    assert len(inputs) == len(targets) == 101
    assert {len(x) for x in inputs} == {2}
    assert {type(number) for x in inputs for number in x} == {float}
    assert {type(target) for target in targets} == {int}
    assert sorted([targets.count(0), targets.count(1)]) == [50, 51]


@pytest.mark.parametrize("draw", DRAWN)
def test_drawn_set_follows_its_seed_and_leaves_random_alone(draw):
    random.seed(1)
    expected = random.random()
    random.seed(1)

    assert draw(20, noise=0.1, seed=4) == draw(20, noise=0.1, seed=4)
    assert draw(20, noise=0.1, seed=4) != draw(20, noise=0.1, seed=5)
    assert random.random() == expected


def test_moons_without_noise_are_two_half_circles():
    inputs, targets = datasets.moons(60, noise=0.0)

    for (x, y), target in zip(inputs, targets, strict=True):
        if target:
            x, y = 1.0 - x, 0.5 - y
        assert math.hypot(x, y) == pytest.approx(1.0)
        assert y >= -1e-12
    assert min(x for x, _ in inputs) == -1.0
    assert max(x for x, _ in inputs) == 2.0


def test_circles_without_noise_have_their_radii():
    inputs, targets = datasets.circles(40, noise=0.0, factor=0.3)

    for x, target in zip(inputs, targets, strict=True):
        assert math.hypot(*x) == pytest.approx(0.3 if target else 1.0)
    assert len({(round(x, 9), round(y, 9)) for x, y in inputs}) == 40


def test_classes_without_a_point_take_no_time():
    inputs, targets = datasets.spirals(3, classes=10**400)
    assert (len(inputs), sorted(targets)) == (3, [0, 1, 2])


def test_spirals_turn_outwards_from_evenly_divided_angles():
    inputs, targets = datasets.spirals(90, noise=0.0, classes=3, turns=0.5)

    for (x, y), target in zip(inputs, targets, strict=True):
        part = (math.hypot(x, y) - 0.1) / 0.9
        angle = math.tau * (0.5 * part + target / 3)
        assert (x, y) == pytest.approx(
            (math.hypot(x, y) * math.cos(angle), math.hypot(x, y) * math.sin(angle)), abs=1e-12
        )


def test_noise_has_the_deviation_asked_for():
    clean, _ = datasets.xor(4000)
    noisy, _ = datasets.xor(4000, noise=0.2)
    differences = [
        a - b for x, y in zip(noisy, clean, strict=True) for a, b in zip(x, y, strict=True)
    ]

    assert math.hypot(*differences) / math.sqrt(8000) == pytest.approx(0.2, rel=0.05)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: datasets.moons(0), ValueError, "moons: n must be a whole number from 1; got 0"),
        (lambda: datasets.moons(True), ValueError, "moons: n must be a whole number from 1; got T"),
        (lambda: datasets.moons(10, noise=-1), ValueError, "moons: noise must be at least 0"),
        (lambda: datasets.moons(10, seed="a"), TypeError, "moons: seed must be an integer"),
        (lambda: datasets.circles(10, factor="a"), TypeError, "circles: factor must be a number"),
        (lambda: datasets.spirals(10, classes=0), ValueError, "spirals: classes must be a whole"),
    ],
)
def test_unfit_arguments_are_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_counts_and_seeds_may_be_numpys():
    import numpy

    ten, one = numpy.int64(10), numpy.int64(1)

    assert datasets.moons(ten, seed=one) == datasets.moons(10, seed=1)
    assert datasets.spirals(ten, classes=numpy.int32(3)) == datasets.spirals(10, classes=3)
    assert datasets.xor(numpy.uint8(4)) == datasets.xor(4)


# -- shipped --------------------------------------------------------------------------------

FOLDER = Path(datasets.__file__).parent / "files"


def test_iris_is_fishers_not_the_misprint():
    inputs, targets = datasets.iris()

    assert len(inputs) == 150
    assert [targets.count(species) for species in range(3)] == [50, 50, 50]
    assert inputs[34] == [4.9, 3.1, 1.5, 0.2]  # 0.1 at UCI
    assert inputs[37] == [4.9, 3.6, 1.4, 0.1]  # 3.1, 1.5 at UCI
    # the means that Fisher's paper prints; those of the file at UCI are 3.418, 1.464, 0.244
    means = [
        [math.fsum(c) / 50 for c in zip(*inputs[k : k + 50], strict=True)] for k in (0, 50, 100)
    ]
    assert means[0] == pytest.approx([5.006, 3.428, 1.462, 0.246])
    assert means[1] == pytest.approx([5.936, 2.770, 4.260, 1.326])
    assert means[2] == pytest.approx([6.588, 2.974, 5.552, 2.026])


def test_digits_are_the_1797_images():
    inputs, targets = datasets.digits()

    assert len(inputs) == 1797
    assert {len(x) for x in inputs} == {64}
    assert [targets.count(digit) for digit in range(10)] == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    assert {number * 16 for x in inputs for number in x} == set(range(17))
    assert [int(number * 16) for number in inputs[0][:8]] == [0, 0, 5, 13, 9, 1, 0, 0]


def test_shipped_files_have_the_sums_that_the_readme_states():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")

    for content in (
        (FOLDER / "iris.csv").read_bytes(),
        gzip.decompress((FOLDER / "digits.csv.gz").read_bytes()),
    ):
        assert hashlib.sha256(content).hexdigest() in readme
    assert readme.count("CC BY 4.0") == 2


# -- parts ----------------------------------------------------------------------------------


def test_split_divides_samples_with_their_targets():
    inputs, targets = [[float(n)] for n in range(50)], list(range(50))

    (x, t), (test_x, test_t) = datasets.split(inputs, targets, test=0.2, seed=3)

    assert (len(t), len(test_t)) == (40, 10)
    assert sorted(t + test_t) == targets
    assert t + test_t != targets
    assert [n for [n] in x + test_x] == t + test_t
    assert datasets.split(inputs, targets, seed=3) == ((x, t), (test_x, test_t))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([1, 2], [1]),
            "needs samples, and one target for each; got 2 samples and 1 targets",
        ),
        (([1, 2], [1, 2], 0.0), "must leave both parts of the 2 samples something; got 0.0"),
        (([1, 2], [1, 2], 1.0), "both parts"),
        (([1, 2], [1, 2], 0.01), "both parts"),
        (([], []), "split: needs samples, and one target for each; got 0 samples and 0"),
        (([1], [1]), "both parts"),
    ],
)
def test_split_refuses_what_leaves_a_part_empty(arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.split(*arguments)


# -- MNIST ----------------------------------------------------------------------------------

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """Four files of the right form with three and two samples, and the table that expects them."""
    table = {}
    for images, labels, count in ((IMAGES, LABELS, 3), (TEST_IMAGES, TEST_LABELS, 2)):
        pixels = bytes(place % 256 for place in range(count * 784))
        contents = {
            images: struct.pack(">4i", 2051, count, 28, 28) + pixels,
            labels: struct.pack(">2i", 2049, count) + bytes(range(count)),
        }
        for name, content in contents.items():
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
            magic, _, width, _ = mnist_files._MNIST[name]
            table[name] = (magic, count, width, hashlib.md5(content).hexdigest())
    monkeypatch.setattr(mnist_files, "_MNIST", table)
    monkeypatch.delenv("SCALARGRAD_MNIST", raising=False)
    return tmp_path


def test_mnist_gives_scaled_pixels_and_integer_labels(tiny):
    (x, t), (test_x, test_t) = datasets.mnist(tiny)

    assert (x.shape, x.dtype.name, t.tolist()) == ((3, 784), "float64", [0, 1, 2])
    assert (test_x.shape, test_t.tolist(), test_t.dtype.kind) == ((2, 784), [0, 1], "i")
    assert (x[0, 0], x[0, 255], x[0, 51]) == (0.0, 1.0, 0.2)


def test_mnist_reads_unpacked_files_and_the_folder_of_the_environment(tiny, monkeypatch):
    packed = tiny / f"{IMAGES}.gz"
    (tiny / IMAGES).write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    monkeypatch.setenv("SCALARGRAD_MNIST", str(tiny))

    assert datasets.mnist()[0][0].shape == (3, 784)


def test_mnist_without_a_folder_says_how_to_give_one(tiny):
    with pytest.raises(ValueError, match=r"mnist: needs the folder .* or set SCALARGRAD_MNIST"):
        datasets.mnist()


def test_mnist_refuses_a_folder_that_is_no_path(tiny):
    with pytest.raises(TypeError, match=r"mnist: folder must be a text or path; got 3 \(int\)"):
        datasets.mnist(3)


def spoilt(content, change):
    return {
        "magic": struct.pack(">i", 7) + content[4:],
        "count": content[:4] + struct.pack(">i", 9) + content[8:],
        "short": content[:-1],
        "long": content + b"\0",
        "empty": b"",
        "byte": content[:-1] + bytes([content[-1] ^ 1]),
    }[change]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("magic", "must start with the magic number 20"),
        ("count", "must hold [23] samples"),
        ("short", "must have [0-9]+ bytes"),
        ("long", "must have [0-9]+ bytes"),
        ("empty", "must start with the magic number"),
        ("byte", "must have the md5"),
    ],
)
@pytest.mark.parametrize("name", [IMAGES, LABELS, TEST_IMAGES, TEST_LABELS])
def test_mnist_refuses_a_wrong_file_and_names_it(tiny, name, change, message):
    path = tiny / f"{name}.gz"
    path.write_bytes(gzip.compress(spoilt(gzip.decompress(path.read_bytes()), change)))

    with pytest.raises(ValueError, match=f"mnist: .*{name}.gz {message}") as caught:
        datasets.mnist(tiny)

    assert isinstance(caught.value, ScalargradError)


@pytest.mark.parametrize("content", [b"", b"no gzip", None])
def test_mnist_refuses_a_file_that_cannot_be_unpacked(tiny, content):
    path = tiny / f"{LABELS}.gz"
    path.write_bytes(path.read_bytes()[:-10] if content is None else content)

    with pytest.raises(ValueError, match=f"mnist: .*{LABELS}.gz must be a whole gzip|magic"):
        datasets.mnist(tiny)


@pytest.mark.parametrize("name", [IMAGES, LABELS])
def test_mnist_unpacks_no_further_than_a_file_may_reach(tiny, name):
    with gzip.open(tiny / f"{name}.gz", "wb") as file:  # 100 kB, unpacked a thousand times that
        for _ in range(100):
            file.write(bytes(1_000_000))
    tracemalloc.start()

    with pytest.raises(ValueError, match=rf"mnist: .*{name}.gz must have [0-9]+ bytes; got more;"):
        datasets.mnist(tiny)

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_mnist_reads_no_further_than_a_file_may_reach(tiny):
    with open(tiny / LABELS, "wb") as file:
        file.truncate(10**12)  # of nothing, so that it needs no disk

    with pytest.raises(ValueError, match=rf"mnist: .*{LABELS} must have [0-9]+ bytes; got more;"):
        datasets.mnist(tiny)


def test_mnist_reads_a_file_that_was_packed_without_getting_smaller(tiny):
    path = tiny / f"{IMAGES}.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 0))

    assert datasets.mnist(tiny)[0][0].shape == (3, 784)


def test_mnist_names_a_missing_file(tiny):
    (tiny / f"{TEST_LABELS}.gz").unlink()

    with pytest.raises(FileNotFoundError, match=f"mnist: wants the file {TEST_LABELS}.gz"):
        datasets.mnist(tiny)


def test_mnist_without_numpy_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(ImportError, match=r'mnist: needs the library numpy.*"\.\[mnist\]"'):
        datasets.mnist("anywhere")


def test_mnist_is_the_real_one():
    import numpy

    if not os.environ.get("SCALARGRAD_MNIST"):
        pytest.skip("no MNIST: set SCALARGRAD_MNIST to the folder with the four original files")

    (x, t), (test_x, test_t) = datasets.mnist()

    assert (x.shape, test_x.shape) == ((60_000, 784), (10_000, 784))
    assert numpy.bincount(test_t).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    assert t[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert (x.min(), x.max(), round(float(x.mean()), 4)) == (0.0, 1.0, 0.1307)


def test_package_needs_no_numpy():
    code = "import sys; sys.modules['numpy'] = None; import scalargrad as sg; sg.datasets.iris()"

    subprocess.run([sys.executable, "-c", code], check=True)
