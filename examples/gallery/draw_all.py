"""Draw the whole gallery: run every script of this folder and write the page with the pictures.

    python3 examples/gallery/draw_all.py [folder]

Pictures and page go to this folder, or to another one.
"""

from __future__ import annotations

import ast
import contextlib
import html
import io
import re
import runpy
import sys
import tempfile
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

GALLERY = Path(__file__).resolve().parent

#: how names of scripts begin, and the headings of what they show
SECTIONS = {
    "fig_5_": "Chapter 5: backpropagation · 第5章 誤差逆伝播法",
    "program_": "Programs of chapter 5 · 第5章のプログラム",
    "a_": "Appendix A: softmax with loss · 付録A Softmax-with-Loss レイヤの計算グラフ",
    "qiita_": "Parts of graphs · 計算グラフの部品",
    "node_": "Single nodes · 個々のノード",
    "matrices_": "Matrices · 行列",
    "two_layer_": "The two-layer network · 2層ネットワーク",
    "training_": "Graphs and training · 計算グラフと学習",
    "through_": "Through time · 時間をさかのぼる逆伝播",
}

PAGE = """\
# The gallery

Every figure and worked number of chapter 5 and appendix A of *Deep Learning from Scratch*, and of
the articles and lectures around it, as a short script on live values: forward in black,
**backward in red**. One command draws them all and writes this page:

```sh
python3 examples/gallery/draw_all.py
```

Each script also runs by itself: it prints its numbers and saves its pictures where it is started.

『ゼロから作る Deep Learning』第5章と付録A、および関連する記事や講義の図と数値を、短いスクリプトで\
再現したギャラリーです。黒が順伝播、**赤が逆伝播**を表します。上のコマンドですべて描き直せます。

Figures 5-23 and 5-26 are left out: the notes this gallery was made from list no graph in them.
図5-23と図5-26は、もとにした資料の一覧に計算グラフの記載がないため、含めていません。
"""


@dataclass(frozen=True)
class Shown:
    """One script: its two captions, what it printed and what it drew."""

    name: str
    english: str
    japanese: str
    printed: str
    pictures: dict[str, bytes]  # by file name

    @property
    def markdown(self) -> str:
        """The part of the page that shows it."""
        link = f"[`{self.name}.py`]({self.name}.py)"
        page = f"\n**{link}** — {self.english}<br>\n{self.japanese}\n"
        for subject, names in groupby(self.pictures, key=subject_of):
            page += f"\n`{subject}`\n" if subject != self.name else ""
            for name in names:
                page += f"\n[![{self.about(name)}](pictures/{name})](pictures/{name})\n"
        return page

    def about(self, name: str) -> str:
        """What a picture shows: its own title, where it has one."""
        label = re.search(r'aria-label="([^"]*)"', self.pictures[name].decode())
        title = html.unescape(label[1]) if label else ""
        is_title = title and not title.startswith("Computational graph:")
        about = f"{subject_of(name)}: {title}" if is_title else self.english
        return re.sub(r"([][\\])", r"\\\1", about)


def subject_of(picture: str) -> str:
    """Return the name of a picture without the number of its step."""
    return re.sub(r"(_\d)?\.svg$", "", picture)


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in a link."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def run(script: Path) -> Shown:
    """Run a script in an empty folder."""
    english, japanese, *_ = (ast.get_docstring(ast.parse(script.read_bytes())) or "\n").split("\n")
    printed = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            runpy.run_path(str(script), run_name="__main__")
        pictures = {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.svg"))}
    return Shown(script.stem, english, japanese, printed.getvalue(), pictures)


def run_all(gallery: Path = GALLERY) -> dict[str, list[Shown]]:
    """Run all scripts, section by section."""
    sections: dict[str, list[Shown]] = {heading: [] for heading in SECTIONS.values()}
    for script in sorted(gallery.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        begin = next((begin for begin in SECTIONS if script.name.startswith(begin)), None)
        if begin is None:
            sys.exit(
                f"draw_all: names must begin with one of {', '.join(SECTIONS)}; got {script.name}"
            )
        try:
            sections[SECTIONS[begin]].append(run(script))
        except Exception as error:
            sys.exit(f"draw_all: {script.name} must run; {type(error).__name__}: {error}")
    return sections


def write(sections: dict[str, list[Shown]], folder: Path) -> int:
    """Write pictures and page; return how many pictures there are."""
    shown = [one for part in sections.values() for one in part]
    pictures = {name: content for one in shown for name, content in one.pictures.items()}
    for name, content in pictures.items():
        (folder / "pictures" / name).write_bytes(content)
    page = PAGE + "\n"
    page += "".join(f"- [{heading}](#{anchor(heading)})\n" for heading in sections)
    for heading, part in sections.items():
        page += f"\n## {heading}\n" + "".join(one.markdown for one in part)
    (folder / "README.md").write_bytes(page.encode())
    return len(pictures)


def main(arguments: list[str]) -> None:
    """Draw the gallery into a folder."""
    if len(arguments) > 1:
        sys.exit(f"draw_all: wants one folder or none; got {len(arguments)} arguments")
    folder = Path(*arguments) if arguments else GALLERY
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        count = write(run_all(), folder)
    except OSError as error:
        sys.exit(f"draw_all: needs a folder that can be written to; {error}")
    print(f"README.md and pictures ({count}) are in {folder}")


if __name__ == "__main__":
    main(sys.argv[1:])
