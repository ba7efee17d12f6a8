"""The README as a newcomer follows it: its commands in order in one shell, and its examples."""

import json
import re
import sys
from pathlib import Path

import yaml

from stages.settings.model import Adam, NetworkRow, with_defaults
from tests.conftest import ROOT, Project, make_project

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].rstrip()
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("$ ")
]
STATUS = "git status --porcelain"
PHASES = """\
  phases: {sequences: 8, test_sequences: 4, validation_sequences: 4, span: 30.0, warmup: 20,
    periods: 5}
"""
# The rows that the README's commands name, with less data.
PARAMS = f"""\
datasets:
{PHASES}\
  co2: {{csv: data/series/co2.csv, column: co2, time: time, season: 12, validation: 60, test: 60,
    warmup: 36, horizon: 24, origins: 5}}
models:
  stable:
    {{dataset: phases, cell: rnn, hidden_size: 4, attempts: 1,
     training: [{{phase: ridge, sequences: 8}}]}}
  co2_seasonal_naive: {{dataset: co2, cell: seasonal_naive}}
  co2_ar: {{dataset: co2, cell: ar}}
plot: {{hero: [stable], one_sine: [stable]}}
"""
ADAM = "training: [{phase: adam, iterations: 3, learning_rate: 0.01, warmup: 10, free_steps: 5}]"


def test_every_command_runs_as_it_stands(tmp_path: Path) -> None:
    """In a clone without DVC's cache. The gate may fail: an experiment is in the workspace."""
    assert {"make repro", "make test", ". .venv/bin/activate", "make gate"} <= set(COMMANDS)
    assert COMMANDS[0] == "make repro"
    commands = [COMMANDS[0], STATUS, *COMMANDS[1:]]
    lines = ["git config user.name x; git config user.email x@y"]
    for command in commands:
        short = command.replace("make test", "make --dry-run test")
        lines.append(f"{short} 2>&1; printf '\\0%s\\0' $?")
    published = make_project(tmp_path / "published", PARAMS)
    (published.root / "gate.yaml").write_text("rules: [{metrics: '*', better: near, rel_tol: 9}]\n")
    published.publish()
    published.run("git", "clone", "--quiet", ".", str(tmp_path / "clone"))
    project = Project(tmp_path / "clone")
    (project.root / ".venv").symlink_to(sys.prefix)  # it stands for a new environment
    printed = project.run("bash", "-c", "\n".join(lines)).split("\0")
    texts, codes = dict(zip(commands, printed[::2], strict=False)), printed[1::2]
    for command, code in zip(commands, codes, strict=True):
        assert code == "0" or (command, code) == ("make gate", "2"), (command, texts[command])
        assert "Traceback" not in texts[command]
    assert texts[STATUS] == ""  # `make repro` made the committed bytes
    experiment = next(text for command, text in texts.items() if "dvc exp run" in command)
    ran = re.findall(r"Running stage '([^']+)'", experiment)
    assert ran == ["train@stable", "evaluate@stable", "plot"]


def test_a_series_and_a_cell_of_ones_own_are_judged(tmp_path: Path) -> None:
    """As the README has them, but trained in three iterations."""
    (series,) = re.findall(r"```yaml\ndatasets:\n(.*?)models:\n(.*?)```", README, re.DOTALL)
    (cell,) = re.findall(r"```python\n(class MinimalGated.*?)```", README, re.DOTALL)
    (mine,) = re.findall(r"```yaml\n(  mine:.*?)```", README, re.DOTALL)
    own = mine.replace("cell: gru", f"cell: minimal_gated\n    {ADAM}")
    lstm = series[1].replace("ensemble: 3", ADAM)
    params = f"datasets:\n{PHASES}{series[0]}models:\n{lstm}{own}plot: {{}}\n"
    project = make_project(tmp_path / "project", params)
    cells = project.root / "stages/networks/cells.py"
    head, name, rest = re.split(r"(?m)^(# .*\nCELLS)", cells.read_text("utf-8"))
    (entry,) = re.findall(r"`(\"\w+\": MinimalGated,)`", README)
    text = f"{head}{cell}\n\n{name}{rest}"
    cells.write_text(text.replace('    "rnn":', f'    {entry}\n    "rnn":'))
    months = range(168)
    values = [f"{2000 + t // 12}-{t % 12 + 1:02},{100 + t + 30 * (t % 12 == 11)}" for t in months]
    (project.root / "sales.csv").write_text("date,units\n" + "\n".join(values) + "\n")
    project.run_stages()
    metrics = {
        name: json.loads((project.root / f"reports/{name}/metrics.json").read_text("utf-8"))
        for name in ("sales_seasonal_naive", "sales_ets", "sales_ar", "sales_lstm", "mine")
    }
    mase = {name: each["forecast"]["mase"] for name, each in metrics.items() if name != "mine"}
    assert metrics["sales_seasonal_naive"]["forecast"]["skill"] == 0
    assert max(mase["sales_ar"], mase["sales_ets"]) < mase["sales_seasonal_naive"]
    assert isinstance(mase["sales_lstm"], float)
    assert metrics["mine"]["parameters"] == 2 * 16 * (1 + 16 + 1) + 16 + 1
    page = (project.root / "reports/README.md").read_text("utf-8")
    assert "`mine`" in page and "`sales_lstm`" in page


def test_the_default_recipe_is_as_written() -> None:
    (written,) = re.findall(r"`training: (\[.*?\])`", README)
    (expected,) = yaml.safe_load(written)
    row = NetworkRow(cell="gru", dataset="sales")
    (phase,) = with_defaults(row, "measured", 36, 12).training
    assert phase == Adam(**expected, warmup=36, free_steps=12)
