"""Bring the tables in README.md up to date with `reports/` and the code: `make readme`."""

import re
from pathlib import Path

import stages  # noqa: F401  (the pins come before NumPy)
from stages.reporting import page, reports
from stages.settings.params_file import read

ROOT = Path(__file__).parents[1]
PARTS = {  # folders and files by name of the part
    "data": ("stages/generate.py", "stages/signals"),
    "networks": ("stages/networks",),
    "baselines": ("stages/baselines",),
    "training": ("stages/train.py", "stages/training"),
    "measuring": ("stages/evaluate.py", "stages/rollouts"),
    "figures and pages": ("stages/plot.py", "stages/reporting"),
    "settings and mistakes": ("stages/check.py", "stages/files.py", "stages/settings"),
    "determinism": ("stages/__init__.py",),
    "forecast": ("stages/forecast.py", "stages/forecasts"),
    "gate and verifier": ("dvc_gate",),
    "tools": ("tools",),
    "tests": ("tests",),
}
EXAMPLE = "co2"  # the row of `datasets` whose table stands below "Your own series"


def results() -> tuple[str, str]:
    """Write the table of all results, and that of the example, from the reports."""
    folder, settings = ROOT / "reports", read(ROOT / "params.yaml")
    models = reports.load_models(folder, folder / "cards", settings.models)
    sections = reports.sections(models, settings.datasets)
    shown = [*settings.plot.one_sine, *settings.plot.hero]
    example = next(section for section in sections if section.title == EXAMPLE)
    judged = f"**{EXAMPLE}**: {page.verdict(example)}\n\n{page.table(example)}"
    return page.summary(sections, shown), judged


def lines() -> str:
    """Count the lines of Python in each part, as a table."""
    counts = []
    for places in PARTS.values():
        patterns = [place if place.endswith(".py") else f"{place}/**/*.py" for place in places]
        texts = [file.read_text("utf-8") for pattern in patterns for file in ROOT.glob(pattern)]
        counts.append(sum(text.count("\n") for text in texts))
    rows = (PARTS, ["--:"] * len(PARTS), [f"{count:,}" for count in counts])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def refreshed(text: str) -> str:
    """Replace the tables in the README."""
    summary, example = results()
    for name, table in (("results", summary), ("example", example), ("lines", lines())):
        between = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text, count = re.subn(
            between, lambda match, table=table: f"{match[1]}\n{table}\n{match[2]}", text, flags=re.S
        )
        if count != 1:
            raise ValueError(f"README.md: expected <!-- {name} --> and, below, <!-- /{name} -->")
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(refreshed(readme.read_text("utf-8")), "utf-8", newline="\n")
