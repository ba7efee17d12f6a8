"""The two regimes of a model: given the true past, and fed with its own outputs."""

from collections.abc import Iterator

import torch
from torch import Tensor

from stages.networks.network import Model
from stages.settings.evaluation import BLOCK


@torch.no_grad()
def teacher_forced(
    model: Model, values: Tensor, state: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Predict each next value given the true past: teacher forcing (Williams and Zipser 1989).

    values: (batch, time, 1). Returns the predictions (batch, time, 1), the hidden states
    (batch, time, hidden) and the state after the last value.
    """
    _check(values)
    return model(values, model.initial_state(len(values)) if state is None else state)


@torch.no_grad()
def free_running(
    model: Model, warmup: Tensor, horizon: int, state: Tensor | None = None, block: int = BLOCK
) -> Iterator[tuple[Tensor, Tensor]]:
    """Warm the model up on true values, then feed it its own outputs for `horizon` steps.

    warmup: (batch, time, 1). Yields the outputs (batch, steps, 1) after the warm-up and the hidden
    states (batch, steps, hidden) behind them, at most `block` steps at a time, so that memory does
    not grow with the horizon.
    """
    predictions, hidden, state = teacher_forced(model, warmup, state)
    outputs, hidden = predictions[:, -1:], hidden[:, -1:]
    yield outputs, hidden
    for start in range(1, horizon, block):
        steps = min(block, horizon - start)
        outputs, hidden, state = model.run(outputs[:, -1], state, steps)
        yield outputs, hidden


@torch.no_grad()
def memory_wiped(model: Model, values: Tensor) -> Tensor:
    """Predict each next value from the current one alone, h(t-1) set to zero at every step.

    values and predictions: (batch, time, 1).
    """
    _check(values)
    batch, time, _ = values.shape
    predictions, _ = model.step(values.reshape(-1, 1), model.initial_state(batch * time))
    return predictions.reshape(batch, time, 1)


def _check(values: Tensor) -> None:
    if values.ndim != 3 or values.shape[1] < 1 or values.shape[2] != 1:
        raise ValueError(f"expected values (batch, time, 1), got {tuple(values.shape)}")
