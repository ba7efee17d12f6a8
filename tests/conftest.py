"""Pin the environment before anything loads NumPy or torch, as every stage does."""

import stages  # noqa: F401
