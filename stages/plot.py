"""Draw the figures, and write the page around them, from the reports alone."""

import argparse
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from stages import files, table
from stages.reporting import data, figures, inference, page, reports, series, style, tables
from stages.reporting import training as losses
from stages.reporting.captions import CAPTIONS
from stages.reporting.reports import Dataset, Report, Section
from stages.settings import entry
from stages.settings.plot import Plot
from stages.settings.whole import Settings

OF_SINES = ("hero", "horizons", "memory", "hidden", "inferred", "hard", "stability")  # figures


def draw(sections: list[Section], datasets: list[Dataset], plot: Plot) -> dict[str, Figure]:
    """Draw the figures by name, in the order of the page."""
    pen = {name: mine for part in sections for name, mine in style.pens(part.reports).items()}
    sines = [section for section in sections if not section.measured]
    drawn = {name: style.note("No model is of sines.") for name in OF_SINES}
    if sines:
        drawn |= draw_sines(sines, pen, plot)
    drawn |= {
        "series": series.series([part for part in sections if part.measured], pen),
        "data": data.data(datasets),
        "training": losses.training([row for part in sections for row in part.reports], pen),
    }
    return {name: drawn[name] for name in CAPTIONS}


def draw_sines(sections: list[Section], pen: dict[str, style.Pen], plot: Plot) -> dict[str, Figure]:
    """Draw the figures of sines by name."""
    models: list[Report] = [model for section in sections for model in section.reports]
    shown = named(models, plot.hero)
    one_sine = named(models, plot.one_sine)
    with_memory = [model for model in models if "memory_1" in model.sequences]
    return {
        "hero": figures.hero([model for model in shown if model.task == shown[0].task], pen),
        "horizons": figures.horizons(sections, pen),
        "memory": figures.memory(models, one_sine[-1], pen),
        "hidden": figures.hidden(one_sine, pen),
        "inferred": inference.memory(named(with_memory, [plot.any_sine])[:1], pen),
        "hard": inference.hard((with_memory or models[-1:])[:2]),
        "stability": figures.stability(models, pen),
    }


def named(models: list[Report], names: Iterable[str]) -> list[Report]:
    """Choose the models of these names; the last model where there is no such."""
    chosen = [model for name in names for model in models if model.name == name]
    return chosen or models[-1:]


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m stages.plot", description=__doc__, epilog=entry.EPILOG
    )
    parser.add_argument("reports", type=Path, help="folder with the reports of each model")
    parser.add_argument("cards", type=Path, help="folder with the card of each model (.json)")
    parser.add_argument("datasets", type=Path, help="folder with the reports of each dataset")
    parser.add_argument("--figures", type=Path, required=True, help="folder of the figures (.png)")
    parser.add_argument("--tables", type=Path, required=True, help="folder for DVC's plots (.csv)")
    parser.add_argument("--page", type=Path, required=True, help="page to write (.md)")
    return parser


def write(png: Future[bytes], path: Path) -> None:
    """Write a file when it is compressed."""
    path.write_bytes(png.result())


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    rows = reports.load_models(arguments.reports, arguments.cards, settings.models)
    datasets = [
        reports.load_dataset(arguments.datasets / name, row)
        for name, row in settings.datasets.items()
    ]
    sections = reports.sections(rows, settings.datasets)
    parameters = {section: settings.written[section] for section in ("datasets", "models")}
    with style.style(), ThreadPoolExecutor() as threads:
        drawn = draw(sections, datasets, settings.plot)
        outputs = {  # a figure is compressed while the next one is rendered
            arguments.figures / f"{name}.png": partial(
                write, threads.submit(style.png, style.rendered(figure))
            )
            for name, figure in drawn.items()
        }
        outputs |= {
            arguments.tables / name: table.csv(dict(columns))
            for name, columns in tables.plot_tables(rows).items()
        }
        outputs[arguments.page] = page.page(sections, drawn, parameters)
        files.write_all(outputs)


if __name__ == "__main__":
    entry.run(parser(), main)
