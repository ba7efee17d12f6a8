"""The schema of what the figures show: the section `plot`."""

from pydantic import Field

from stages.settings.schema import Schema


class Appearance(Schema):
    """The section `plot` of params.yaml."""

    compare: list[str] = Field(
        min_length=1, max_length=2, description="one or two names of rows of `models`"
    )
