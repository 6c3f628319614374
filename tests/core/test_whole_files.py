"""Files are written whole or not at all; a link stays a link, permissions stay what they were."""

import ast
import os
import stat
import threading
from pathlib import Path

import pytest

import scalargrad as sg
from scalargrad import nn
from scalargrad.core.whole_files import read_at_most, write_whole


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


def test_content_is_on_the_disk_before_the_name_is_and_the_name_after(tmp_path, monkeypatch):
    path, calls = tmp_path / "a", []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        size = 0 if folder else os.fstat(descriptor).st_size
        calls.append(("folder" if folder else "file", size, path.exists()))
        fsync(descriptor)

    def renamed(source, target):
        calls.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", renamed)
    write_whole("save", path, b"text")

    assert calls == [("file", 4, False), "rename", ("folder", 0, True)]


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_write_whole_leaves_the_old_file_and_nothing_else_when_it_fails(
    tmp_path, monkeypatch, call
):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(ValueError, match=r"cannot be written \(No space left on device\); got '"):
        write_whole("save", path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_whole_is_content_where_a_folder_cannot_be_brought_to_the_disk(tmp_path, monkeypatch):
    path, fsync = tmp_path / "a", os.fsync

    def files_only(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(22, "Invalid argument")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    write_whole("save", path, b"new")

    assert path.read_bytes() == b"new"


def test_write_whole_does_not_replace_what_must_not_be_written(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o400)
    monkeypatch.setattr(os, "access", lambda name, kind: kind != os.W_OK)  # also for root

    with pytest.raises(ValueError, match=r"cannot be written \(it is protected against writing\)"):
        write_whole("save", path, b"new")

    assert path.read_bytes() == b"old"
    assert mode(path) == 0o400


def test_write_whole_never_shows_to_others_what_was_not_theirs_to_read(tmp_path, monkeypatch):
    path, modes, fsync = tmp_path / "a", [], os.fsync
    path.write_bytes(b"old")
    path.chmod(0o600)

    def synced(descriptor):
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    write_whole("save", path, b"new")

    assert modes[0] == 0
    assert mode(path) == 0o600


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


# -- reading --------------------------------------------------------------------------------


def test_read_at_most_stops_one_byte_behind_the_limit(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")

    assert read_at_most("load", str(tmp_path / "a"), 10) == b"0123456789"
    assert read_at_most("load", str(tmp_path / "a"), 3) == b"0123"
    if os.path.exists("/dev/zero"):  # without an end
        assert read_at_most("load", "/dev/zero", 7) == bytes(8)


@pytest.mark.parametrize(
    ("name", "reason"),
    [(".", "Is a directory"), ("a\0b", "embedded null byte"), ("x" * 300, "File name too long")],
)
def test_read_at_most_refuses_in_one_sentence(name, reason):
    with pytest.raises(ValueError, match=rf"^load: the file cannot be read \({reason}\); got '"):
        read_at_most("load", name, 10)


def test_read_at_most_says_what_is_not_there(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="load: wants a file that is there; got '"
    ) as caught:
        read_at_most("load", str(tmp_path / "a"), 10)

    assert isinstance(caught.value, sg.ScalargradError)


# -- everywhere -----------------------------------------------------------------------------

PACKAGE = Path(sg.__file__).parent
WRITING = {"write_text", "write_bytes", "replace", "rename", "fdopen", "mkstemp"}


def writers(tree):
    """Give the lines of calls that write a file, or open one to be written."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="open", value=ast.Name(id="os"))):
                yield node.lineno
            case ast.Call(
                func=ast.Name(id="open") | ast.Attribute(attr="open"), args=[_, mode, *_]
            ):
                if not (isinstance(mode, ast.Constant) and mode.value in ("r", "rb")):
                    yield node.lineno
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in WRITING:
                if name not in ("replace", "rename") or getattr(value, "id", "") == "os":
                    yield node.lineno


def test_every_file_is_written_by_one_function():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if list(writers(ast.parse(path.read_text(encoding="utf-8"))))
    }

    assert found == {
        "core/whole_files.py",
        "cli/main.py",  # opens the device that swallows everything
        "table/generate.py",  # writes the package itself, and runs without importing it
        "drawing/select/opening.py",  # opens operations
    }
