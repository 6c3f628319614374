"""Pictures for TeX and Typst: where the SVG has things, in its colours, and compiled."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import typst
from figures import FIGURES
from random_pictures import picture

import scalargrad as sg
from scalargrad.drawing.layout.measures import GREY
from scalargrad.drawing.output.tex_type import text
from scalargrad.drawing.output.themes import THEMES
from scalargrad.drawing.pictures import Drawing

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
#: as a label, each would be a command if it were taken for anything but text
HOSTILE = [
    r"\errmessage{OWNED}", r"}$\errmessage{OWNED}%", r"^^5cerrmessage{OWNED}", r"\input{missing}",
    r"\end{tikzpicture}", "$x$", "50 % & #1", "a_b^c~d", '"); panic("OWNED") //', "#panic()",
    '\\" + panic() + "', "\\u{41}", "{", "}", "\\", "]$ [", "|<>|", "`--?`!`", "''", "\x00",
    "é ŷ ñ", "a\u20d7", "x\u0302", "*", "…", "²", "L'Hôpital", "Ångström", "w''", "−", "¬×·→",
    "a  b ",
]  # fmt: skip


@dataclass
class Drawn:
    """What a file draws, in its order: boxes, dots, heads, shafts by points, places of texts."""

    boxes: list[list[float]] = field(default_factory=list)
    dots: list[list[float]] = field(default_factory=list)
    heads: list[list[float]] = field(default_factory=list)
    shafts: list[list[float]] = field(default_factory=list)
    texts: list[list[float]] = field(default_factory=list)


def numbers(text: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(text)]


def measures(element: ET.Element, *names: str) -> list[float]:
    return [float(element.get(name, "")) for name in names]


def size_of(svg: str) -> list[float]:
    return measures(ET.fromstring(svg), "width", "height")


def disc(x: float, y: float, radius: float) -> list[float]:
    return [x - radius, y - radius, x + radius, y + radius]


def halfway(start: list[float], control: list[float], end: list[float]) -> list[float]:
    """Return the middle of a quadratic curve."""
    return [(a + 2 * b + c) / 4 for a, b, c in zip(start, control, end, strict=True)]


def svg_drawn(svg: str) -> Drawn:
    drawn = Drawn()
    elements = list(ET.fromstring(svg))
    for element, following in pairwise([*elements, ET.Element("end")]):
        match element.tag.removeprefix(SVG), element.get("rx"):
            case "rect", _ if element.get("stroke"):
                x, y, wide, tall = measures(element, "x", "y", "width", "height")
                drawn.boxes.append([x, y, x + wide, y + tall])
            case "circle", _:
                drawn.dots.append(measures(element, "cx", "cy"))
            case "polygon", _:
                drawn.heads.append(numbers(element.get("points", "")))
            case "path", _ if following.tag == SVG + "polygon" or is_edge(element):
                drawn.shafts.append(svg_points(element.get("d", "")))
    return drawn


def is_edge(element: ET.Element) -> bool:
    """Tell whether a line is an edge of a frame that is open elsewhere."""
    greys = {colours.get(GREY, GREY) for colours in THEMES.values()}
    return element.get("stroke-width") == "0.8" and element.get("stroke") in greys


def svg_points(data: str) -> list[float]:
    points: list[float] = []
    for letter, rest in re.findall(r"([MLQ])([^MLQ]*)", data):
        given = numbers(rest)
        if letter == "Q":
            points += halfway(points[-2:], given[:2], given[2:])
        points += given[-2:]
    return points


def tex_drawn(tex: str) -> Drawn:
    drawn = Drawn()
    for line in tex.splitlines():
        places = numbers(re.sub(r"\[.*?\]", "", line))
        if line.startswith(r"\node"):
            size, *place = numbers(line.partition("{")[0])
            drawn.texts.append([*place, size])
        elif "use as bounding box" in line:
            continue
        elif "cycle" in line:
            drawn.heads.append(places)
        elif line.startswith(r"\draw"):
            drawn.shafts.append(tex_points(line.partition("]")[2]))
        elif line.startswith(r"\fill"):
            drawn.dots.append(places)
        elif "circle" in line:
            drawn.boxes.append(disc(*places, numbers(line.partition("radius=")[2])[0]))
        elif "rectangle" in line:
            drawn.boxes.append(places)
    return drawn


def tex_points(path: str) -> list[float]:
    points: list[float] = []
    for piece in re.split(r"--|\.\.(?= controls)", path):
        given = numbers(piece)
        if len(given) == 6:
            ends = zip(points[-2:], given[:2], given[2:4], given[4:], strict=True)
            points += [(a + 3 * b + 3 * c + d) / 8 for a, b, c, d in ends]
        points += given[-2:]
    return points


def typst_drawn(source: str) -> Drawn:
    drawn = Drawn()
    for line in source.partition("  box(")[2].splitlines()[1:]:
        call, _, arguments = line.strip().partition("(")
        given = numbers(arguments)
        if call == "disc":
            place, dot = disc(*given[:3]), "stroke" not in arguments
            (drawn.dots if dot else drawn.boxes).append(given[:2] if dot else place)
        elif call == "slab":
            drawn.boxes.append(given[:4])
        elif call == "head":
            drawn.heads.append(numbers("".join(re.findall(r"\([^()]*\)", arguments))))
        elif call == "shaft":
            points: list[float] = []
            for piece in map(numbers, re.findall(r"\([^()]*\)", arguments)):
                if len(piece) == 4:
                    points += halfway(points[-2:], piece[:2], piece[2:])
                points += piece[-2:]
            drawn.shafts.append(points)
        elif call in ("word", "backward", "quiet", "sign"):
            drawn.texts.append(given[:3])
    return drawn


def pictures() -> dict[str, Drawing]:
    """Return pictures that have everything that a picture can have."""
    drawings = {name: sg.draw(build()) for name, build in FIGURES.items()}
    (x,) = sg.values(x=0.5)
    y = sg.sigmoid(x) / 7
    y.label = "y"
    y.backward()
    drawings["opened"] = sg.draw(y, symbols=True, open="sigmoid", title="σ, opened", theme="dark")
    a, b, c = sg.values(a=2, b=5, c=1.5)
    root = (-b + sg.sqrt(b**2 - 4 * a * c)) / (2 * a)
    root.backward()
    drawings["quadratic"] = sg.draw([root, a * b], symbols="both", theme="transparent")
    drawings["blank"] = sg.draw(root, exercise="both", thickness=True, branches=True)
    network = sg.nn.TwoLayerNet(4, 3, 2, seed=0)
    loss = network.loss([0.1, 0.2, 0.3, 0.4], 1)
    loss.backward()
    drawings["folded"] = sg.draw(loss, fold=True, names=network.params, max_nodes=20)
    drawings["cut"] = sg.draw(loss, fold=False, max_nodes=20)
    with sg.scope("block"):
        for _ in range(3):
            x = sg.exp(sg.sin(x * x))
    x.backward()
    drawings["open"] = sg.draw(x, fold=False, width=400, theme="dark")
    return drawings


PICTURES = pictures()


def saved(drawing: Drawing, path: Path) -> str:
    drawing.save(path)
    return path.read_text("utf-8")


def test_tex_and_typst_have_the_places_of_the_svg(tmp_path: Path) -> None:
    for name, drawing in PICTURES.items():
        there = svg_drawn(drawing.svg)
        for suffix, read in ((".tex", tex_drawn), (".typ", typst_drawn)):
            here = read(saved(drawing, tmp_path / f"{name}{suffix}"))
            assert here.boxes
            for kind in ("boxes", "dots", "heads", "shafts"):
                assert getattr(here, kind) == [
                    pytest.approx(places, abs=0.1001) for places in getattr(there, kind)
                ], (name, suffix, kind)


def test_texts_stand_where_the_picture_has_them(tmp_path: Path) -> None:
    for name, drawing in PICTURES.items():
        shapes = drawing.picture.shapes
        middles = {(round(shape.x, 1), round(shape.y, 1)) for shape in shapes}
        for suffix, read in ((".tex", tex_drawn), (".typ", typst_drawn)):
            here = read(saved(drawing, tmp_path / f"{name}{suffix}")).texts
            signs = 0
            for (x, y, size), wanted in zip(here, drawing.picture.texts, strict=False):
                assert (x, size) == pytest.approx((wanted.x, wanted.size), abs=0.1), wanted
                if wanted.style == "symbol" and len(wanted.content) == 1:
                    signs += (x, y) in middles  # in the midst of its circle
                else:
                    assert y == pytest.approx(wanted.y, abs=0.1), wanted
            assert len(here) == len(drawing.picture.texts) + len(drawing.picture.blanks)
            assert signs >= sum(shape.height == shape.width == 34 for shape in shapes) / 2


@pytest.mark.parametrize("theme", THEMES)
def test_colours_are_those_of_the_svg(theme: str, tmp_path: Path) -> None:
    (x,) = sg.values(x=-0.5)
    with sg.scope("group"):
        y = sg.relu(x * x * x)
    y.backward()
    drawing = sg.draw(y, theme=theme, thickness=True, title="T")
    colours = set(re.findall(r'(?:fill|stroke)="(#[^"]*)"', drawing.svg))
    wanted = {c if len(c) == 7 else "#" + "".join(2 * digit for digit in c[1:]) for c in colours}
    tex = saved(drawing, tmp_path / "a.tex")
    assert {f"#{c.lower()}" for c in re.findall(r"{HTML}{(\w+)}", tex)} == wanted
    used = {"transparent": 4}.get(theme, 6)
    assert len(set(re.findall(r"\bsg(?:black|red|grey|pale|paper|idle)\b", tex))) == used
    source = saved(drawing, tmp_path / "a.typ")
    inks = re.findall(r'^  let \w+ = (?:rgb\("(.*)"\)|none)$', source, re.M)
    assert set(filter(None, inks)) == colours


def test_symbols_are_set_as_mathematics(tmp_path: Path) -> None:
    tex = saved(PICTURES["quadratic"], tmp_path / "a.tex")

    assert r"${-}\frac{c}{a\sqrt{b^{2}-4a\by c}}$" in tex
    assert r"\mathrm{exp}({-}x)$" in saved(PICTURES["opened"], tmp_path / "b.tex")
    source = saved(PICTURES["quadratic"], tmp_path / "a.typ")
    assert 'root(script(it("b"), above: "2", rise: -0.360em) + apart(0.2em, "−")' in source


@pytest.mark.parametrize("suffix", [".tex", ".typ"])
@pytest.mark.parametrize("name", ["xyz", "frames"])
def test_file_has_the_bytes_of_its_golden_one(name: str, suffix: str, tmp_path: Path) -> None:
    made = saved(sg.draw(FIGURES[name]()), tmp_path / f"{name}{suffix}")
    golden = GOLDEN / f"{name}{suffix}"
    if os.environ.get("SCALARGRAD_UPDATE_GOLDEN"):
        golden.write_text(made, "utf-8")
    assert made == golden.read_text("utf-8")


def of_hostile_labels() -> list[Drawing]:
    """Return pictures with each of them as a name, in a formula, on a frame, and as a title."""
    drawings = []
    for labels in [*batched(HOSTILE, 8), ["".join(HOSTILE)]]:
        terms = []
        for label in labels:
            x = sg.Value(2.0, label)
            with sg.scope(label):
                terms.append(x.exp() * x)
            terms[-1].label = label + "1"
        root = sg.sum(terms)
        root.backward()
        drawings.append(sg.draw(root, title=" ".join(labels), symbols="both"))
    return drawings


def batched(labels: list[str], size: int) -> list[list[str]]:
    return [labels[start : start + size] for start in range(0, len(labels), size)]


@cache
def every_drawing() -> list[Drawing]:
    drawings = [*PICTURES.values(), *of_hostile_labels()]
    for seed in [*range(6), *range(7, 15), *range(16, 22)]:  # those between are large
        root, options = picture(seed)
        drawings.append(sg.draw(root, **options))
    return drawings


def test_typst_compiles_them_all_and_warns_of_nothing(tmp_path: Path) -> None:
    for drawing in every_drawing():
        drawing.save(tmp_path / "a.typ")
        made, warnings = typst.compile_with_warnings(tmp_path / "a.typ", format="svg")
        assert warnings == []
        size = size_of(made.decode().replace('pt"', '"'))
        assert size == pytest.approx(size_of(drawing.svg), abs=0.1)


def test_typst_takes_a_picture_into_a_document(tmp_path: Path) -> None:
    PICTURES["xyz"].save(tmp_path / "a.typ")
    document = tmp_path / "b.typ"
    document.write_text(
        '#import "a.typ": picture\n#set par(first-line-indent: 9pt, justify: true)\nText.\n'
        "#scale(50%, reflow: true, picture)\n#figure(picture, caption: [xyz])\n"
    )
    made, warnings = typst.compile_with_warnings(document, format="pdf")
    assert warnings == []
    assert len(re.findall(rb"/Type ?/Page\b", made)) == 1


def latex(engine: str, file: Path) -> str:
    """Run TeX over a file; gives its log. It may run no program and read nothing outside."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    subprocess.run(
        [engine, "-interaction=nonstopmode", "-no-shell-escape", file.name],
        cwd=file.parent, stdout=subprocess.DEVNULL, check=False,
        env={**os.environ, "max_print_line": "1000", "openin_any": "p"},
    )  # fmt: skip
    return file.with_suffix(".log").read_text("utf-8", "replace")


def complaints(log: str) -> list[str]:
    """Return the lines of a log that a person would have to look into."""
    return re.findall(r"^(?:!|.*(?:[Ww]arning|Overfull|Underfull|Missing character)).*", log, re.M)


def test_tex_compiles_by_itself(tmp_path: Path) -> None:
    PICTURES["quadratic"].save(tmp_path / "a.tex")
    log = latex("pdflatex", tmp_path / "a.tex")
    assert complaints(log) == []
    assert "Output written on a.pdf (1 page" in log


def test_tex_stands_in_a_document_with_its_size(tmp_path: Path) -> None:
    drawings = every_drawing()
    files = [saved(drawing, tmp_path / f"a{number}.tex") for number, drawing in enumerate(drawings)]
    numbers_of_files = [number for number, file in enumerate(files) if file.isascii()]
    lines = [
        rf"\setbox0\hbox{{\input{{a{number}}}}}\typeout{{{number}: \the\wd0, \the\ht0}}"
        for number in numbers_of_files
    ]
    document = tmp_path / "document.tex"
    head = "\\documentclass[12pt]{book}\\usepackage{amsmath,tikz}\\begin{document}Text\n"
    document.write_text(head + "\n".join(lines) + "\n\\end{document}\n")
    log = latex("pdflatex", document)
    assert complaints(log) == []
    assert "OWNED" not in log
    found = re.findall(r"^(\d+): ([\d.]+)pt, ([\d.]+)pt", log, re.M)
    assert [int(number) for number, _, _ in found] == numbers_of_files
    assert len(found) > 25
    for number, *size in found:
        unit = numbers(files[int(number)].partition("[x=")[2])[0]
        shown = size_of(drawings[int(number)].svg)
        assert [float(length) / unit for length in size] == pytest.approx(shown, abs=0.1)


def test_letters_that_pdftex_has_not_ask_for_another_engine(tmp_path: Path) -> None:
    tex = saved(PICTURES["fruit"], tmp_path / "a.tex")

    assert "It compiles by itself, with lualatex." in tex.splitlines()[0]
    assert r"\text{\itshape りんご}" in tex
    log = latex("pdflatex", tmp_path / "a.tex")
    assert complaints(log)[0] == (
        "! This picture has letters that pdflatex does not know: compile it with lualatex."
    )


def test_picture_wider_than_tex_can_measure_has_smaller_units(tmp_path: Path) -> None:
    (x,) = sg.values(x=0.1)
    y = x
    for _ in range(200):
        y = y.exp()
    drawing = sg.draw(y, max_nodes=1000, width=math.inf)
    left, _, right, _ = drawing.picture.box
    assert right - left > 16_384
    tex = saved(drawing, tmp_path / "a.tex")
    unit = float(re.findall(r"\[x=([\d.]+)pt", tex)[0])
    assert 13_000 < unit * (right - left) <= 14_000
    assert complaints(latex("pdflatex", tmp_path / "a.tex")) == []


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ("50%", r"\text{50\%}"), ("\\input", r"\text{\(\backslash\)input}"),
        ("a--b", r"\text{a-{}-{}b}"), ("é", r"\text{\'{e}}"), ("りんご", r"\text{りんご}"),
        ("ŷ x\u0302", r"\text{\^{y}\ \(\hat{\text{x}}\)}"),
        ("α→β", r"\text{\(\alpha\)\(\rightarrow\)\(\beta\)}"),
    ],
)  # fmt: skip
def test_text_is_inert_in_tex(label: str, written: str) -> None:
    assert text(label) == written
