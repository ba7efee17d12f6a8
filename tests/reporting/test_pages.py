"""The pages: numbers that are true, and links that lead somewhere."""

import json
import re
from pathlib import Path

import pytest

from stages.reporting import page
from tests.conftest import ROOT

PAGES = ("README.md", "reports/README.md")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")


def test_what_the_readme_says_of_the_seeds_in_noise_is_in_the_bench() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(
        r"(\w+) seeds is worse: (\S+) times\s+the bound after one period, and (\S+) times after",
        text,
    )
    bench = json.loads((ROOT / "reports/bench.json").read_text(encoding="utf-8"))
    seeds, bound = (bench[n]["rows"][0] for n in ("rows.noisy.innovation_noisy", "bound.noisy"))
    ratios = [f"{seeds[name] / bound[name]:.1f}" for name in ("rmse_1", "rmse_10")]
    assert [*said.groups()] == [{5: "five"}[seeds["seeds"]], *ratios]


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    links = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:", link)]
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(target: Path) -> list[str]:
    """Return the anchors that a code host gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="results"):
        page.refreshed("no markers", "| table |")


@pytest.mark.parametrize(
    ("metric", "shown"),
    [
        (1000.0, "1000"),
        (321, "321"),
        (0.714573, "0.715"),
        (1.29841e-08, "1.3e-8"),
        (2.5e7, "2.5e7"),
        (0.0, "0"),
        ("diverged", "diverged"),
    ],
)
def test_numbers_are_written_for_people(metric: float | str, shown: str) -> None:
    assert page.text(metric) == shown
