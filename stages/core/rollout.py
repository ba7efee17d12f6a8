"""The two regimes of a model: given the true past, and fed with its own outputs."""

from collections.abc import Iterator

import torch
from torch import Tensor

from stages.core.model import Model, Network


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
    model: Model, warmup: Tensor, horizon: int, state: Tensor | None = None, block: int = 1024
) -> Iterator[tuple[Tensor, Tensor]]:
    """Warm the model up on true values, then feed it its own outputs for `horizon` steps.

    warmup: (batch, time, 1). Yields the outputs (batch, steps, 1) after the warm-up and the hidden
    states (batch, steps, hidden) behind them, at most `block` steps at a time, so that memory does
    not grow with the horizon.
    """
    predictions, hidden, state = teacher_forced(model, warmup, state)
    yield predictions[:, -1:], hidden[:, -1:]
    output = predictions[:, -1]
    advance = _elman_block if _is_elman(model) else _step_block
    for start in range(1, horizon, block):
        outputs, hidden, output, state = advance(model, output, state, min(block, horizon - start))
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


def _is_elman(model: Model) -> bool:
    return isinstance(model, Network) and model.cell == "rnn" and model.rnn.num_layers == 1


def _step_block(
    model: Model, output: Tensor, state: Tensor, steps: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    outputs, hidden = [], []
    for _ in range(steps):
        output, state = model.step(output, state)
        outputs.append(output)
        hidden.append(state[0, -1])
    return torch.stack(outputs, dim=1), torch.stack(hidden, dim=1), output, state


def _elman_block(
    model: Network, output: Tensor, state: Tensor, steps: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Do as `_step_block`, with the read-out folded into the recurrent matrix.

    The next input is w·h + b, so h' = tanh((U + v w) h + (v b + c)): one product a step, not three.
    """
    w_ih, w_hh, b_ih, b_hh = model.rnn.all_weights[0]
    recurrent = (w_hh + w_ih @ model.linear.weight).T.contiguous()
    bias = b_ih + b_hh + w_ih[:, 0] * model.linear.bias
    states = torch.empty((steps + 1, *state.shape[2:]), dtype=state.dtype)
    states[0] = state[0, 0]
    before = states[0]
    for after in states[1:].unbind():
        torch.addmm(bias, before, recurrent, out=after)
        before = after.tanh_()
    hidden = states[1:].transpose(0, 1)
    outputs = model.linear(hidden)
    return outputs, hidden, outputs[:, -1], hidden[:, -1][None, None]
