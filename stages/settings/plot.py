"""The schema of the section `plot`: the rows in the figures."""

from pydantic import Field

from stages.settings.schema import Schema


class Plot(Schema):
    """The section `plot` of params.yaml: which rows of `models` are drawn in full.

    hero: rows of the same task of sines; the first and the last are drawn. one_sine: one or two
    rows, whose hidden states are drawn. any_sine: a row with memory units.
    A name without a row in `models` is ignored.
    """

    hero: list[str] = Field([], max_length=4)
    one_sine: list[str] = Field([], max_length=2)
    any_sine: str = ""
