"""The interface of models of sines, which the rollouts use."""

from collections.abc import Callable, Iterable
from itertools import repeat
from typing import Any

import numpy as np

from stages.signals.sines import Floats


class Model:
    """A model that predicts the next value of each sequence; its state is (batch, state_size).

    parameters: number of trained values. memory: the columns of memory units in the hidden state.
    """

    parameters = 0
    memory = slice(0, 0)
    state_size: int

    def initial_state(self, batch: int) -> Floats:
        """Make the state before the first value: zeros, (batch, state_size)."""
        return np.zeros((batch, self.state_size))

    def step(self, x: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Compute x̂(t+1), h(t) and the state at t from x(t), (batch, 1), and the state at t-1."""
        raise NotImplementedError

    def forward(self, values: Floats, state: Floats) -> tuple[Floats, Floats, Floats]:
        """Predict each next value of values (batch, time, 1), given the state before them.

        Returns predictions (batch, time, 1), the hidden states (batch, time, hidden) behind them
        and the state after the last value.
        """
        outputs, hidden, state = loop(self.step, values.swapaxes(0, 1), None, state)
        return np.stack(outputs, axis=1), np.stack(hidden, axis=1), state

    @np.errstate(over="ignore", invalid="ignore")  # a free run may diverge
    def run(self, output: Floats, state: Floats, steps: int) -> tuple[Floats, Floats, Floats]:
        """Run freely from the last output (batch, 1) and the state behind it.

        Returns the next outputs (batch, steps, 1), their hidden states and the last state.
        """
        outputs, hidden, state = loop(self.step, repeat(None, steps), output, state)
        return np.stack(outputs, axis=1), np.stack(hidden, axis=1), state


def loop(step: Callable[..., Any], inputs: Iterable[Any], output: Any, state: Any) -> Any:
    """Step through inputs, with the last output in place of each None.

    Returns the outputs and the hidden states, a list of each, and the last state.
    """
    outputs, hidden = [], []
    for x in inputs:
        output, h, state = step(output if x is None else x, state)
        outputs.append(output)
        hidden.append(h)
    return outputs, hidden, state
