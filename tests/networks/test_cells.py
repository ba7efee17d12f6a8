"""Laws of the networks and their rollouts."""

import numpy as np
import pytest
import torch
from torch import nn

from stages.networks import network as model
from stages.rollouts import regimes as rollout
from stages.training import adam as training

CELLS = [("rnn", 1), ("rnn", 2), ("gru", 1), ("gru", 2), ("lstm", 1), ("lstm", 2)]


def drawn(cell: str, layers: int = 1, hidden: int = 5, seed: int = 0) -> model.Network:
    network = model.Network(cell, hidden, layers).double()
    training.draw_normal(network, 0.5, torch.Generator().manual_seed(seed))
    return network


def random_values(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_stepping_equals_the_whole_sequence_pass(cell: str, layers: int) -> None:
    network, values = drawn(cell, layers), random_values(3, 12, 1)
    start = random_values(*network.initial_state(3).shape)
    predictions, hidden, last = rollout.teacher_forced(network, values, start)
    state = start
    for t in range(12):
        output, state = network.step(values[:, t], state)
        torch.testing.assert_close(output, predictions[:, t], rtol=0, atol=1e-14)
        torch.testing.assert_close(state[0, -1], hidden[:, t], rtol=0, atol=1e-14)
    torch.testing.assert_close(state, last, rtol=0, atol=1e-14)


@pytest.mark.parametrize(("cell", "layers"), CELLS)
def test_the_fast_free_run_equals_the_plain_loop(cell: str, layers: int) -> None:
    network, warmup = drawn(cell, layers), random_values(4, 6, 1)
    blocks = list(rollout.free_running(network, warmup, 50, block=16))
    with torch.no_grad():
        state = None
        output, state = network.rnn(warmup)
        x = network.linear(output)[:, -1:]
        plain = [x]
        for _ in range(49):
            output, state = network.rnn(x, state)
            x = network.linear(output)
            plain.append(x)
    outputs = torch.cat([block for block, _ in blocks], dim=1)
    torch.testing.assert_close(outputs, torch.cat(plain, dim=1), rtol=0, atol=1e-12)
    assert max(block.shape[1] for block, _ in blocks) <= 16


def test_a_free_run_is_teacher_forcing_on_its_own_outputs() -> None:
    network, warmup = drawn("gru"), random_values(4, 6, 1)
    own = torch.cat([block for block, _ in rollout.free_running(network, warmup, 20)], dim=1)
    past = torch.cat((warmup, own[:, :-1]), dim=1)
    predictions, _, _ = rollout.teacher_forced(network, past)
    torch.testing.assert_close(predictions[:, 5:], own, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_wiping_the_memory_leaves_only_the_current_value(cell: str) -> None:
    network = drawn(cell)
    values = random_values(1, 9, 1)
    kept = rollout.memory_wiped(network, values)
    shuffled = rollout.memory_wiped(network, values.flip(1)).flip(1)
    torch.testing.assert_close(kept, shuffled, rtol=0, atol=1e-15)
    first, _, _ = rollout.teacher_forced(network, values[:, :1])
    torch.testing.assert_close(kept[:, :1], first, rtol=0, atol=1e-14)


def test_two_lags_continue_a_sine_exactly() -> None:
    """2cos(ωΔ) and −1 are found by least squares, and hold the sine for a hundred periods."""
    delta = 10 / 49
    phases = torch.linspace(0, 6, 8, dtype=torch.float64)[:, None]
    steps = torch.arange(20 + 3079, dtype=torch.float64)
    truth = torch.sin(phases + steps * delta)[:, :, None]
    lags = model.Lags(2).double()
    training.fit_lags(lags, truth[:, :50])
    np.testing.assert_allclose(lags.weight.detach(), [2 * np.cos(delta), -1], atol=1e-12)
    outputs = torch.cat([b for b, _ in rollout.free_running(lags, truth[:, :20], 3079)], dim=1)
    assert (outputs - truth[:, 20:]).abs().max() < 1e-10


def test_the_network_has_the_blogs_parameters() -> None:
    """16·1 + 16·16 + 16 + 16 of `nn.RNN(1, 16)`, 16 + 1 of `nn.Linear(16, 1)`."""
    names = [*nn.RNN(1, 16).state_dict(), *nn.Linear(16, 1).state_dict()]
    network = model.Network("rnn", 16, 1)
    assert [name.split(".")[1] for name in network.state_dict()] == names
    assert sum(p.numel() for p in network.parameters()) == 321


@pytest.mark.parametrize("cell", ["linear", "rnn", "gru", "lstm"])
def test_a_model_file_gives_back_the_model(cell: str, tmp_path) -> None:
    facts = {"dataset": "a", "cell": cell, "hidden_size": 5, "num_layers": 1, "lags": 3}
    facts |= {"time_step": 0.1}
    network = drawn(cell) if cell != "linear" else model.Lags(3).double()
    carried = random_values(*network.initial_state(1).shape)
    for name in ("a", "b"):
        model.save(tmp_path / name, network, carried, facts)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded, state, stored = model.load(tmp_path / "a")
    assert stored == facts
    torch.testing.assert_close(state, carried, rtol=0, atol=0)
    values = random_values(2, 7, 1)
    expected, _, _ = rollout.teacher_forced(network, values)
    torch.testing.assert_close(rollout.teacher_forced(loaded, values)[0], expected, rtol=0, atol=0)
