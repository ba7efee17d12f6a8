"""Draw the figures, and write the page around them, from the reports alone."""

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import Field, RootModel

from stages import files
from stages.reporting import figures, page, reports, tables
from stages.reporting import style as drawing
from stages.settings import entry, params
from stages.settings.plot import Appearance

SECTIONS = ("datasets", "models", "evaluate")


class Rows(RootModel[dict[str, Any]]):
    """A section of params.yaml; of the rows, names and order matter, the rest is shown as it is."""

    root: dict[str, Any] = Field(min_length=1, description="rows, one at least")


def choose(models: list[reports.Report], names: list[str]) -> list[reports.Report]:
    """Return the models of these names, or the first and the last one where there is no such."""
    chosen = [model for name in names for model in models if model.name == name]
    return chosen if len(chosen) == len(names) else [*models[:1], *models[1:][-1:]]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.plot", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("reports", type=Path, help="folder with the reports of each model")
    parser.add_argument(
        "cards",
        type=Path,
        help="folder with the card of each model (.json), and perhaps peers.csv, from the bench",
    )
    parser.add_argument("datasets", type=Path, help="folder with the reports of each dataset")
    parser.add_argument("--figures", type=Path, required=True, help="folder of the figures (.png)")
    parser.add_argument("--tables", type=Path, required=True, help="folder for DVC's plots (.csv)")
    parser.add_argument("--page", type=Path, required=True, help="page to write (.md)")
    arguments = entry.arguments(parser)

    rows = {name: params.read(entry.PARAMS, (name,), Rows).root for name in SECTIONS}
    models = [
        reports.load(arguments.reports / name, arguments.cards / f"{name}.json")
        for name in rows["models"]
    ]
    datasets = [reports.load_dataset(arguments.datasets / name) for name in rows["datasets"]]
    peers = reports.load_peers(arguments.cards / "peers.csv", rows)
    compared = choose(models, params.read(entry.PARAMS, ("plot",), Appearance).compare)
    with drawing.style():
        drawn = {
            "hero": figures.hero(models, compared, peers),
            "memory": figures.memory(models, compared[-1]),
            "hidden": figures.hidden(models, compared),
            "stability": figures.stability(models),
            "training": figures.training(models),
            "data": figures.data(datasets),
        }
        with ExitStack() as outputs:  # all or none
            for name, figure in drawn.items():
                partial = outputs.enter_context(files.whole(arguments.figures / f"{name}.png"))
                drawing.save(figure, partial)
            for name, table in tables.plot_tables(models).items():
                partial = outputs.enter_context(files.whole(arguments.tables / name))
                table.to_csv(
                    partial, index=False, float_format=files.SIGNIFICANT, lineterminator="\n"
                )
            partial = outputs.enter_context(files.whole(arguments.page))
            text = page.page(models, compared, list(drawn), rows)
            partial.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    entry.run(main)
