"""The schema of what the figures show: the section `plot`."""

from pydantic import Field

from stages.settings.schema import Schema


class Plot(Schema):
    """The section `plot` of params.yaml: which rows of `models` are drawn in full."""

    compare: list[str] = Field(min_length=1, max_length=4)
