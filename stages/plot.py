"""Draw the figures, and write the page and DVC's plot tables, from the reports."""

import argparse
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from matplotlib.figure import Figure

from stages import files, table
from stages.reporting import data, figures, inference, page, reports, series, style, tables
from stages.reporting import training as losses
from stages.reporting.reports import Dataset, Report, Section
from stages.settings import entry
from stages.settings.params_file import Settings
from stages.settings.plot import Plot

# The figures that show sines, by name.
OF_SINES = ("hero", "horizons", "memory", "hidden", "inferred", "hard", "stability")


def draw(sections: list[Section], datasets: list[Dataset], plot: Plot) -> dict[str, Figure]:
    """Draw the figures by name."""
    for section in sections:
        style.choose_lines(section.reports)
    sines = [section for section in sections if not section.measured]
    drawn = {name: style.empty("No model of sines.") for name in OF_SINES}
    return (drawn | draw_sines(sines, plot) if sines else drawn) | {
        "series": series.series([section for section in sections if section.measured]),
        "data": data.data(datasets),
        "training": losses.training(sections),
    }


def draw_sines(sections: list[Section], plot: Plot) -> dict[str, Figure]:
    """Draw the figures of sines by name."""
    models = [model for section in sections for model in section.reports]
    shown = named(models, plot.hero)
    one_sine = named(models, plot.one_sine)
    with_memory = [model for model in models if "memory_1" in model.sequences]
    return {
        "hero": figures.hero([row for row in shown if row.card.task == shown[0].card.task]),
        "horizons": figures.horizons(sections),
        "memory": figures.memory(models, one_sine[-1]),
        "hidden": figures.hidden([row for row in one_sine if row.hidden.pc2.any()]),
        "inferred": inference.memory(next(iter(named(with_memory, [plot.any_sine])), None)),
        "hard": inference.hard((with_memory or models[-1:])[:2]),
        "stability": figures.stability(models),
    }


def named(models: list[Report], names: Iterable[str]) -> list[Report]:
    """Choose the models with these names, or the last model if no name matches."""
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


def main(arguments: argparse.Namespace, settings: Settings) -> None:
    rows = reports.load_models(arguments.reports, arguments.cards, settings.models)
    datasets = [
        reports.load_dataset(arguments.datasets / name, row)
        for name, row in settings.datasets.items()
    ]
    sections = reports.sections(rows, settings.datasets)
    with style.style(), ThreadPoolExecutor() as threads:
        drawn = draw(sections, datasets, settings.plot)
        # A figure is compressed while the next one is rendered.
        images = threads.map(style.png, map(style.rendered, drawn.values()))
    outputs: dict[Path, files.Content] = {}
    for name, image in zip(drawn, images, strict=True):
        outputs[arguments.figures / f"{name}.png"] = lambda path, image=image: path.write_bytes(
            image
        )
    for name, columns in tables.plot_tables(rows).items():
        outputs[arguments.tables / name] = table.csv(dict(columns))
    parameters = {section: settings.written[section] for section in ("datasets", "models")}
    outputs[arguments.page] = page.page(sections, parameters)
    files.write_all(outputs)


if __name__ == "__main__":
    entry.run(parser(), main)
