"""How every stage starts and ends: in its own folder, with one line for each mistake."""

import sys
from collections.abc import Callable
from pathlib import Path

import stages
from stages.core.params import InputError

BAD_INPUT = 2


def run(main: Callable[[], None]) -> None:
    """Run a stage and exit: 0 done, 2 bad input (one line a mistake on stderr).

    `stages` itself sees to interruptions, since they may come before anything else is imported.
    """
    if doubts := stages.doubts():
        print(f"note: bytes may differ from dvc.lock's: {'; '.join(doubts)}", file=sys.stderr)
    try:
        refuse_foreign_copy()
        main()
    except InputError as error:
        for line in str(error).splitlines():
            print(f"error: {line}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except OSError as error:
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(BAD_INPUT)


def refuse_foreign_copy() -> None:
    """Raise InputError unless the running `stages` package is the one under the current folder.

    `dvc exp run --queue` and `--temp` work in a copy of the repository; an installed package, or
    one on PYTHONPATH, would silently run other code there than the experiment's.
    """
    imported = Path(stages.__file__).resolve().parent
    expected = Path.cwd().resolve() / "stages"
    if imported != expected:
        raise InputError(
            f"the imported package {imported} is not the one under the current folder; "
            "run `python -m stages.NAME` from the repository's root, with PYTHONPATH unset"
        )
