"""Sequence models: the next value from the current value x(t) and the hidden state h(t-1).

Every model has the same four parts: `initial_state(batch)`; `step(x, state)` for one step of time;
`forward(values, state)` for a whole sequence and `run(output, state, steps)` for a free run, which
equal stepping through them.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors
import torch
from pydantic import Field, ValidationError
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

import stages
from stages import files
from stages.files import InputError
from stages.settings.schema import Schema

torch.set_num_threads(1)
torch.backends.mkldnn.enabled = False  # oneDNN picks its kernels by processor
stages.require_pinned(torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())


@dataclass(frozen=True)
class Received:
    """What one layer received at one step: all (batch, …).

    x: its input; before: its hidden state at t-1; from_input, from_hidden: what the two contribute
    to its gates, W x + b each; hidden: its new hidden state.
    """

    x: Tensor
    before: Tensor
    from_input: Tensor
    from_hidden: Tensor
    hidden: Tensor


Tape = list[Received]
MODULES = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Network(nn.Module):
    """A recurrent cell (`rnn`: Elman 1990, tanh; `gru`; `lstm`) with a linear read-out.

    The parameters are those of `torch.nn.RNN`, `GRU` or `LSTM` and of `torch.nn.Linear`.
    A state has the shape (part, layer, batch, hidden): part 0 is the hidden state h, and part 1,
    for `lstm` alone, the cell state c.
    """

    def __init__(self, cell: str, hidden_size: int, num_layers: int, device: str = "cpu") -> None:
        super().__init__()
        self.cell = cell
        with torch.device("meta"):  # draws no initial weights: training does, from its own seed
            self.rnn = MODULES[cell](1, hidden_size, num_layers, batch_first=True)
            self.linear = nn.Linear(hidden_size, 1)
        self.to_empty(device=device)

    def initial_state(self, batch: int) -> Tensor:
        """Return the state before the first value, zeros: (part, layer, batch, hidden)."""
        parts = 2 if self.cell == "lstm" else 1
        size = (parts, self.rnn.num_layers, batch, self.rnn.hidden_size)
        return torch.zeros(size, dtype=self.linear.weight.dtype)

    def step(self, x: Tensor, state: Tensor, tape: Tape | None = None) -> tuple[Tensor, Tensor]:
        """Take x(t), (batch, feature), and the state at t-1; return x̂(t+1) and the state at t.

        tape: where given, what each layer received is appended to it.
        """
        layers = []
        for layer in range(self.rnn.num_layers):
            w_ih, w_hh, b_ih, b_hh = self.rnn.all_weights[layer]
            from_input = torch.addmm(b_ih, x, w_ih.T)
            from_hidden = torch.addmm(b_hh, state[0, layer], w_hh.T)
            layers.append(CELL_STEPS[self.cell](from_input, from_hidden, state[:, layer]))
            if tape is not None:
                before = state[0, layer]
                tape.append(Received(x, before, from_input, from_hidden, layers[-1][0]))
            x = layers[-1][0]
        return self.linear(x), torch.stack(layers, dim=1)

    def forward(self, values: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take values (batch, time, 1) and the state before them.

        Return the predictions of the next values (batch, time, 1), the last layer's hidden states
        (batch, time, hidden) and the state after the last value.
        """
        if self.cell == "lstm":
            hidden, (h, c) = self.rnn(values, (state[0], state[1]))
            return self.linear(hidden), hidden, torch.stack((h, c))
        hidden, h = self.rnn(values, state[0])
        return self.linear(hidden), hidden, h[None]

    @torch.no_grad()
    def run(self, output: Tensor, state: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Run freely: take the last output (batch, 1) and the state behind it.

        Return the next outputs (batch, steps, 1), the hidden states (batch, steps, hidden) behind
        them, and the last state.
        """
        if self.cell == "rnn" and self.rnn.num_layers == 1:
            return self._run_elman(state, steps)
        return step_freely(self, output, state, steps)

    @np.errstate(over="ignore", invalid="ignore")  # a free run may blow up
    def _run_elman(self, state: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Do as `run`, with the read-out folded into the recurrent matrix.

        The next input is w·h + b, so h' = tanh((U + v w) h + (v b + c)): one product a step, in
        NumPy, whose calls are the cheapest.
        """
        w_ih, w_hh, b_ih, b_hh = (weights.numpy() for weights in self.rnn.all_weights[0])
        w_out, b_out = self.linear.weight.numpy(), self.linear.bias.numpy()
        recurrent = np.ascontiguousarray((w_hh + w_ih @ w_out).T)
        before = state[0, 0].numpy()
        bias = np.tile(b_ih + b_hh + w_ih @ b_out, (len(before), 1))
        hidden = np.empty((steps, *before.shape), dtype=before.dtype)
        for after in list(hidden):
            np.dot(before, recurrent, after)
            np.add(after, bias, after)
            before = np.tanh(after, after)
        outputs = hidden.reshape(-1, hidden.shape[2]) @ w_out.T + b_out
        outputs = torch.from_numpy(outputs.reshape(*hidden.shape[:2], 1))
        state = torch.from_numpy(before.copy())[None, None]
        return outputs.transpose(0, 1), torch.from_numpy(hidden).transpose(0, 1), state


def rnn_step(from_input: Tensor, from_hidden: Tensor, state: Tensor) -> Tensor:
    """Elman cell: h' = tanh(W x + b + U h + d). All (batch, hidden); state (1, batch, hidden)."""
    return torch.tanh(from_input + from_hidden)[None]


def gru_step(from_input: Tensor, from_hidden: Tensor, state: Tensor) -> Tensor:
    """GRU cell (Cho et al. 2014, in the form of `torch.nn.GRU`); gates in the order r, z, n."""
    r_input, z_input, n_input = from_input.chunk(3, dim=-1)
    r_hidden, z_hidden, n_hidden = from_hidden.chunk(3, dim=-1)
    reset = torch.sigmoid(r_input + r_hidden)
    update = torch.sigmoid(z_input + z_hidden)
    candidate = torch.tanh(n_input + reset * n_hidden)
    return (candidate + update * (state[0] - candidate))[None]


def lstm_step(from_input: Tensor, from_hidden: Tensor, state: Tensor) -> Tensor:
    """LSTM cell (Hochreiter and Schmidhuber 1997); gates in the order i, f, g, o."""
    i, f, g, o = (from_input + from_hidden).chunk(4, dim=-1)
    c = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
    return torch.stack((torch.sigmoid(o) * torch.tanh(c), c))


CELL_STEPS = {"rnn": rnn_step, "gru": gru_step, "lstm": lstm_step}


class Lags(nn.Module):
    """The next value as a linear function, without intercept, of the last `lags` values.

    Its "hidden state" is the values before the current one: (1, 1, batch, lags - 1), latest first.
    """

    def __init__(self, lags: int) -> None:
        super().__init__()
        self.cell = "linear"
        self.weight = nn.Parameter(torch.zeros(lags))

    def initial_state(self, batch: int) -> Tensor:
        """Return the state before the first value, zeros: (1, 1, batch, lags - 1)."""
        return torch.zeros((1, 1, batch, len(self.weight) - 1), dtype=self.weight.dtype)

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Take x(t), (batch, feature), and the state at t-1; return x̂(t+1) and the state at t."""
        window = torch.cat((x, state[0, 0]), dim=-1)
        prediction = (window * self.weight).sum(dim=-1, keepdim=True)
        return prediction, window[None, None, :, :-1]

    def forward(self, values: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Step through values (batch, time, 1); return what `Network.forward` does."""
        predictions, hidden = [], []
        for x in values.unbind(dim=1):
            prediction, state = self.step(x, state)
            predictions.append(prediction)
            hidden.append(state[0, 0])
        return torch.stack(predictions, dim=1), torch.stack(hidden, dim=1), state

    def run(self, output: Tensor, state: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """Run freely, as `Network.run` does."""
        return step_freely(self, output, state, steps)


Model = Network | Lags


@torch.no_grad()
def step_freely(
    model: Model, output: Tensor, state: Tensor, steps: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Do what `Network.run` does, by stepping."""
    outputs, hidden = [], []
    for _ in range(steps):
        output, state = model.step(output, state)
        outputs.append(output)
        hidden.append(state[0, -1])
    return torch.stack(outputs, dim=1), torch.stack(hidden, dim=1), state


class Facts(Schema):
    """What is needed to build and use a model, as it stands in the model's file."""

    dataset: str
    cell: Literal["linear", "rnn", "gru", "lstm"]
    lags: int = Field(ge=1, le=1000)
    hidden_size: int = Field(ge=1, le=4096)
    num_layers: int = Field(ge=1, le=64)
    time_step: float = Field(gt=0)


def save(path: Path, model: Model, carried: Tensor | None, facts: dict[str, Any]) -> None:
    """Write a model as safetensors, whole or not at all.

    carried: the hidden state that training ended with, (part, layer, 1, hidden), where it was
    carried from one iteration into the next. facts: what `Facts` names.
    Raises InputError where the file cannot be written.
    """
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    if carried is not None:
        tensors["carried_state"] = carried.detach().contiguous()
    # One key: safetensors writes several in random order.
    facts = facts | {"sha256": digest(facts, tensors)}
    metadata = {"model": json.dumps(facts, sort_keys=True)}
    with files.whole(path) as partial:
        partial.write_bytes(to_safetensors(tensors, metadata))


def digest(facts: dict[str, Any], tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of a model file's content: safetensors has no check sum of its own."""
    sha = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha.update(tensor.numpy().tobytes())
    return sha.hexdigest()


def load(path: Path) -> tuple[Model, Tensor | None, dict[str, Any]]:
    """Read a model in float64: the model, its carried state if it has one, its facts.

    Raises InputError where the file is missing, damaged, or not what `save` writes.
    """
    files.size(path)
    again = "make it again with `dvc repro`"
    try:
        with safetensors.safe_open(path, "pt") as archive:
            metadata = json.loads((archive.metadata() or {}).get("model", "{}"))
            tensors = {name: archive.get_tensor(name) for name in archive.keys()}
    except (safetensors.SafetensorError, ValueError, RecursionError, OSError) as error:
        reason = files.reason(error)
        raise InputError(f"{path}: is not a readable model file ({reason}); {again}") from None
    stored = metadata.pop("sha256", None) if isinstance(metadata, dict) else None
    if stored is None:
        raise InputError(f"{path}: does not say what model it holds; {again}")
    if stored != digest(metadata, tensors):
        raise InputError(f"{path}: is damaged: its content is not what was saved; {again}")
    facts = _facts(path, metadata)
    carried = tensors.pop("carried_state", None)
    model = _empty(facts)
    _check_tensors(path, model, tensors, carried)
    model.double().to_empty(device="cpu").load_state_dict(tensors)
    return model.eval(), None if carried is None else carried.double(), metadata


def _facts(path: Path, metadata: dict[str, Any]) -> Facts:
    try:
        return Facts.model_validate(metadata)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: its fact {name} is {files.shown(repr(first['input']))}: {first['msg']}"
        ) from None


def _empty(facts: Facts) -> Model:
    """Return the model that the facts describe, on the meta device: it takes no memory yet."""
    with torch.device("meta"):
        if facts.cell == "linear":
            return Lags(facts.lags)
        return Network(facts.cell, facts.hidden_size, facts.num_layers, device="meta")


def _check_tensors(
    path: Path, model: Model, tensors: dict[str, Tensor], carried: Tensor | None
) -> None:
    """Raise InputError unless the tensors are those of the model, all of them finite."""
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if carried is not None:
        expected["carried_state"] = tuple(model.initial_state(1).shape)
        tensors = tensors | {"carried_state": carried}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    for name in sorted(expected | found):
        if expected.get(name) != found.get(name):
            raise InputError(
                f"{path}: tensors do not fit the facts: {files.shown(name)} has the shape "
                f"{found.get(name)}; expected {expected.get(name)}"
            )
        if tensors[name].dtype not in (torch.float32, torch.float64):
            raise InputError(f"{path}: {name} holds {tensors[name].dtype}; expected floats")
        if not torch.isfinite(tensors[name]).all():
            raise InputError(f"{path}: {name} holds numbers that are not finite")
