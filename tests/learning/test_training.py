"""The loop of learning: its steps, its history, its pictures, and where it stops."""

import io
import math
import sys
from fractions import Fraction

import numpy
import pytest

import scalargrad as sg
from scalargrad import Value, nn, optim, plots
from scalargrad.learning.training import Score


class Line(nn.Module):
    """y = w·x, at w = 0 first."""

    def __init__(self):
        self.w = Value(0.0)

    def __call__(self, x):
        return self.w * x


def learnt(model=None, inputs=(1.0, 2.0), targets=(3.0, 6.0), **changes):
    model = model or Line()
    settings = {"loss": "mse", "epochs": 2, "batch_size": 1, "progress": False, **changes}
    settings.setdefault("optimizer", optim.SGD(model.parameters(), lr=0.1))
    return sg.fit(model, list(inputs), list(targets), **settings)


# -- steps ----------------------------------------------------------------------------------


def test_fit_takes_the_steps_of_gradient_descent():
    model = Line()

    history = learnt(model, [2.0], [6.0], epochs=3)

    # by hand, exactly: L = (2w - 6)², dL/dw = 4(2w - 6), w = w - 0.1·dL/dw
    w, losses = Fraction(0), []
    for _ in range(3):
        losses.append((2 * w - 6) ** 2)
        w -= Fraction(1, 10) * 4 * (2 * w - 6)
    assert history.steps == pytest.approx([float(loss) for loss in losses], rel=1e-12)
    assert history.loss == history.steps
    assert model.w.data == pytest.approx(float(w), rel=1e-12)


def test_fit_clears_gradients_that_were_there():
    model = Line()
    model.w.grad = 1e6

    learnt(model, [2.0], [6.0], epochs=1)

    assert model.w.data == pytest.approx(2.4)


@pytest.mark.parametrize(("batch_size", "sizes"), [(2, [2, 2, 1]), (5, [5]), (9, [5]), (None, [5])])
def test_fit_gives_every_sample_once_an_epoch(batch_size, sizes):
    seen = []

    def loss(outputs, targets):
        seen.append(sorted(targets))
        return sg.mse(outputs, targets)

    learnt(inputs=range(5), targets=range(5), loss=loss, batch_size=batch_size, epochs=2,
           optimizer=optim.SGD([Value(0.0)], lr=0.0))  # fmt: skip

    assert [len(batch) for batch in seen] == sizes * 2
    for epoch in (seen[: len(sizes)], seen[len(sizes) :]):
        assert sorted(target for batch in epoch for target in batch) == [0, 1, 2, 3, 4]


def test_fit_shuffles_by_its_seed():
    def order(seed):
        seen = []

        def loss(outputs, targets):
            seen.extend(targets)
            return sg.mse(outputs, targets)

        learnt(inputs=range(9), targets=range(9), loss=loss, seed=seed)
        return seen

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1)[:9] != order(1)[9:]


def test_loss_of_an_epoch_is_the_mean_over_its_samples():
    history = learnt(inputs=[1.0, 1.0, 1.0], targets=[1.0, 1.0, 1.0], batch_size=2, epochs=1)

    assert len(history.steps) == 2
    assert history.loss == [pytest.approx((2 * history.steps[0] + history.steps[1]) / 3)]


# -- losses by name -------------------------------------------------------------------------


def affine(outputs):
    """Return a model that is wrong at first: all its weights are -1."""
    model = nn.Sequential(nn.Affine(1, outputs))
    for row in model[0].W:
        for weight in row:
            weight.data = -1.0
    return model


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        ("cross_entropy", 2, [0, 1, 1]),
        ("cross_entropy", 2, [[1.0, 0.0], [0.0, 1.0], [0.2, 0.8]]),
        (sg.cross_entropy, 2, [0, 1, 1]),
        ("binary_cross_entropy", 1, [0, 1, 1]),
        (sg.binary_cross_entropy_with_logits, 1, [0, 1, 1]),
        ("hinge", 1, [-1, 1, 1]),
        (sg.hinge, 1, [-1, 1, 1]),
    ],
)
def test_fit_learns_a_threshold_with_each_loss(loss, outputs, targets):
    model = affine(outputs)
    optimizer = optim.Adam(model.parameters(), lr=0.3)

    history = learnt(model, [[-1.0], [1.0], [2.0]], targets, loss=loss, optimizer=optimizer,
                     epochs=40, batch_size=None)  # fmt: skip

    assert history.accuracy[-1] == 1.0
    assert history.loss[-1] < history.loss[0]


@pytest.mark.parametrize("loss", ["mse", "mae", sg.mse])
def test_a_loss_without_classes_has_no_accuracy(loss):
    history = learnt(loss=loss, validation=([1.0], [3.0]))

    assert (history.accuracy, history.validation_accuracy) == ([], [])
    assert len(history.validation_loss) == 2


def test_is_correct_says_what_accuracy_counts():
    history = learnt(inputs=[1.0, 2.0], targets=[3.0, 6.0], epochs=1,
                     is_correct=lambda output, target: target > 4.0)  # fmt: skip

    assert history.accuracy == [0.5]


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"loss": "entropy"}, ValueError, "fit: loss must be one of cross_entropy, .*; got 'entr"),
        ({"loss": None}, ValueError, "fit: loss must be one of"),
        ({"loss": "cross_entropy"}, ValueError, "cross_entropy needs a list of two or more scores"),
        ({"loss": "hinge"}, ValueError, "hinge: labels must be -1 or 1; got 3.0"),
        ({"loss": "binary_cross_entropy"}, ValueError, "targets must be within 0 and 1; got"),
        ({"loss": lambda x, t: 1.0}, TypeError, "fit: the loss must be a Value; got 1.0"),
        ({"loss": lambda x, t: Value(1.0)}, RuntimeError, "fit: the loss must come from recorded"),
        ({"targets": [1.0]}, ValueError, "fit: needs samples.*; got 2 samples and 1 targets"),
        ({"inputs": [], "targets": []}, ValueError, "fit: needs samples"),
        ({"epochs": 0}, ValueError, "fit: epochs must be a whole number from 1; got 0"),
        ({"batch_size": 1.5}, ValueError, "fit: batch_size must be a whole number from 1"),
        ({"batch_size": True}, ValueError, "fit: batch_size must be a whole number from 1"),
        ({"optimizer": None}, TypeError, "fit: optimizer must have the methods zero_grad and step"),
        ({"optimizer": optim.SGD}, TypeError, "fit: optimizer must have the methods zero_grad"),
        ({"validation": 3}, TypeError, r"fit \(validation\): samples must be a list.*; got 3 "),
        ({"validation": ([1.0], [])}, ValueError, r"fit \(validation\): needs samples"),
        ({"seed": "a"}, TypeError, "fit: seed must be an integer"),
    ],
)
def test_unfit_arguments_are_refused_before_anything_moves(changes, kind, message):
    model = Line()

    with pytest.raises(kind, match=message) as caught:
        learnt(model, **changes)

    assert isinstance(caught.value, sg.ScalargradError)
    assert model.w.data == 0.0


def test_fit_and_evaluate_refuse_a_model_that_cannot_be_called():
    with pytest.raises(TypeError, match=r"fit: model must be callable; got 3 \(int\)"):
        sg.fit(3, [1.0], [1.0], loss="mse", optimizer=optim.SGD([Value(0.0)], lr=0.1))
    with pytest.raises(TypeError, match=r"evaluate: model must be callable; got 3 \(int\)"):
        sg.evaluate(3, [1.0], [1.0], loss="mse")


def test_fit_refuses_an_optimiser_before_the_model_runs():
    seen = []

    with pytest.raises(TypeError, match="fit: optimizer must have"):
        sg.fit(seen.append, [1.0], [1.0], loss="mse", optimizer=None)

    assert seen == []


def test_fit_counts_by_numpys_integers():
    history = learnt(epochs=numpy.int64(2), batch_size=numpy.int32(1), seed=numpy.int64(0))

    assert history.steps == learnt(seed=0).steps


def test_fit_refuses_what_is_no_list():
    with pytest.raises(TypeError, match="fit: inputs must be a list or an array; got"):
        sg.fit(Line(), {1.0}, [1.0], loss="mse", optimizer=optim.SGD([Value(0.0)], lr=0.1))


def test_fit_takes_arrays():
    inputs, targets = numpy.array([[-1.0], [1.0]]), numpy.array([0, 1])
    model = nn.TwoLayerNet(1, 4, 2, "he", seed=0)

    history = sg.fit(
        model, inputs, targets, loss="cross_entropy", epochs=30, progress=False,
        optimizer=optim.Adam(model.parameters(), lr=0.1), validation=(inputs, targets),
    )  # fmt: skip

    assert history.validation_accuracy[-1] == model.accuracy(inputs, targets) == 1.0


# -- where it stops -------------------------------------------------------------------------


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_fit_stops_at_a_loss_that_is_not_finite_before_it_reaches_a_parameter(number):
    model = Line()

    with pytest.raises(FloatingPointError, match=r"got (nan|inf) at step 2, in epoch 2; lower"):
        learnt(model, [1.0], [1.0], loss=lambda x, t: sg.mse(x, t) * (1.0 if model.w.data == 0.0
               else number))  # fmt: skip

    assert math.isfinite(model.w.data)
    assert model.w.data != 0.0


def test_fit_inside_no_grad_is_refused():
    with sg.no_grad(), pytest.raises(RuntimeError, match="call fit outside no_grad"):
        learnt()


def test_an_interrupt_returns_what_was_reached():
    def loss(outputs, targets):
        if len(steps) == 3:
            raise KeyboardInterrupt
        steps.append(None)
        return sg.mse(outputs, targets)

    steps = []
    history = learnt(loss=loss, epochs=5)

    assert history.is_interrupted
    assert (len(history.steps), history.epochs) == (3, 1)
    assert repr(history).endswith("interrupted)")


@pytest.mark.parametrize("truth", [bool, numpy.bool_])
def test_after_epoch_ends_learning_where_it_returns_true(truth):
    history = learnt(epochs=9, after_epoch=lambda history: truth(history.epochs == 3))

    assert history.epochs == 3
    assert not history.is_interrupted


# -- evaluation -----------------------------------------------------------------------------


def test_evaluate_gives_loss_and_accuracy_and_records_nothing():
    outputs = []

    def model(x):
        outputs.append(Value(x) * 1.0)
        return [outputs[-1], 0.0]

    score = sg.evaluate(model, [2.0, -1.0, 1.0], [0, 0, 1], loss="cross_entropy")

    losses = [math.log1p(math.exp(-2.0)), math.log1p(math.e), math.log1p(math.e)]
    assert score == Score(pytest.approx(math.fsum(losses) / 3), pytest.approx(1 / 3))
    assert [output.parents for output in outputs] == [(), (), ()]


def test_validation_leaves_gradients_and_parameters_alone():
    first, second = Line(), Line()

    learnt(first)
    history = learnt(second, validation=([5.0, 7.0], [15.0, 21.0]))

    assert (first.w.data, first.w.grad) == (second.w.data, second.w.grad)
    assert (
        history.validation_loss[-1] == sg.evaluate(second, [5.0, 7.0], [15.0, 21.0], loss="mse")[0]
    )


# -- history --------------------------------------------------------------------------------


def test_repr_of_history_tells_where_it_came_from_and_to():
    history = sg.History(steps=[2.0, 1.0, 0.5], loss=[1.5, 0.5], validation_accuracy=[0.25, 1.0])

    assert repr(history) == (
        "History(2 epochs, 3 steps, loss 1.5 -> 0.5, validation accuracy 0.25 -> 1)"
    )
    assert repr(sg.History()) == "History(0 epochs, 0 steps)"


def test_progress_shows_a_bar_only_where_it_is_wanted(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = {}
    for name, progress, stream in (
        ("asked", True, io.StringIO()),
        ("refused", False, Terminal()),
        ("terminal", None, Terminal()),
        ("file", None, io.StringIO()),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        learnt(progress=progress)
        shown[name] = "4/4" in stream.getvalue()

    assert shown == {"asked": True, "refused": False, "terminal": True, "file": False}


def test_progress_without_tqdm_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)

    with pytest.raises(ImportError, match=r'fit: needs the library tqdm.*"\.\[progress\]"'):
        learnt(progress=True)
    assert learnt(progress=None).epochs == 2


# -- pictures -------------------------------------------------------------------------------

FULL = sg.History(
    steps=[2.0, 1.0, 0.5, 0.25], loss=[1.5, 0.375], accuracy=[0.5, 0.75],
    validation_loss=[1.25, 1.0], validation_accuracy=[0.5, 0.625],
)  # fmt: skip


def lines(panel):
    return {line.get_label(): list(map(float, line.get_ydata())) for line in panel.get_lines()}


def test_plot_shows_loss_and_accuracy():
    loss, accuracy = FULL.plot().axes

    assert lines(loss)["training"] == FULL.loss
    assert lines(loss)["validation"] == FULL.validation_loss
    assert FULL.steps in lines(loss).values()
    assert lines(accuracy) == {"training": FULL.accuracy, "validation": FULL.validation_accuracy}
    assert (loss.get_xlabel(), loss.get_ylabel(), accuracy.get_ylabel()) == (
        "epoch", "loss", "accuracy",
    )  # fmt: skip


def test_plot_puts_steps_where_their_epochs_are_after_an_interrupt():
    calls = []

    def loss(outputs, targets):
        calls.append(None)
        if len(calls) == 7:  # four steps of the first epoch, two of the second
            raise KeyboardInterrupt
        return sg.mse(outputs, targets)

    history = learnt(inputs=range(1, 5), targets=range(4), loss=loss,
                     optimizer=optim.SGD([Value(0.0)], lr=0.0))  # fmt: skip

    (panel,) = history.plot().axes
    assert list(panel.get_lines()[0].get_xdata()) == [0.25, 0.5, 0.75, 1.0, 1.25, 1.5]


def test_plot_of_an_unfinished_epoch_shows_its_steps():
    (panel,) = sg.History(steps=[2.0, 1.0]).plot().axes

    assert [2.0, 1.0] in lines(panel).values()
    assert panel.get_xlabel() == "step"
    with pytest.raises(ValueError, match="plot: needs at least one step; got History"):
        sg.History().plot()


@pytest.mark.parametrize(
    ("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_save_plot_writes_the_format_of_the_suffix(tmp_path, suffix, start):
    FULL.save_plot(tmp_path / f"history.{suffix}")

    assert (tmp_path / f"history.{suffix}").read_bytes().startswith(start)
    with pytest.raises(ValueError, match="save: the suffix must name a format; got"):
        FULL.save_plot(tmp_path / "history")


def test_save_plot_keeps_the_old_file_when_drawing_fails(tmp_path, monkeypatch):
    def fail(figure, file, **options):
        file.write(b"half")
        raise RuntimeError("no font")

    path = tmp_path / "history.png"
    path.write_bytes(b"old")
    figure = FULL.plot()
    monkeypatch.setattr(type(figure), "savefig", fail)

    with pytest.raises(RuntimeError, match="no font"):
        plots.save(figure, path)

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_single_epoch_stands_inside_its_panel():
    pytest.importorskip("matplotlib")

    for steps in ([1.04], [1.5, 0.5]):
        panel = sg.History(steps=steps, loss=[1.04], validation_loss=[0.98]).plot().axes[0]
        _, top = panel.get_ylim()
        assert max(*steps, 1.04) < 0.98 * top
        assert panel.lines[-1].get_marker() == "o"


def test_losses_of_different_sizes_have_a_logarithmic_axis():
    pytest.importorskip("matplotlib")

    for steps, scale in (([500.0, 50.0, 1.0], "log"), ([500.0, 50.0], "linear")):
        assert plots.curves(steps, {}, {}, 3.0).axes[0].get_yscale() == scale


def test_save_plot_refuses_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match=r"save: the file cannot be written \(No such file"):
        FULL.save_plot(tmp_path / "missing" / "history.png")
    with pytest.raises(TypeError, match=r"save: path must be a text or path; got 3 \(int\)"):
        FULL.save_plot(3)


def test_decision_boundary_follows_the_sign_of_one_score():
    inputs, labels = [[0.0, 0.0], [1.0, 1.0]], [-1, 1]

    figure = plots.decision_boundary(lambda x: Value(x[0]) - 0.25, inputs, labels, resolution=9)

    (panel,) = figure.axes
    edges = [x for segment in panel.collections[0].get_paths() for x, _ in segment.vertices]
    assert edges
    assert edges == pytest.approx([0.25] * len(edges))
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["-1", "1"]
    picture = panel.images[0].get_array()
    assert picture[0, 0, 2] > picture[0, 0, 0]  # blue on the left
    assert picture[0, -1, 0] > picture[0, -1, 2]  # orange on the right


def test_decision_boundary_follows_the_largest_of_many_scores():
    inputs, targets = [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]], [0, 1, 2]

    figure = plots.decision_boundary(
        lambda x: [-x[0], x[0], x[1]], inputs, targets, resolution=9, title="Three"
    )

    (panel,) = figure.axes
    assert len(panel.collections) == 3 + 3  # a line and a cloud for each class
    assert panel.get_title() == "Three"


@pytest.mark.parametrize(
    ("inputs", "targets", "resolution", "message"),
    [
        ([[1.0, 1.0], [2.0]], [0, 1], 9, r"samples need two inputs; got \[2.0\]"),
        ([1.0], [0], 9, "samples need two inputs; got 1.0"),
        ([], [], 9, "needs samples, and one target for each; got 0 samples and 0 targets"),
        ([[1.0, 1.0]], [], 9, "got 1 samples and 0 targets"),
        ([[1.0, 1.0]], [0], 1, "resolution must be a whole number from 2; got 1"),
        ([[1.0, 1.0]], [0], 9.0, "resolution must be a whole number from 2; got 9.0"),
    ],
)
def test_decision_boundary_refuses_in_one_sentence(inputs, targets, resolution, message):
    with pytest.raises(ValueError, match=f"^decision_boundary: .*{message}") as caught:
        plots.decision_boundary(lambda x: x[0], inputs, targets, resolution=resolution)

    assert isinstance(caught.value, sg.ScalargradError)


def test_plots_without_matplotlib_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "scalargrad.plots.shown_figure", raising=False)

    for draw in (FULL.plot, lambda: plots.decision_boundary(lambda x: x[0], [[1.0, 1.0]], [0])):
        with pytest.raises(ImportError, match=r'needs the library matplotlib.*"\.\[plots\]"'):
            draw()


def test_a_score_is_not_computed_while_a_function_is_recorded() -> None:
    w = sg.Value(2.0)

    def scored(x):
        sg.evaluate(lambda u: u * w, [1.0], [1.0], loss="mse")
        return x * w

    with pytest.raises(RuntimeError, match=r"evaluate must not be called.*outside of the function"):
        sg.compile(scored)(1.0)
