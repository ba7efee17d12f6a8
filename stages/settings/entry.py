"""Run a stage: check its folder, read params.yaml, print one line for each mistake."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import stages
from stages.files import InputError, reason
from stages.settings.params_file import Settings, read

PARAMS = Path("params.yaml")
EPILOG = """Settings come from params.yaml in the current folder; the whole file is checked first.
dvc.yaml has the command line that DVC runs. Exit code 0: done. 2: bad input, with one line for each
mistake, and no output changed. 130: interrupted."""


def run(
    parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace, Settings], None]
) -> None:
    """Parse the arguments and params.yaml, and run a stage."""
    arguments = parser.parse_args()
    if doubts := stages.doubts():
        print(f"note: outputs may not match dvc.lock: {'; '.join(doubts)}", file=sys.stderr)
    finish(lambda: main(arguments, read(PARAMS)))


def finish(work: Callable[[], None]) -> None:
    """Do the work of a command; exit 2 on bad input, with one line for each mistake on stderr."""
    try:
        refuse_foreign_copy()
        return work()
    except InputError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename or 'a file'}: {reason(error)}"
    except MemoryError:
        message = "not enough memory; expected fewer or shorter sequences, or a smaller network"
    for line in message.splitlines():
        print(f"error: {line}", file=sys.stderr)
    sys.exit(2)


def refuse_foreign_copy() -> None:
    """Raise InputError unless the imported `stages` package is the one under the current folder.

    `dvc exp run --queue` and `--temp` work in a copy of the repository. There a package on
    PYTHONPATH would replace the experiment's code.
    """
    imported = Path(stages.__file__).resolve().parent
    if imported != Path.cwd().resolve() / "stages":
        raise InputError(
            f"the imported package {imported} is not the one under the current folder; "
            "run `python -m stages.NAME` from the repository's root, with PYTHONPATH unset"
        )
