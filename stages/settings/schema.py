"""The base of all params.yaml schemas."""

import pydantic


class Schema(pydantic.BaseModel):
    """Base of every schema: frozen, no unknown keys, no silent conversion of types.

    The description of a number is its unit, that of a text says what it names. A validator's
    ValueError begins with "expected", and then the value is put before it; or it is the whole text
    after the key: "has no bound; expected …".
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )
