"""The schema of the protocol by which every model is judged: the section `evaluate`."""

from pydantic import Field

from stages.settings.schema import Schema

BLOCK = 128  # steps of a free run that are in memory at one time
SHOWN_PERIODS = 12  # of a free run that are kept for the figures


class Evaluation(Schema):
    """The section `evaluate` of params.yaml."""

    dataset: str = Field(description="the name of a row of `datasets`")
    warmup: int = Field(20, ge=1, le=1_000_000, description="a whole number from 1 to 1000000")
    periods: int = Field(1000, ge=1, le=100_000, description="a whole number from 1 to 100000")
