"""The notebook runs from top to bottom, shows its pictures, and is stored without what it shows."""

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import scalargrad as sg

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "first_steps.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def jupyter():
    """The package that reads notebooks, where all that runs them is there too."""
    needed = ("ipykernel", "matplotlib", "nbclient", "nbformat")
    if missing := ", ".join(name for name in needed if find_spec(name) is None):
        assert not os.environ.get("CI"), f"CI must have {missing}"
        pytest.skip(f"the notebook is not run: {missing} not installed")
    import nbformat

    return nbformat


@pytest.fixture(scope="module")
def executed(jupyter, tmp_path_factory):
    """The notebook after every cell was run in an empty folder; a cell that fails raises."""
    if "SCALARGRAD_SANITIZED" in os.environ:
        pytest.skip("no notebook under the sanitizers, which would run in all of Jupyter")
    import matplotlib.font_manager  # noqa: F401 - builds its cache; in a cell it would say so
    from nbclient import NotebookClient

    folder, own = tmp_path_factory.mktemp("cwd"), tmp_path_factory.mktemp("jupyter")
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        patch.setenv("PYTHONWARNINGS", "default")  # all that a cell warns of is in its stderr
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            patch.setenv(name, str(own))  # nobody's own settings or kernels
        notebook = jupyter.read(NOTEBOOK, as_version=4)
        resources = {"metadata": {"path": str(folder)}}
        NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    assert not list(folder.iterdir()), "it leaves files behind"
    return notebook


def outputs(notebook):
    """Return what the cells showed, in order."""
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def texts(notebook):
    """Return all that was printed or shown as text."""
    shown = outputs(notebook)
    return "\n".join(one.get("text", "") or one.data.get("text/plain", "") for one in shown)


def test_notebook_is_stored_without_what_it_shows(jupyter):
    jupyter.validate(jupyter.read(NOTEBOOK, as_version=jupyter.NO_CONVERT))  # or it warns: an error

    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert len(code) > 20
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert all(cell["metadata"] == {} for cell in CELLS)


def test_notebook_runs_without_a_warning(executed):
    kinds = [output.output_type for output in outputs(executed)]

    assert set(kinds) == {"execute_result", "stream", "display_data"}
    assert "stderr" not in [output.get("name") for output in outputs(executed)]


@pytest.mark.parametrize(
    ("starts", "kind", "least"),
    [(("sg.draw(",), "image/svg+xml", 12), (("sg.plots.", "history.plot("), "image/png", 3)],
)
def test_each_cell_that_ends_in_a_picture_shows_it(executed, starts, kind, least):
    drawn = 0
    for cell in executed.cells:
        if cell.cell_type == "code":
            last = cell.source.splitlines()[-1]
            shown = [o for o in cell.outputs if kind in o.get("data", {})]
            expected = last.startswith(starts)
            assert len(shown) == expected, cell.source
            drawn += expected
    assert drawn >= least


def test_bar_of_learning_is_stored_once_and_full(executed):
    (bar,) = [o.data for o in outputs(executed) if o.output_type == "display_data"]

    assert bar["text/plain"].startswith("fit: 150 of 150 steps, ")
    assert "width:100%" in bar["text/html"]


def test_fresh_kernel_shows_plots_without_being_told(executed):
    code = "".join(cell.source for cell in executed.cells if cell.cell_type == "code")
    plots = [o for o in outputs(executed) if "image/png" in o.get("data", {})]

    assert "%matplotlib" not in code
    assert all(o.metadata["image/png"]["width"] <= 960 for o in plots)


def test_pictures_are_black_before_backward_and_red_after(executed):
    red = ["#e00000" in o.data["image/svg+xml"] for o in outputs(executed)
           if "image/svg+xml" in o.get("data", {})]  # fmt: skip

    assert red == [False, False] + [True] * (len(red) - 2)


def test_notebook_comes_to_the_promised_numbers(executed):
    shown = texts(executed)

    assert "(-3.0, -3.0, 4.0)" in shown
    assert "5 of 6 right" in shown
    assert "not right; ×: upstream × the other operand = 1.1 × 3 = 3.3" in shown
    assert "6 of 6 right" in shown
    assert "step 7   w = 3.0000   loss =  0.0000" in shown
    learnt, fresh = map(float, re.findall(r"^accuracy .*: (.*)$", shown, re.MULTILINE))
    assert learnt == 1.0
    assert fresh >= 0.95


def test_links_of_the_notebook_lead_to_files():
    prose = "".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(([^)]+)\)", prose)

    assert len(links) > 5
    assert all((NOTEBOOK.parent / link).is_file() for link in links), links


#: the order in which VS Code looks for something that it can show
LOOKED_FOR = (
    "application/json", "application/javascript", "text/html", "image/svg+xml", "text/latex",
    "text/markdown", "image/png", "image/jpeg", "text/plain",
)  # fmt: skip


def shown_things():
    """Return what a notebook shows by itself, and as what a viewer without widgets shows it."""
    x, y = sg.values(x=2.0, y=3.0)
    root = x * y + x
    root.backward()
    compiled = sg.compile(lambda a: a * a if a > 0 else a)
    compiled(2.0)
    model = sg.nn.MLP(2, [3, 1], seed=0)
    sgd = sg.optim.SGD(model.parameters(), lr=0.01)
    samples = [([0.0, 1.0], 1.0), ([1.0, 0.0], -1.0)]
    history = sg.fit(model, samples, loss="mse", optimizer=sgd, epochs=2, progress=False)
    return {
        "picture": (sg.draw(root), "image/svg+xml"),
        "page": (sg.walkthrough(root), "text/html"),
        "model": (model, "text/html"),
        "history": (history, "text/html"),
        "curve": (history.plot(), "image/png"),
        "tape": (compiled.tape, "text/html"),
        "check": (sg.check_gradients(lambda a: a * a, 3.0), "text/html"),
    }


def test_what_a_notebook_shows_is_found_by_viewers_that_know_no_widgets(jupyter):
    from IPython.core.formatters import DisplayFormatter

    for name, (thing, kind) in shown_things().items():
        bundle, _ = DisplayFormatter().format(thing)
        first = next(known for known in LOOKED_FOR if known in bundle)
        assert (name, first) == (name, kind)
        assert len(bundle[first]) > 200
        assert bundle["text/plain"], name  # for a terminal
