"""The command line, and the exit codes: nothing but a regression or a difference ever gives 1.

Nothing is imported at the top but the standard library, so that a package that is missing or broken
is told like any other reason for which there is no verdict.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dvc_gate.check import Comparison

HELD, FAILED, UNJUDGED = 0, 1, 2
EPILOG = """exit codes: 0 held or identical, 1 regressed or different, 2 could not be judged;
nothing else ever gives 1"""
CHECK = """Compare the metrics of the workspace with those of a commit, by the rules in gate.yaml
(or in the section `gate` of params.yaml). Without --baseline the commit is the merge
base with the main branch; on the main branch itself the commit before, or HEAD while
metrics are not committed.

gate.yaml, beside the folder .dvc:
  rules:
    - metrics: eval.loss_*          # key inside the metrics file: literal, or else a glob
      file: reports/*/metrics.json  # optional: the metrics file, literal or glob
      better: lower                 # lower, higher or near
      limit: 0.5                    # the worst value at any baseline
      abs_tol: 0.01                 # a regression: worse than the baseline by more than
      rel_tol: 0.05                 # abs_tol + rel_tol * |baseline|
  informational: [epochs]           # shown, never a failure
  acknowledged:                     # a failure that is accepted for a while
    - {metric: eval.loss_2, reason: new data, until: 2027-01-31}"""
VERIFY = """Make a commit's results again from nothing and compare them with what was committed: its
files are put into an empty folder with an empty DVC cache, what the pipelines make is
deleted, all is run, and compared with every dvc.lock and with the files of the commit.
Sources that .dvc files track come from this project's cache and are hashed again. The
Python that runs this command is first on PATH; variables that begin with PYTHON or DVC_
are not passed on."""
CALIBRATE = """Print the spread of each metric over the DVC experiments of a commit that differ in
one parameter alone, such as a seed, and which tolerances lie inside it:

  for seed in 1 2 3 4 5; do dvc exp run --queue -S train.seed=$seed; done
  dvc queue start --jobs 2
  dvc-gate calibrate --over train.seed

Experiments from other machines count once `dvc exp pull` has brought them."""
INIT = """Write a gate.yaml with a rule for each metric that the project has now. The directions
are guessed from the names: confirm them, then commit the file."""


def main(words: list[str]) -> int:
    """Run a command; return its exit code. No exception leaves it but SystemExit of argparse."""
    arguments = parser().parse_args(words)
    try:
        from dvc_gate.git import clean_environment

        for name in os.environ.keys() - clean_environment().keys():
            del os.environ[name]
        return arguments.run(arguments)
    except KeyboardInterrupt as error:
        say("interrupted: nothing was judged, and nothing is left behind", sys.stderr)
        return getattr(error, "code", 128 + signal.SIGINT)
    except BaseException as error:
        told = _told(error)
    for line in told.splitlines():
        say(f"error: {line}", sys.stderr)
    return arguments.unjudged_exit


def _told(error: BaseException) -> str:
    """Return what to say of an exception: one line a mistake."""
    if type(error).__name__ == "Unjudged":
        return str(error)
    if isinstance(error, ImportError):
        return f"{error}; install dvc-gate with all that it needs: `pip install dvc-gate`"
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "?"
    text = " ".join(str(error).split())
    return f"nothing was judged, for a fault of dvc-gate: {type(error).__name__}: {text} ({where})"


def run() -> NoReturn:
    """Run the command line and leave at once, so that nothing afterwards changes the exit code."""
    code: Any = UNJUDGED
    try:
        code = main(sys.argv[1:])
    except SystemExit as error:  # argparse: 0 after --help, 2 for what it does not understand
        code = error.code
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (AttributeError, OSError, ValueError):
                pass
        os._exit(code if isinstance(code, int) else UNJUDGED)


def say(text: str, stream: Any) -> None:
    """Write a line, whatever the stream can show; a closed one is no reason to fail."""
    try:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
    except (AttributeError, OSError, ValueError, LookupError):
        pass


def check(arguments: argparse.Namespace) -> int:
    import datetime

    from dvc_gate import check, reports
    from dvc_gate.problems import write_whole

    asked = {kind: path for kind in reports.WRITERS if (path := getattr(arguments, kind))}
    found: Comparison | None = None
    told = "nothing was judged"
    try:
        found = check.check(arguments.baseline, arguments.rules_from, datetime.date.today())
        texts = {kind: reports.WRITERS[kind][0](found) for kind in asked}
        shown = reports.screen(found, _width())
    except BaseException as error:
        told = _told(error)
        texts = {kind: reports.WRITERS[kind][1](told) for kind in asked}
        for kind, path in asked.items():
            write_whole(path, texts[kind])
        raise
    for kind, path in asked.items():
        write_whole(path, texts[kind])
    say(shown.rstrip("\n"), sys.stdout)
    return FAILED if found.failed else HELD


def _width() -> int | None:
    """Return the width of the terminal on standard output, or None where it is none."""
    import shutil

    try:
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    except (AttributeError, ValueError):
        return None


def verify(arguments: argparse.Namespace) -> int:
    from dvc_gate import verify

    found = verify.verify(arguments.rev, arguments.stage, arguments.by_rules, _progress)
    if arguments.json:
        from dvc_gate.problems import write_whole

        write_whole(arguments.json, verify.as_json(found))
    say("\n".join(verify.report(found)), sys.stdout)
    return HELD if found.passed else FAILED


def _progress(text: str) -> None:
    say(text, sys.stderr)


def calibrate(arguments: argparse.Namespace) -> int:
    from dvc_gate import calibrate

    say(calibrate.calibrate(arguments.over, arguments.rev), sys.stdout)
    return HELD


def init(arguments: argparse.Namespace) -> int:
    from dvc_gate import init

    say(init.init(), sys.stdout)
    return HELD


def parser() -> argparse.ArgumentParser:
    form = {"formatter_class": argparse.RawDescriptionHelpFormatter, "epilog": EPILOG}
    result = argparse.ArgumentParser(
        prog="dvc-gate", description="Rules for the metrics of a DVC project, for CI.", **form
    )
    commands = result.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(function: Any, about: str, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(function.__name__, help=about, description=text, **form)
        added.set_defaults(run=function)
        added.add_argument(
            "--unjudged-exit",
            metavar="N",
            type=int,
            default=UNJUDGED,
            help="exit code where there is no verdict (default: 2; `git bisect run` skips 125)",
        )
        return added

    added = command(check, "judge the metrics of the workspace", CHECK)
    added.add_argument("--baseline", metavar="REV", help="commit or experiment to compare with")
    added.add_argument(
        "--rules-from",
        metavar="REV",
        nargs="?",
        const="",
        help="judge by the rules of REV, or of the baseline where REV is left out: so a change"
        " cannot loosen the rules that judge it",
    )
    for kind in ("markdown", "json", "junit"):
        added.add_argument(f"--{kind}", metavar="FILE", type=Path, help=f"write a report, {kind}")
    added = command(verify, "re-make a commit and compare it with its dvc.lock", VERIFY)
    added.add_argument("--rev", default="HEAD", help="the commit to verify (default: HEAD)")
    added.add_argument(
        "--stage", nargs="+", default=[], metavar="NAME", help="these stages and what they need"
    )
    added.add_argument(
        "--by-rules",
        action="store_true",
        help="outputs may differ where the rules in gate.yaml hold for the metrics made again",
    )
    added.add_argument("--json", type=Path, metavar="FILE", help="write the verdict to FILE")
    added = command(calibrate, "the spread of metrics over experiments", CALIBRATE)
    added.add_argument("--over", required=True, metavar="PARAM", help="[file:]key of a parameter")
    added.add_argument("--rev", default="HEAD", help="the experiments' commit (default: HEAD)")
    command(init, "write a first gate.yaml", INIT)
    return result
