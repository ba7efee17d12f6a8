"""What all schemas of params.yaml share."""

import pydantic


class Schema(pydantic.BaseModel):
    """Base of every schema: frozen, no unknown keys, no silent conversion of types.

    The description of a number is its unit, that of a text says what it names. A validator's
    ValueError either begins with "expected", and the value that is there is put before it, or says
    all after the key: "has no bound; expected …".
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )
