"""Files are written whole or not at all; a link stays a link, permissions stay what they were."""

import os
import stat
import threading

import pytest

import scalargrad as sg
from scalargrad import nn
from scalargrad.core.whole_files import write_whole


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_write_whole_replaces_a_file_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "model.json"
    path.write_bytes(b"old")
    path.chmod(0o640)

    write_whole("save", path, b"new")

    assert path.read_bytes() == b"new"
    assert mode(path) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole_gives_a_new_file_the_permissions_that_open_gives(tmp_path):
    (tmp_path / "opened").write_bytes(b"")

    write_whole("save", tmp_path / "written", b"")

    assert mode(tmp_path / "written") == mode(tmp_path / "opened")


def test_write_whole_never_touches_the_umask(tmp_path, monkeypatch):
    def refuse(mask):
        pytest.fail("all threads share the umask")

    monkeypatch.setattr(os, "umask", refuse)

    write_whole("save", tmp_path / "a", b"")
    sg.draw(sg.Value(1.0) * 2.0).save(tmp_path / "a.svg")


@pytest.mark.parametrize("is_there", [True, False])
def test_every_writer_keeps_a_link_and_permissions(tmp_path, is_there):
    (tmp_path / "there").mkdir()
    for name, save in (
        ("a.json", nn.Affine(1, 1).save),
        ("a.svg", sg.draw(sg.Value(1.0) * 2.0).save),
        ("a.png", sg.History(steps=[1.0]).save_plot),
    ):
        link, target = tmp_path / name, tmp_path / "there" / name
        if is_there:
            target.write_bytes(b"old")
            target.chmod(0o640)
        link.symlink_to(target)

        save(link)

        assert link.is_symlink()
        assert len(target.read_bytes()) > 3
        assert mode(target) == 0o640 or not is_there


def test_writers_at_the_same_time_leave_one_whole_file(tmp_path):
    path = tmp_path / "a"
    contents = [bytes([letter]) * 100_000 for letter in b"abcdefgh"]
    threads = [threading.Thread(target=write_whole, args=("save", path, c)) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/a", "No such file or directory"), ("folder", "not a regular file"),
     ("a\0b", ".*null.*"), ("x" * 300, "File name too long")],
)  # fmt: skip
def test_write_whole_refuses_in_one_sentence_and_leaves_nothing(
    tmp_path, monkeypatch, name, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()

    with pytest.raises(ValueError, match=rf"^save: the file cannot be written \({reason}\); got '"
                       r".*' \(str\); choose another place$") as caught:  # fmt: skip
        write_whole("save", name, b"text")

    assert isinstance(caught.value, sg.ScalargradError)
    assert ".part" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_write_whole_leaves_the_old_file_when_interrupted(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole("save", path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_save_and_load_refuse_what_is_no_path():
    layer = nn.Affine(1, 1)

    for who, use in (("save", layer.save), ("load", layer.load)):
        with pytest.raises(TypeError, match=rf"{who}: path must be a text or path; got 3 \(int\)"):
            use(3)
