"""The tables of the README are those of the reports and the code."""

import pytest

from tests.conftest import ROOT
from tools.refresh_readme import ROOMS, refreshed


def test_the_readme_is_up_to_date() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert refreshed(text) == text, "run `make readme`"


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="results"):
        refreshed("no markers")


def test_every_room_of_the_code_is_counted() -> None:
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("stages/*/__init__.py")}
    assert rooms <= {place for places in ROOMS.values() for place in places}
