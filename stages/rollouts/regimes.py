"""The two regimes of a model: given the true past, and fed with its own outputs."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stages.networks.model_file import Model
from stages.signals.sines import Floats

BLOCK = 128  # steps of a free run that are in memory at one time


def teacher_forced(
    model: Model, values: Floats, state: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Predict one step ahead, given the true past: teacher forcing (Williams and Zipser 1989).

    values: (batch, time, 1). Returns the predictions (batch, time, 1), the hidden states
    (batch, time, hidden) and the state after the last value. Raises ValueError for other shapes.
    """
    _check(values)
    return model.forward(values, model.initial_state(len(values)) if state is None else state)


def free_running(
    model: Model,
    warmup: Floats,
    horizon: int | NDArray[np.integer],
    state: Floats | None = None,
    *,
    block: int = BLOCK,
) -> Iterator[tuple[Floats, Floats]]:
    """Yield a free run: after a warm-up the model is fed its own outputs.

    warmup: true values (batch, time, 1); horizon: steps, of all sequences or of each (batch,).
    Yields outputs (batch, steps, 1) and the hidden states (batch, steps, hidden) behind them, at
    most `block` steps at a time. So memory does not grow with the horizon. A sequence whose horizon
    ended before a block is left out of it.
    """
    predictions, hidden, state = teacher_forced(model, warmup, state)
    outputs, hidden = predictions[:, -1:], hidden[:, -1:]
    yield outputs, hidden
    ends = np.broadcast_to(horizon, len(warmup))
    for start in range(1, int(ends.max()), block):
        goes_on = ends > start
        ends, outputs, state = ends[goes_on], outputs[goes_on], state[goes_on]
        steps = min(block, int(ends.max()) - start)
        outputs, hidden, state = model.run(outputs[:, -1], state, steps)
        yield outputs, hidden


def memory_wiped(model: Model, values: Floats) -> Floats:
    """Predict each next value from the current one alone, h(t-1) zero at every step.

    values and predictions: (batch, time, 1).
    """
    _check(values)
    batch, time, _ = values.shape
    alone = values.reshape(-1, 1, 1)
    predictions, _, _ = model.forward(alone, model.initial_state(len(alone)))
    return predictions.reshape(batch, time, 1)


def _check(values: Floats) -> None:
    if values.ndim != 3 or values.shape[1] < 1 or values.shape[2] != 1:
        raise ValueError(f"expected values (batch, time, 1), got {np.shape(values)}")
