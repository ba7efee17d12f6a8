"""The two regimes of a model: given the true past, and fed with its own outputs."""

import numpy as np
from numpy.typing import NDArray

from stages.baselines.model import Model
from stages.signals.sines import Floats

BLOCK = 128  # steps of a free run whose hidden states are in memory at a time


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

    warmup: true values (batch, time, 1). horizon: steps, one number or one for each sequence
    (batch,). Returns the outputs (batch, steps, 1) and the hidden states (steps, hidden) of the
    first sequence. Outputs after the horizon of their sequence are NaN. An output is read from the
    hidden state at the same index.
    """
    outputs, hidden, state = teacher_forced(model, warmup, state)
    ends, rows = np.broadcast_to(horizon, len(warmup)), np.arange(len(warmup))
    # Allocated before the loop: small arrays that survive each block would fragment the memory.
    all_outputs = np.full((len(rows), ends.max(), 1), np.nan)
    first_hidden = np.empty((ends[0], hidden.shape[2]))
    all_outputs[:, :1] = outputs = outputs[:, -1:]
    first_hidden[0] = hidden[0, -1]
    for start in range(1, ends.max(), BLOCK):
        goes_on = ends[rows] > start
        rows, outputs, state = rows[goes_on], outputs[goes_on], state[goes_on]
        steps = min(BLOCK, ends.max() - start)
        outputs, hidden, state = model.run(outputs[:, -1], state, steps)
        all_outputs[rows, start : start + steps] = outputs
        if rows[0] == 0:
            first_hidden[start : start + steps] = hidden[0, : ends[0] - start]
    all_outputs[np.arange(ends.max()) >= ends[:, None]] = np.nan
    return all_outputs, first_hidden


def memory_wiped(model: Model, values: Floats) -> Floats:
    """Predict each next value from the current one alone, with h(t-1) = 0 at every step.

    values and predictions: (batch, time, 1).
    """
    predictions, _, _ = teacher_forced(model, values.reshape(-1, 1, 1))
    return predictions.reshape(values.shape)
