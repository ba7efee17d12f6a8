"""Draw the figures, and write the page around them, from the reports alone."""

import argparse
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

import stages
from stages import files
from stages.reporting import figures, inference, page, reports, style, tables
from stages.reporting.reports import Report
from stages.settings import entry
from stages.settings.plot import Plot
from stages.settings.whole import Settings


def named(models: list[Report], names: Iterable[str]) -> list[Report]:
    """Return the models of these names; the last model where there is no such."""
    chosen = [model for name in names for model in models if model.name == name]
    return chosen or models[-1:]


def draw(
    settings: Settings, models: list[Report], datasets: list[reports.Dataset], peers: Path
) -> dict[str, Figure]:
    """Return the figures by name, in the order of the page."""
    chosen: Plot = settings.plot
    pen = style.pens([model.name for model in models])
    sections = reports.sections(models, settings.datasets)
    shown = named(models, chosen.hero)
    shown = [model for model in shown if model.task == shown[0].task]
    one_sine = named(models, chosen.one_sine)
    with_memory = [model for model in models if "memory_1" in model.sequences]
    remembering = named(with_memory, [chosen.any_sine])
    return {
        "hero": figures.hero(sections, shown, reports.load_peers(peers, settings.datasets), pen),
        "data": figures.data(datasets),
        "memory": figures.memory(models, one_sine[-1], pen),
        "hidden": figures.hidden(one_sine, pen),
        "inferred": inference.memory(remembering[:1], pen),
        "hard": inference.hard((with_memory or models[-1:])[:2]),
        "stability": figures.stability(models, pen),
        "training": figures.training(models, pen),
    }


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m stages.plot", description=__doc__, epilog=entry.EPILOG
    )
    found.add_argument("reports", type=Path, help="folder with the reports of each model")
    found.add_argument(
        "cards",
        type=Path,
        help="folder with the card of each model (.json), and perhaps peers.csv, from the bench",
    )
    found.add_argument("datasets", type=Path, help="folder with the reports of each dataset")
    found.add_argument("--figures", type=Path, required=True, help="folder of the figures (.png)")
    found.add_argument("--tables", type=Path, required=True, help="folder for DVC's plots (.csv)")
    found.add_argument("--page", type=Path, required=True, help="page to write (.md)")
    return found


def write(png: Future[bytes], path: Path) -> None:
    """Write a file when it is compressed."""
    path.write_bytes(png.result())


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    models = [
        reports.load(arguments.reports / name, arguments.cards / f"{name}.json")
        for name in settings.written["models"]
    ]
    datasets = [reports.load_dataset(arguments.datasets / name) for name in settings.datasets]
    parameters = {section: settings.written[section] for section in ("datasets", "models")}
    with style.style(), ThreadPoolExecutor() as threads:
        drawn = draw(settings, models, datasets, arguments.cards / "peers.csv")
        sections = reports.sections(models, settings.datasets)
        outputs = {  # a figure is compressed while the next one is rendered
            arguments.figures / f"{name}.png": partial(
                write, threads.submit(style.png, style.rendered(figure))
            )
            for name, figure in drawn.items()
        }
        outputs |= {
            arguments.tables / name: stages.csv(dict(table))
            for name, table in tables.plot_tables(models).items()
        }
        outputs[arguments.page] = page.page(sections, list(drawn), parameters)
        files.write_all(outputs)


if __name__ == "__main__":
    entry.run(parser(), main)
