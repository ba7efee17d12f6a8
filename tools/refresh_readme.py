"""Bring the table of results in README.md up to date with `reports/`: `make readme`."""

from pathlib import Path

from stages.plot import Rows
from stages.reporting import page, reports
from stages.settings import params

ROOT = Path(__file__).parents[1]


def table() -> str:
    """Return the table of results of the reports as they are."""
    folder = ROOT / "reports"
    names = params.read(ROOT / "params.yaml", ("models",), Rows).root
    return page.results(
        [reports.load(folder / name, folder / "cards" / f"{name}.json") for name in names]
    )


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = page.refreshed(readme.read_text(encoding="utf-8"), table())
    readme.write_text(text, encoding="utf-8", newline="\n")
