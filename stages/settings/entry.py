"""Start and end every stage: in its own folder, with one line for each mistake."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import stages
from stages.files import InputError, reason
from stages.settings.whole import Settings, read

PARAMS = Path("params.yaml")
EPILOG = """Settings are read from params.yaml in the current folder, and the whole file is checked
before any work; dvc.yaml has the command line that DVC runs. Exit codes: 0 done, 2 bad input (one
line a mistake, and no output is changed), 130 interrupted."""


def run(
    parser: argparse.ArgumentParser, main: Callable[[argparse.Namespace, Settings], None]
) -> None:
    """Parse the arguments and params.yaml, and run a stage."""
    arguments = parser.parse_args()
    if doubts := stages.doubts():
        print(f"note: bytes may differ from dvc.lock's: {'; '.join(doubts)}", file=sys.stderr)
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

    `dvc exp run --queue` and `--temp` work in a copy of the repository: a package on PYTHONPATH
    would run other code there than the experiment's.
    """
    imported = Path(stages.__file__).resolve().parent
    if imported != Path.cwd().resolve() / "stages":
        raise InputError(
            f"the imported package {imported} is not the one under the current folder; "
            "run `python -m stages.NAME` from the repository's root, with PYTHONPATH unset"
        )
