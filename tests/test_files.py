"""Files are written completely or not at all; a bad path gets one line."""

from pathlib import Path

import pytest

from stages import files
from stages.files import InputError


def test_several_files_are_written_all_or_none(tmp_path: Path) -> None:
    old, new, folder = tmp_path / "old", tmp_path / "in/a/folder/new", tmp_path / "folder"
    old.write_text("before")
    folder.mkdir()

    def fail(path: Path) -> None:
        path.write_text("half of it")
        raise OSError(28, "No space left on device")

    for failing, words in (
        ({tmp_path / "x": fail}, "x: cannot be written: No space left on device"),
        ({folder: "text"}, "folder: is a folder; expected a file to write or to replace"),
        ({old / "y": "text"}, "y: cannot be written: "),
    ):
        with pytest.raises(InputError, match=words):
            files.write_all({old: "after", new: "after"} | failing)
        assert old.read_text() == "before" and not new.exists()
    files.write_all({old: "after\n", new: lambda path: path.write_bytes(b"\0")})
    assert old.read_bytes() == b"after\n" and new.read_bytes() == b"\0"
    assert not list(tmp_path.rglob("*.partial"))


def test_text_that_is_not_utf_8_has_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\ntw\xf6\n")
    with pytest.raises(InputError, match="a:2: is not UTF-8 text; save it as UTF-8"):
        files.text(path, fix="save it as UTF-8")


def test_a_long_text_is_shortened_and_its_control_characters_are_escaped() -> None:
    assert files.shown("a" * 40 + "\n" + "b" * 40) == "a" * 40 + "…" + "b" * 19
    assert files.shown("\x07\n") == r"\x07\n"
