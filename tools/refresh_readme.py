"""Bring the tables in README.md up to date with `reports/` and the code: `make readme`."""

import re
from pathlib import Path

import stages  # noqa: F401  (the pins come before NumPy)
from stages.reporting import page, reports
from stages.settings.whole import read

ROOT = Path(__file__).parents[1]
ROOMS = {
    "data": ("stages/generate.py", "stages/signals"),
    "networks": ("stages/networks",),
    "training": ("stages/train.py", "stages/training"),
    "measuring": ("stages/evaluate.py", "stages/rollouts"),
    "figures and pages": ("stages/plot.py", "stages/reporting"),
    "settings and mistakes": ("stages/check.py", "stages/files.py", "stages/settings"),
    "the pins": ("stages/__init__.py",),
    "forecast": ("stages/forecast.py", "stages/forecasts"),
    "gate and verifier": ("dvc_gate",),
    "tools": ("tools",),
    "tests": ("tests",),
}


def results() -> str:
    """Return the tables of results of the reports as they are."""
    folder, settings = ROOT / "reports", read(ROOT / "params.yaml")
    models = [
        reports.load(folder / name, folder / "cards" / f"{name}.json") for name in settings.models
    ]
    return page.results(reports.sections(models, settings.datasets))


def lines() -> str:
    """Return how many lines of Python each part has, as a table of two rows."""
    counts = []
    for places in ROOMS.values():
        files = [file for place in places for file in files_of(ROOT / place)]
        counts.append(sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files))
    rows = (ROOMS, ["--:"] * len(ROOMS), [f"{count:,}" for count in counts])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def files_of(place: Path) -> list[Path]:
    """Return the Python files at a place; none where there is nothing."""
    return sorted(place.rglob("*.py")) if place.is_dir() else [place] if place.exists() else []


def refreshed(text: str) -> str:
    """Return the README with its tables as they should be."""
    return between(page.refreshed(text, results()), "lines", lines())


def between(text: str, name: str, content: str) -> str:
    """Return a text with other content between its markers of a name."""
    pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
    return re.sub(pattern, lambda found: f"{found[1]}\n{content}\n{found[2]}", text, flags=re.S)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = refreshed(readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8", newline="\n")
