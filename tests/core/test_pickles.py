"""Every pickle carries one version: another one is refused, and what the refusal says helps."""

from __future__ import annotations

import importlib
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import pytest
from engines import ENGINES, engine_class

import scalargrad as sg
from scalargrad.core import copying, pickles


@sg.compile
def doubled(x: Any) -> Any:
    """Return twice a number."""
    return 2.0 * x


def leaf() -> Any:
    return sg.Value(2.0, label="x")


def graph() -> Any:
    x = sg.Value(2.0)
    return [x, sg.sin(x * 3.0)]


def compiled() -> Any:
    doubled(1.5)
    return doubled


def network() -> Any:
    return sg.nn.Affine(2, 1, init=0.5)


def optimizer() -> Any:
    return sg.optim.SGD(network().parameters(), lr=0.1)


KINDS: dict[str, Callable[[], Any]] = {
    "leaf": leaf,
    "graph": graph,
    "compiled": compiled,
    "tape": lambda: compiled().tape,
    "expression": lambda: sg.expression("x * y"),
    "network": network,
    "optimizer": optimizer,
}


def of_another_version(make: Callable[[], Any], version: Any, protocol: int) -> bytes:
    """Pickle with the version that another scalargrad would write."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pickles, "PICKLE_VERSION", version)
        return pickle.dumps(make(), protocol)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())
def test_pickle_of_another_version_is_refused_and_the_remedy_works(make, protocol):
    stranger = of_another_version(make, 3, protocol)

    with pytest.raises(sg.errors.ScalargradError) as refusal:
        pickle.loads(stranger)
    assert isinstance(refusal.value, ValueError)
    assert str(refusal.value) == (
        f"pickle: must have version 2, that of scalargrad {sg.__version__}; got 3 (int);"
        " pickle it again with this version"
    )
    pickle.loads(pickle.dumps(make(), protocol))


def test_what_another_version_wrote_besides_its_number_does_not_matter():
    class Later:
        def __reduce__(self) -> Any:
            return pickles.find_reader, ("2b", {"anything": 1}, None)

    with pytest.raises(sg.errors.InputError, match="got '2b'"):
        pickle.loads(pickle.dumps(Later()))


@pytest.mark.parametrize("written", ENGINES)
@pytest.mark.parametrize("read", ENGINES)
def test_engines_read_pickles_of_each_other(written, read, monkeypatch):
    x = engine_class(written)(2.0)
    text = pickle.dumps([x, x * 3.0])
    monkeypatch.setitem(copying.chosen, "Value", engine_class(read))

    x, z = pickle.loads(text)

    assert type(z) is engine_class(read)
    assert z.parents == (x,)
    assert z.data == 6.0


@pytest.mark.parametrize("make", [lambda n: [sg.Value(float(i)) for i in range(n)],
                                  lambda n: sg.sum([sg.Value(float(i)) for i in range(n)])],
                         ids=["leaves", "graph"])  # fmt: skip
def test_version_is_written_once_however_many_nodes_there_are(make):
    def versions(count: int) -> int:
        names = [argument for _, argument, _ in pickletools.genops(pickle.dumps(make(count)))]
        return sum("find_reader" in str(name) for name in names)

    assert versions(2) == versions(500) > 0


def test_readers_of_the_package_are_found_where_they_say():
    for module in ("core.copying", "tape.compiled", "tape.tape", "expressions.expression"):
        members = vars(importlib.import_module(f"scalargrad.{module}")).values()
        readers = [member for member in members if isinstance(member, pickles.Reader)]
        assert readers
        for reader in readers:
            assert pickle.loads(pickle.dumps(reader)) == reader.read
