"""The two regimes of a model: given the true past, and fed with its own outputs."""

import numpy as np
from numpy.typing import NDArray

from stages.baselines.model import Model
from stages.signals.sines import Floats

BLOCK = 128  # steps of a free run whose hidden states are in memory at one time


def teacher_forced(
    model: Model, values: Floats, state: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """Predict one step ahead, given the true past: teacher forcing (Williams and Zipser 1989).

    values: (batch, time, 1). Returns the predictions (batch, time, 1), the hidden states
    (batch, time, hidden) and the state after the last value. Raises ValueError for other shapes.
    """
    if values.ndim != 3 or values.shape[1] < 1 or values.shape[2] != 1:
        raise ValueError(f"expected values (batch, time, 1), got {values.shape}")
    return model.forward(values, model.initial_state(len(values)) if state is None else state)


def free_running(
    model: Model, warmup: Floats, horizon: int | NDArray[np.int64], state: Floats | None = None
) -> tuple[Floats, Floats]:
    """Run freely: after a warm-up the model is fed its own outputs.

    warmup: true values (batch, time, 1); horizon: steps, of all sequences or of each (batch,).
    Returns the outputs (batch, steps, 1), NaN after the horizon of a sequence, and the hidden
    states (steps, hidden) behind those of the first sequence.
    """
    outputs, hidden, state = teacher_forced(model, warmup, state)
    ends, rows = np.broadcast_to(horizon, len(warmup)), np.arange(len(warmup))
    # Made once: many small arrays that stay would scatter the memory of the blocks.
    whole, first = np.full((len(rows), ends.max(), 1), np.nan), np.empty((ends[0], hidden.shape[2]))
    whole[:, :1] = outputs = outputs[:, -1:]
    first[0] = hidden[0, -1]
    for start in range(1, ends.max(), BLOCK):
        goes_on = ends[rows] > start
        rows, outputs, state = rows[goes_on], outputs[goes_on], state[goes_on]
        steps = min(BLOCK, ends.max() - start)
        outputs, hidden, state = model.run(outputs[:, -1], state, steps)
        whole[rows, start : start + steps] = outputs
        if rows[0] == 0:
            first[start : start + steps] = hidden[0, : ends[0] - start]
    whole[np.arange(ends.max()) >= ends[:, None]] = np.nan
    return whole, first


def memory_wiped(model: Model, values: Floats) -> Floats:
    """Predict each next value from the current one alone, h(t-1) zero at every step.

    values and predictions: (batch, time, 1).
    """
    predictions, _, _ = teacher_forced(model, values.reshape(-1, 1, 1))
    return predictions.reshape(values.shape)
