"""Provisional."""

from pathlib import Path

from ruamel.yaml import YAML

from stages.settings.dataset import Dataset
from stages.settings.model import ModelRow
from stages.settings.plot import Plot
from stages.settings.schema import Schema


class Settings(Schema):
    datasets: dict[str, Dataset]
    models: dict[str, ModelRow]
    plot: Plot


def read(path: Path) -> Settings:
    return Settings.model_validate(YAML(typ="safe", pure=True).load(path))
