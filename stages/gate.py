"""Compare the workspace's metrics with a baseline's by the rules in params.yaml, under `gate`.

Not a stage of dvc.yaml: it judges results and makes none, a failure must not keep DVC from
recording what was measured, and what it compares with, a Git revision, is no file. The day is
looked at for acknowledgements alone.

Exit codes: 0 held, 1 regressed, 2 could not be judged.
"""

import argparse
import datetime
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from stages import files
from stages.core import calibration, comparison, rules, sides
from stages.settings import document, entry, params

REGRESSED = 1
LONGEST_NAME = 30  # of a revision, in a report: the full name of a commit is cut
PARAMS = Path("params.yaml")
WRITERS = {
    "markdown": (comparison.markdown, comparison.unjudged_markdown),
    "json": (comparison.as_json, comparison.unjudged_json),
    "junit": (comparison.as_junit, comparison.unjudged_junit),
}


def compare(
    baseline: str | None, rules_from: str | None, today: datetime.date
) -> comparison.Comparison:
    """Judge the workspace against a revision; None: the default one, and the workspace's rules.

    Raises InputError where it cannot be judged.
    """
    own = params.read(PARAMS, ("gate",), rules.Gate)
    now = sides.read(None)
    if baseline is None:
        revision, why = sides.default_baseline(list(now.files.values()))
    else:
        revision, why = sides.commit(baseline), f"asked for as {baseline[:LONGEST_NAME]}"
    before = sides.read(revision)
    refuse_unreadable(before)
    if not now.faults:
        refuse_idle(own, before.metrics | now.metrics)
    judging = own if rules_from is None else rules_at(sides.commit(rules_from))
    rows = [rules.acknowledge(judging, row, today) for row in judge(judging, before, now)]
    changed, remarks = rules_changed(own, judging, revision)
    remarks += [
        f"nothing that fails is named by `{known}`: take it away"
        for known in judging.acknowledged
        if not any(known.names(row.metric) and row.accepted for row in rows)
    ]
    return comparison.Comparison(
        baseline=before.label,
        why=why,
        judged_by=rules_from[:LONGEST_NAME] if rules_from else "the workspace",
        rows=sorted(rows, key=lambda row: row.badness),
        parameters=comparison.parameters_diff(before.parameters, now.parameters),
        rules=changed,
        remarks=remarks,
    )


def rules_changed(
    own: rules.Gate, judging: rules.Gate, revision: str
) -> tuple[list[str], list[str]]:
    """Return how the workspace's rules differ from those that judge, or else the baseline's.

    Also returns a remark where the baseline has none: it may be older than the gate.
    """
    if judging is own:
        try:
            judging = rules_at(revision)
        except files.InputError as error:
            return [], [f"the rules of the baseline cannot be compared: {error}"]
    return comparison.rules_diff(judging.lines(), own.lines()), []


def refuse_idle(own: rules.Gate, metrics: Iterable[str]) -> None:
    """Raise InputError unless every rule of the workspace is of some use.

    A rule that only the revision of `--rules-from` still has may be idle, or the change that takes
    it away could never pass.
    """
    section = document.load(PARAMS).parts["gate"]
    wrong = [section.parts[key].parts[index].mistake(why) for key, index, why in own.idle(metrics)]
    if wrong:
        raise document.input_error(wrong)


def refuse_unreadable(before: sides.Side) -> None:
    """Raise InputError unless every file of metrics at the baseline could be read."""
    if before.faults:
        raise files.InputError(
            "\n".join(
                f"{before.label}:{text}; compare with another revision, by --baseline REV"
                for _, text in before.faults.values()
            )
        )
    if not before.metrics:
        raise files.InputError(
            f"{before.label}: dvc.yaml has no metrics there; "
            "compare with another revision, by --baseline REV"
        )


def rules_at(revision: str) -> rules.Gate:
    """Read the rules at a commit; raises InputError where there are none, or wrong ones."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / PARAMS
        copy.write_text(sides.text_at(revision, str(PARAMS)), encoding="utf-8")
        try:
            return params.read(copy, ("gate",), rules.Gate)
        except files.InputError as error:
            there = f"{revision[: sides.SHORT]}:{PARAMS}"
            raise files.InputError(str(error).replace(str(copy), there)) from None


def judge(gate: rules.Gate, before: sides.Side, now: sides.Side) -> list[rules.Row]:
    """Return a verdict on every metric, and on every file of metrics that is gone or broken."""
    faults = dict(now.faults)
    for model, path in before.files.items():
        if model not in now.files:
            faults[model] = "missing", f"{path}: is no metric of dvc.yaml any more"
    rows = [
        rules.Row(f"{model}.*", None, None, outcome, note=note)
        for model, (outcome, note) in faults.items()
    ]
    sound = [
        {
            name: value
            for name, value in side.metrics.items()
            if not any(name.startswith(f"{model}.") for model in faults)
        }
        for side in (before, now)
    ]
    return rows + rules.judge_all(gate, *sound)


def gate(arguments: argparse.Namespace) -> None:
    """Compare, print and write the reports, and exit with the verdict."""
    try:
        found = compare(arguments.baseline, arguments.rules_from, datetime.date.today())
    except files.InputError as error:
        why = str(error)
        write(arguments, {kind: unjudged(why) for kind, (_, unjudged) in WRITERS.items()})
        raise
    write(arguments, {kind: judged(found) for kind, (judged, _) in WRITERS.items()})
    comparison.show(found, console())
    sys.exit(REGRESSED if found.failed else 0)


def write(arguments: argparse.Namespace, reports: dict[str, str]) -> None:
    """Write the reports that were asked for."""
    for kind, text in reports.items():
        if path := getattr(arguments, kind):
            with files.whole(path) as partial:
                partial.write_text(text, encoding="utf-8", newline="\n")


def calibrate(arguments: argparse.Namespace) -> None:
    """Train and evaluate a model under other seeds; print the spread, and which rules are noise."""
    own = params.read(PARAMS, ("gate",), rules.Gate)
    committed = sides.read(None).metrics
    if arguments.seeds < 2:
        raise files.InputError(f"--seeds is {arguments.seeds}; expected 2 or more")
    runs = calibration.measure(arguments.model, arguments.seeds, PARAMS)
    found = calibration.spreads(own, runs, committed)
    calibration.show(arguments.model, found, console())


def console() -> Console:
    """Return a console of the terminal's width and colours, or a wide and plain one for a pipe."""
    width = None if sys.stdout.isatty() else comparison.PIPED_WIDTH
    return Console(width=width, highlight=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stages.gate", description=__doc__)
    parser.set_defaults(run=gate)
    parser.add_argument("--baseline", metavar="REV", help="Git revision to compare with")
    parser.add_argument("--rules-from", metavar="REV", help="Git revision whose rules judge")
    for kind in WRITERS:
        parser.add_argument(f"--{kind}", metavar="FILE", type=Path, help=f"report to write, {kind}")
    commands = parser.add_subparsers(title="other commands", metavar="")
    other = commands.add_parser("calibrate", help=calibrate.__doc__, description=calibrate.__doc__)
    other.set_defaults(run=calibrate)
    other.add_argument("--model", required=True, help="name of a row of `models`")
    other.add_argument("--seeds", type=int, default=10, help="how many; from 2")
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    entry.run(main)
