"""Optimisers and schedules against PyTorch, and what they refuse."""

import math

import pytest

import scalargrad as sg
from scalargrad import Value, optim
from scalargrad.table.row import UpdateRule

# -- PyTorch --------------------------------------------------------------------------------

START, CURVATURE = [1.0, -2.0, 0.25], [1.0, 3.0, 0.5]


def walked(make, steps=5):
    """Return where an optimiser gets to on f(w) = Σ a·w²/2 + sin(w)."""
    w = [Value(x) for x in START]
    optimizer = make(w)
    for _ in range(steps):
        optimizer.zero_grad()
        sg.sum(a * x * x / 2 + x.sin() for a, x in zip(CURVATURE, w, strict=True)).backward()
        optimizer.step()
    return [x.data for x in w]


# Where torch.optim of PyTorch 2.13.0 gets to in 5 steps from START on the same f, in float64:
#   w = torch.tensor(START, dtype=torch.float64, requires_grad=True)
#   optimizer.zero_grad(); (a * w * w / 2 + torch.sin(w)).sum().backward(); optimizer.step()
TORCH = {
    "SGD": (
        lambda w: optim.SGD(w, lr=0.1),
        [0.27594481855745107, -0.49595298119923475, -0.254012906556236],
    ),
    "SGD, weight decay": (
        lambda w: optim.SGD(w, lr=0.1, weight_decay=0.05),
        [0.26057021256987123, -0.48554862466882937, -0.25460561941178916],
    ),
    "SGD, momentum": (
        lambda w: optim.SGD(w, lr=0.1, momentum=0.9),
        [-0.81076105086189, 1.207591033072177, -1.0149772165413427],
    ),
    "SGD, Nesterov, weight decay": (
        lambda w: optim.SGD(w, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05),
        [-1.0227674038735475, 0.24248769764602476, -1.1470911898609328],
    ),
    "AdaGrad": (
        lambda w: optim.AdaGrad(w, lr=0.1),
        [0.6797407120128656, -1.689203147806681, -0.06650157847598615],
    ),
    "AdaGrad, all": (
        lambda w: optim.AdaGrad(w, lr=0.1, weight_decay=0.05, eps=1e-3),
        [0.6804008255437335, -1.6891987312862204, -0.06546867323484484],
    ),
    "RMSprop": (
        lambda w: optim.RMSprop(w, lr=0.1),
        [-0.7388761635338776, -0.35870328142947194, -1.0296216978595631],
    ),
    "RMSprop, all": (
        lambda w: optim.RMSprop(
            w, lr=0.1, alpha=0.9, eps=1e-3, weight_decay=0.05, momentum=0.5, centered=True
        ),
        [-0.7116493155657946, -0.45249056795585435, -1.156257367946087],
    ),
    "Adam": (
        lambda w: optim.Adam(w, lr=0.1),
        [0.5008164060829109, -1.503915265316396, -0.24793027720682448],
    ),
    "Adam, all": (
        lambda w: optim.Adam(w, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.05),
        [0.5018288343452703, -1.5058183420123281, -0.24595546263552276],
    ),
    "AdamW": (
        lambda w: optim.AdamW(w, lr=0.1),
        [0.49683639144471325, -1.4950343008533655, -0.2481754618764491],
    ),
    "AdamW, all": (
        lambda w: optim.AdamW(w, lr=0.1, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.3),
        [0.389993814683466, -1.256957634819087, -0.25245914475772474],
    ),
}


@pytest.mark.parametrize(("make", "expected"), TORCH.values(), ids=TORCH.keys())
def test_optimiser_walks_as_pytorchs(make, expected):
    assert walked(make) == pytest.approx(expected, rel=1e-12)


# The rates of the first 8 steps by torch.optim.lr_scheduler of PyTorch 2.13.0 for lr=0.5
SCHEDULES = {
    "StepLR(3)": (
        optim.step_decay(0.5, every=3),
        [0.5, 0.5, 0.5, 0.05, 0.05, 0.05, 0.005000000000000001, 0.005000000000000001],
    ),
    "ExponentialLR(0.9)": (
        optim.exponential_decay(0.5, factor=0.9),
        [0.5, 0.45, 0.405, 0.36450000000000005, 0.32805000000000006, 0.2952450000000001,
         0.2657205000000001, 0.23914845000000007],
    ),
    "CosineAnnealingLR(7, 0.1)": (
        optim.cosine_decay(0.5, steps=7, final=0.1),
        [0.5, 0.4801937735804839, 0.4246979603717468, 0.34450418679126293, 0.25549581320873715,
         0.1753020396282533, 0.11980622641951619, 0.1],
    ),
    "LinearLR(1/4, 3)": (
        optim.warm_up(0.5, steps=4),
        [0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5],
    ),
    "LinearLR(1/4, 3), then CosineAnnealingLR(4) from step 4": (
        optim.warm_up(optim.cosine_decay(0.5, steps=4), steps=4),
        [0.125, 0.25, 0.375, 0.5, 0.5, 0.42677669529663687, 0.25, 0.07322330470336313],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("schedule", "expected"), SCHEDULES.values(), ids=SCHEDULES.keys())
def test_schedule_gives_pytorchs_rates(schedule, expected):
    assert [schedule(step) for step in range(8)] == pytest.approx(expected, rel=1e-13)


def test_cosine_decay_stays_at_its_end():
    rate = optim.cosine_decay(0.5, steps=7, final=0.1)

    assert rate(8) == rate(100) == pytest.approx(0.1)


def test_schedule_that_grows_without_end_is_infinite_and_refused_by_the_optimiser():
    assert optim.exponential_decay(1, factor=2)(2000) == math.inf
    assert optim.step_decay(1, every=1, factor=10)(400) == math.inf

    optimizer = optim.SGD([Value(1.0)], lr=optim.exponential_decay(1, factor=2))
    optimizer.steps = 2000
    with pytest.raises(ValueError, match=r"SGD: the rate of the schedule must be .*; got inf"):
        optimizer.step()


def test_clip_grad_norm_scales_as_pytorchs():
    # torch.nn.utils.clip_grad_norm_(parameters, 2.0), PyTorch 2.13.0
    expected = [0.46153842603550577, -0.615384568047341, 1.846153704142023]
    values = [Value(0.0) for _ in range(3)]
    for value, grad in zip(values, (3.0, -4.0, 12.0), strict=True):
        value.grad = grad

    assert optim.clip_grad_norm(values, 2.0) == 13.0
    assert [value.grad for value in values] == pytest.approx(expected, rel=1e-14)


def test_clip_grad_norm_leaves_small_gradients_alone():
    value = Value(0.0)
    value.grad = 3.0

    assert optim.clip_grad_norm([value], 5.0) == 3.0
    assert value.grad == 3.0


def test_clip_grad_norm_passes_nan_on():
    values = [Value(0.0), Value(0.0)]
    values[0].grad, values[1].grad = math.nan, 1.0

    assert math.isnan(optim.clip_grad_norm(values, 1.0))
    assert all(math.isnan(value.grad) for value in values)


# -- rates ----------------------------------------------------------------------------------


def test_lr_follows_the_schedule_and_may_be_assigned():
    w = Value(0.0)
    optimizer = optim.SGD([w], lr=lambda step: [0.5, 0.25][step])
    w.grad = 1.0

    rates = [optimizer.lr]
    optimizer.step()
    rates.append(optimizer.lr)
    optimizer.step()
    optimizer.lr = 1.0
    optimizer.step()

    assert rates == [0.5, 0.25]
    assert w.data == -1.75
    assert optimizer.steps == 3


def test_lr_of_a_schedule_is_checked_before_anything_moves():
    w = Value(1.0)
    w.grad = 1.0
    optimizer = optim.SGD([w], lr=lambda step: -1.0)

    with pytest.raises(ValueError, match="SGD: the rate of the schedule must be at least 0"):
        optimizer.step()

    assert w.data == 1.0
    assert optimizer.steps == 0


def test_zero_grad_clears_the_parameters_given():
    w, other = Value(0.0), Value(0.0)
    w.grad = other.grad = 1.0

    optim.SGD([w], lr=0.1).zero_grad()

    assert (w.grad, other.grad) == (0.0, 1.0)


@pytest.mark.parametrize("kind", [optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_step_never_raises_because_of_a_number(kind):
    w = [Value(1.0), Value(1.0), Value(1.0), Value(1.0)]
    optimizer = kind(w, lr=0.1, eps=0.0)
    w[0].grad, w[1].grad, w[2].grad, w[3].grad = 0.0, math.nan, math.inf, 1e300

    optimizer.step()

    assert math.isnan(w[0].data)  # 0/0, as in PyTorch
    assert math.isnan(w[1].data)


def test_optimiser_of_ones_own_is_a_rule_and_its_settings():
    class Plain(optim.Optimizer):
        _rule = UpdateRule("plain", (), ("lr", "decay"), "w - lr * (g + decay * w)")

        def _settings(self, lr, steps):
            return lr, self.weight_decay

    w = Value(1.0)
    w.grad = 0.5
    Plain([w], lr=0.1, weight_decay=2.0).step()

    assert w.data == 1.0 - 0.1 * (0.5 + 2.0)


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_weight_decay_below_0_is_refused(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__}: weight_decay must be at least 0"):
        kind([Value(1.0)], lr=0.1, weight_decay=-0.1)


@pytest.mark.parametrize("kind", [optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_a_loaded_state_below_0_has_no_root_and_raises_nothing(kind):
    w = Value(1.0)
    w.grad = 0.5
    optimizer = kind([w], lr=0.1)
    optimizer.load_state_dict(optimizer.state_dict() | {"squares": [-9.0]})

    optimizer.step()

    assert math.isnan(w.data)


# -- state ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdaGrad, optim.RMSprop, optim.Adam, optim.AdamW])
def test_state_goes_on_where_it_was(kind):
    more = {"momentum": 0.9} if kind in (optim.SGD, optim.RMSprop) else {}

    def make(w):
        return kind(w, lr=0.1, **more)

    def interrupted(w):
        """Two steps, then a new optimiser with the state of the first."""
        first, second = make(w), make(w)

        class Both:
            steps = 0

            def zero_grad(self):
                first.zero_grad()

            def step(self):
                self.steps += 1
                if self.steps == 3:
                    second.load_state_dict(first.state_dict())
                (first if self.steps < 3 else second).step()

        return Both()

    assert walked(interrupted) == walked(make)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"steps": 1, "means": [0.0]}, "those of Adam; got missing 'squares'"),
        ({"steps": 1, "means": [0.0], "squares": [0.0], "x": 0}, "got unknown 'x'"),
        ({"steps": 1, "means": [0.0, 1.0], "squares": [0.0]}, "means must be a list of 1; got 2"),
        ({"steps": True, "means": [0.0], "squares": [0.0]}, "steps must be a whole number from 0"),
        ({"steps": -1, "means": [0.0], "squares": [0.0]}, "steps must be a whole number from 0"),
        ({"steps": 1.0, "means": [0.0], "squares": [0.0]}, "steps must be a whole number from 0"),
        ({"steps": 10**400, "means": [0.0], "squares": [0.0]}, "steps must be at most 1,000,000"),
        ({"steps": 1, "means": [True], "squares": [0.0]}, r"means.0 must be a number; got True"),
        ({"steps": 1, "means": [0.0], "squares": ["1"]}, r"squares.0 must be a number; got '1'"),
        ({"steps": 1, "means": None, "squares": [0.0]}, "means must be a list of 1; got None"),
        ([("steps", 1)], "wants a dict; got"),
    ],
)
def test_load_state_dict_refuses_and_leaves_the_optimiser_alone(state, message):
    optimizer = optim.Adam([Value(0.0)])
    before = optimizer.state_dict()

    with pytest.raises((ValueError, TypeError), match=message) as caught:
        optimizer.load_state_dict(state)

    assert isinstance(caught.value, sg.ScalargradError)

    assert optimizer.state_dict() == before == {"steps": 0, "means": [0.0], "squares": [0.0]}


# -- refusals -------------------------------------------------------------------------------

W = Value(1.0)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.SGD([], 0.1), ValueError, r"SGD: needs at least one parameter; got \[\]"),
        (lambda: optim.SGD([1.0], 0.1), TypeError, r"SGD: parameters must be Values; got 1.0"),
        (lambda: optim.SGD(W, 0.1), TypeError, "SGD: wants an iterable of parameters; got Value"),
        (lambda: optim.SGD([W, W], 0.1), ValueError, "given once; got 2 of which 1 differ"),
        (lambda: optim.SGD([W + 1.0], 0.1), ValueError, "SGD: parameters must be leaves; got"),
        (lambda: optim.SGD([W], -0.1), ValueError, "SGD: lr must be at least 0 and finite; got -0"),
        (lambda: optim.SGD([W], math.nan), ValueError, "lr must be at least 0 and finite; got nan"),
        (lambda: optim.SGD([W], "fast"), TypeError, "SGD: lr must be a number; got 'fast'"),
        (lambda: optim.SGD([W], 1, momentum=-1), ValueError, "momentum must be at least 0"),
        (lambda: optim.SGD([W], 1, nesterov=True), ValueError, "nesterov needs momentum above 0"),
        (lambda: optim.AdaGrad([W], eps=-1), ValueError, "AdaGrad: eps must be at least 0"),
        (lambda: optim.RMSprop([W], alpha=1), ValueError, "alpha must be at least 0 and below 1"),
        (lambda: optim.Adam([W], betas=0.9), ValueError, "Adam: betas must be two numbers"),
        (lambda: optim.AdamW([W], betas=(0.9, 1)), ValueError, "AdamW: each of betas must be"),
        (lambda: optim.clip_grad_norm([], 1), ValueError, "clip_grad_norm: needs at least one"),
        (lambda: optim.clip_grad_norm([W], -1), ValueError, "clip_grad_norm: max_norm must be"),
        (lambda: optim.step_decay(1, every=0), ValueError, "every must be a whole number from 1"),
        (lambda: optim.cosine_decay(1, steps=1.5), ValueError, "steps must be a whole number"),
        (lambda: optim.cosine_decay(1, steps=2, final=-1), ValueError, "cosine_decay: final must"),
        (lambda: optim.warm_up(-1, steps=1), ValueError, "warm_up: lr must be at least 0"),
    ],
)
def test_unfit_arguments_are_one_sentence(make, kind, message):
    with pytest.raises(kind, match=message) as caught:
        make()

    assert isinstance(caught.value, sg.ScalargradError)
    assert "\n" not in str(caught.value)


def test_repr_tells_parameters_and_rate():
    assert repr(optim.SGD([Value(1.0)], lr=0.5)) == "SGD(1 parameter, lr=0.5)"
