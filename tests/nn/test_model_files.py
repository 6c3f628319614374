"""A model's file that somebody else wrote, or half of one: one sentence names it and says why."""

import json

import pytest

import scalargrad as sg
from scalargrad import nn

NAME = "model.json"


def make():
    return nn.Affine(1, 2, seed=0)


def whole():
    """Return what a file of such a model holds."""
    return {
        "scalargrad": "state",
        "version": 1,
        "parameters": {"W": [[1.0, 2.0]], "b": [3.0, 4.0]},
    }


def written(*, without="", **changes):
    document = whole() | changes
    document.pop(without, None)
    return json.dumps(document).encode()


def parameters(**changes):
    return written(parameters=whole()["parameters"] | changes)


DEEP = b'{"scalargrad": "state", "parameters": {"W": ' + b"[" * 100_000
HOSTILE = {
    "nothing": (b"", "no JSON from line 1, column 1 on"),
    "binary": (bytes(range(256)) * 9, "it is no text in UTF-8"),
    "zeros": (bytes(99), "no JSON from"),
    "pickle": (b"\x80\x04K\x01.", "it is no text in UTF-8"),
    "cut off": (written()[:-9], "no JSON from"),
    "two files": (written() * 2, "no JSON from line 1"),
    "list": (b"[]", "it is no state"),
    "number": (b"3", "it is no state"),
    "text": (b'"state"', "it is no state"),
    "null": (b"null", "it is no state"),
    "another kind": (written(scalargrad="values"), "it is no state"),
    "no kind": (written(without="scalargrad"), "it is no state"),
    "kind of another type": (written(scalargrad=["state"]), "it is no state"),
    "no parameters": (written(without="parameters"), "it has no parameters"),
    "parameters in a list": (written(parameters=[1.0]), "it has no parameters"),
    "parameters null": (written(parameters=None), "it has no parameters"),
    "version true": (written(version=True), "its version is no whole number"),
    "version 1.0": (written(version=1.0), "its version is no whole number"),
    "version null": (written(version=None), "its version is no whole number"),
    "later version": (written(version=2), "must have version 1, that of scalargrad"),
    "more keys": (written(more=1), "nothing is known of its key 'more'"),
    "a key twice": (b'{"scalargrad": "state", ' + written()[1:], "'scalargrad' stands twice"),
    "a parameter twice": (
        written().replace(b'"b": [3.0, 4.0]', b'"b": [3.0, 4.0], "b": [0.0, 0.0]'),
        "the key 'b' stands twice",
    ),
    "NaN": (written().replace(b"3.0", b"NaN"), "JSON has no NaN"),
    "Infinity": (written().replace(b"3.0", b"-Infinity"), "JSON has no -Infinity"),
    "1e400": (written().replace(b"3.0", b"1e400"), "1e400 is beyond a double"),
    "long number": (written().replace(b"3.0", b"7" * 9999), "is beyond a double"),
    "10**399": (written().replace(b"3.0", b"1" + b"0" * 399), "b.0 must fit a double"),
    "true": (parameters(b=[True, 4.0]), "b.0 must be a number; got True (bool)"),
    "null in a list": (parameters(b=[None, 4.0]), "b.0 must be a number; got None"),
    "number as a text": (parameters(b=["3.0", 4.0]), "b.0 must be a number; got '3.0' (str)"),
    "Inf": (parameters(b=["Inf", 4.0]), "b.0 must be a number; got 'Inf' (str)"),
    "dict": (parameters(b={"0": 3.0, "1": 4.0}), "b must be a list of 2; got {"),
    "number for a list": (parameters(b=3.0), "b must be a list of 2; got 3.0 (float)"),
    "text for a list": (parameters(b="34"), "b must be a list of 2; got '34' (str)"),
    "list for a number": (parameters(b=[[3.0], 4.0]), "b.0 must be a number; got [3.0] (list)"),
    "too short": (parameters(b=[3.0]), "b must be a list of 2; got 1 elements"),
    "too long": (parameters(b=[3.0] * 3), "b must be a list of 2; got 3 elements"),
    "missing": (written(parameters={"b": [3.0, 4.0]}), "got missing 'W'"),
    "unknown": (parameters(c=[1.0]), "got unknown 'c'"),
    "deep": (DEEP, "it is nested too deep"),
    "deep and whole": (
        written().replace(b"3.0", b"[" * 900 + b"3.0" + b"]" * 900),
        "",  # the one or the other, by how deep the caller is
    ),
    "huge": (b" " * (17 << 20), "more than the 16,777,616 bytes that this model can need"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_load_refuses_in_one_sentence_and_changes_nothing(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    content, reason = HOSTILE[kind]
    (tmp_path / NAME).write_bytes(content)
    model = make()
    before = model.state_dict()

    with pytest.raises(sg.ScalargradError) as caught:
        model.load(NAME)

    message = str(caught.value)
    assert message.startswith("load: ")
    assert NAME in message
    assert reason in message
    assert message.count("; ") == 2  # who and what was wanted, what came, what to do
    assert "\n" not in message
    assert model.state_dict() == before


def test_load_reads_what_the_hostile_files_are_made_of(tmp_path):
    (tmp_path / NAME).write_bytes(written())
    model = make()

    model.load(tmp_path / NAME)

    assert model.state_dict() == whole()["parameters"]


@pytest.mark.parametrize("length", range(0, 150, 7))
def test_load_refuses_every_beginning_of_a_file(tmp_path, length):
    model = make()
    model.save(tmp_path / NAME)
    content = (tmp_path / NAME).read_bytes()
    assert len(content) > 150
    (tmp_path / NAME).write_bytes(content[:length])

    with pytest.raises(ValueError, match=r"load: wants a whole file that save\(\) wrote \(no JSON"):
        model.load(tmp_path / NAME)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        (".", ValueError, r"load: the file cannot be read \(Is a directory\); got '\.' \(str\);"),
        ("a\0b", ValueError, r"load: the file cannot be read \(embedded null byte\); got 'a"),
        ("absent", FileNotFoundError, "load: wants a file that is there; got 'absent'"),
        ("absent/a", FileNotFoundError, "load: wants a file that is there; got 'absent/a'"),
        ("", FileNotFoundError, "load: wants a file that is there; got ''"),
        (None, TypeError, "load: path must be a text or path; got None"),
        (0, TypeError, "load: path must be a text or path; got 0"),
    ],
)
def test_load_refuses_what_is_no_file(tmp_path, monkeypatch, name, kind, message):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(kind, match=message) as caught:
        make().load(name)

    assert isinstance(caught.value, sg.ScalargradError)


def test_a_large_model_reads_what_it_wrote_whatever_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr("scalargrad.nn.module.FILE_ROOM", 1000)
    model = nn.Affine(30, 30, seed=0)
    for parameter in model.parameters():
        parameter.data = -2.2250738585072014e-308  # as long as a number is written
    model.save(tmp_path / NAME)
    other = nn.Affine(30, 30, seed=1)

    other.load(tmp_path / NAME)

    assert other.state_dict() == model.state_dict()
