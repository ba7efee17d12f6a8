"""Draw the figures, and write the page around them, from the reports alone."""

import argparse
from pathlib import Path
from typing import Any

from pydantic import Field, RootModel

from stages.core import entry, figures, files, params, reports


class Rows(RootModel[dict[str, Any]]):
    """The rows of a section of params.yaml: here their names and order matter alone."""

    root: dict[str, Any] = Field(min_length=1, description="rows, one at least")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m stages.plot", description=__doc__)
    parser.add_argument("reports", type=Path, help="folder with a folder of reports for each model")
    parser.add_argument("cards", type=Path, help="folder with the card of each model (.json)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the figures")
    arguments = parser.parse_args()
    names = list(params.read(Path("params.yaml"), ("models",), Rows).root)
    models = [
        reports.load(arguments.reports / name, arguments.cards / f"{name}.json") for name in names
    ]
    with figures.style():
        figure = figures.rollouts(models)
        with files.whole(arguments.out / "rollouts.png") as partial:
            figure.savefig(partial, format="png", metadata={"Software": None})


if __name__ == "__main__":
    entry.run(main)
