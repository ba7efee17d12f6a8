"""Run the command line with its exit codes: only a regression or a difference ever gives 1.

The standard library alone is imported at the top: a missing package is an error like any other.
"""

import argparse
import contextlib
import datetime
import functools
import os
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from dvc_gate.git import clean_environment
from dvc_gate.problems import Unjudged, write_atomically

HELD, FAILED, UNJUDGED, INTERRUPTED = 0, 1, 2, 130
EPILOG = """exit codes: 0 held or identical, 1 regressed or different, 2 could not be judged;
nothing else ever gives 1"""
CHECK = """Compare the metrics of the workspace with a commit's, by the rules in gate.yaml, or in
the section `gate` of params.yaml. Without --baseline the commit is the merge base with the
main branch; on the main branch the commit before, or HEAD while metrics are uncommitted.

gate.yaml, beside the folder .dvc; a limit is the worst value at any baseline, a regression is
worse than the baseline by more than abs_tol + rel_tol * |baseline|:
  rules:  # keys and files: literal names or globs; better: lower, higher or near
    - {metrics: eval.loss_*, file: reports/*, better: lower, limit: 0.5, abs_tol: 0, rel_tol: 0.1}
    - {metrics: size, better: lower, improve_by: 10}  # fails unless it improves by that much
  informational: [epochs]  # shown, never a failure
  acknowledged: [{metric: eval.loss_2, reason: accepted for a while, until: 2027-01-31}]
  renamed: {old.json: new.json}  # the new file has the old one's baseline"""
VERIFY = """Reproduce a commit in an empty folder with an empty DVC cache, and compare the outputs
with every dvc.lock and with the files of the commit. Sources that .dvc files track come
from this project's cache and are hashed again. The Python that runs this command is first
on PATH; variables that begin with PYTHON or DVC_ are not passed on."""
CALIBRATE = """Print the spread of each metric over the DVC experiments of a commit that differ in
one parameter alone, and which tolerances lie inside it. `dvc exp run -S train.seed=1`
makes one here; `dvc exp pull` brings those of other machines."""
INIT = """Write a gate.yaml with a rule for each metric that the project has now. The directions
are guessed from the names: confirm them, then commit the file."""
RULES_FROM = """judge by the rules of REV, or of the baseline where REV is left out or empty: so a
change cannot loosen the rules that judge it"""
BY_RULES = "outputs may differ where the reproduced metrics pass the committed rules"
UNJUDGED_EXIT = "exit code where there is no verdict (default: 2; `git bisect run` skips 125)"


def run() -> NoReturn:
    """Run the command line and end the process, so that no cleanup changes the exit code."""
    code: Any = UNJUDGED
    try:
        code = main(sys.argv[1:])
    except SystemExit as error:  # argparse: 0 after --help, 2 for a wrong command line
        code = error.code
    finally:
        write_to(sys.stdout, "", end="")
        os._exit(code if isinstance(code, int) else UNJUDGED)


def main(words: list[str]) -> int:
    """Run a command and return its exit code. No exception leaves it but argparse's SystemExit."""
    arguments = parser().parse_args(words)
    try:
        clean_environment()
        return arguments.run(arguments)
    except KeyboardInterrupt as error:
        write_to(sys.stderr, "interrupted: no verdict; all temporary files are deleted")
        return error.args[0] if error.args else INTERRUPTED
    except BaseException as error:
        for line in reason_of(error).splitlines():
            write_to(sys.stderr, f"error: {line}")
        return arguments.unjudged_exit


def reason_of(error: BaseException) -> str:
    """Describe an exception, one line for each mistake."""
    if isinstance(error, Unjudged):
        return str(error)
    if isinstance(error, ImportError):
        return f"{error}; `pip install dvc-gate` installs all that it needs"
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(last.filename).name}:{last.lineno}"
    message = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return f"no verdict, for a bug in dvc-gate: {message} ({where})"


def write_to(stream: Any, text: str, end: str = "\n") -> None:
    """Write a text in the stream's encoding; ignore a closed stream."""
    with contextlib.suppress(AttributeError, OSError, ValueError, LookupError):
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + end)
        stream.flush()


def check(arguments: argparse.Namespace) -> int:
    from dvc_gate import check, reports

    def write(result: check.Comparison | str) -> None:
        for kind, writer in reports.WRITERS.items():
            if path := getattr(arguments, kind):
                write_atomically(Path(path), writer(result))

    try:
        comparison = check.check(arguments.baseline, arguments.rules_from, datetime.date.today())
        text = reports.text(comparison)
    except Exception as error:
        write(reason_of(error))
        raise
    write(comparison)
    write_to(sys.stdout, text)
    return FAILED if comparison.failed else HELD


def verify(arguments: argparse.Namespace) -> int:
    from dvc_gate import verify

    revision, stages = arguments.rev or "HEAD", list(filter(None, arguments.stage))
    log = functools.partial(write_to, sys.stderr)
    verification = verify.verify(revision, stages, arguments.by_rules, log)
    if arguments.json:
        write_atomically(Path(arguments.json), verify.as_json(verification))
    write_to(sys.stdout, "\n".join(verify.report(verification)))
    return HELD if verification.passed else FAILED


def calibrate(arguments: argparse.Namespace) -> int:
    from dvc_gate import calibrate

    write_to(sys.stdout, calibrate.calibrate(arguments.over, arguments.rev or "HEAD"))
    return HELD


def init(arguments: argparse.Namespace) -> int:
    from dvc_gate import init

    write_to(sys.stdout, init.init())
    return HELD


def parser() -> argparse.ArgumentParser:
    """Build the parser; empty values, which CI services pass on, mean the defaults."""
    form = {"formatter_class": argparse.RawDescriptionHelpFormatter, "epilog": EPILOG}
    about = "Rules for the metrics of a DVC project that fail a build, and a verifier of dvc.lock."
    result = argparse.ArgumentParser(prog="dvc-gate", description=about, **form)
    commands = result.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(function: Any, about: str, text: str) -> Any:
        added = commands.add_parser(function.__name__, help=about, description=text, **form)
        added.set_defaults(run=function)
        option = added.add_argument
        option("--unjudged-exit", metavar="N", type=int, default=UNJUDGED, help=UNJUDGED_EXIT)
        return option

    def revision(text: str) -> str | None:
        return text.strip() or None

    option = command(check, "judge the metrics of the workspace", CHECK)
    option("--baseline", metavar="REV", type=revision, help="a commit or experiment")
    option("--rules-from", metavar="REV", type=str.strip, nargs="?", const="", help=RULES_FROM)
    for kind in ("markdown", "json", "junit"):
        option(f"--{kind}", metavar="FILE", help=f"write a report, {kind}")
    option = command(verify, "reproduce a commit and compare its results", VERIFY)
    option("--rev", type=revision, help="the commit to verify (default: HEAD)")
    option("--stage", nargs="+", default=[], metavar="NAME", help="these and their dependencies")
    option("--by-rules", action="store_true", help=BY_RULES)
    option("--json", metavar="FILE", help="write the verdict to FILE")
    option = command(calibrate, "the spread of metrics over experiments", CALIBRATE)
    option("--over", required=True, metavar="PARAM", help="[file:]key of a parameter")
    option("--rev", type=revision, help="the commit of the experiments (default: HEAD)")
    command(init, "write a first gate.yaml", INIT)
    return result
