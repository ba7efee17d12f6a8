"""The tables of the README are those of the reports and the code."""

from tests.conftest import ROOT
from tools.refresh_readme import PARTS, refreshed


def test_the_readme_is_up_to_date() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert refreshed(text) == text, "run `make readme`"


def test_every_room_of_the_code_is_counted() -> None:
    rooms = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("stages/*/__init__.py")}
    assert rooms <= {place for places in PARTS.values() for place in places}
