"""The base of all schemas of params.yaml."""

import pydantic


class Schema(pydantic.BaseModel):
    """A frozen model without unknown keys, and without silent conversion of types.

    The ValueError of a validator begins with "expected"; the key and the value are put before it.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )
