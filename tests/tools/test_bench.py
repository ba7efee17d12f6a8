"""Laws of what the bench measures with, and of what it writes."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.networks.fits import Prony
from stages.networks.linear import Lags
from stages.reporting.reports import load_peers
from stages.reporting.style import short
from tests.conftest import ROOT
from tools.bench import gated, measure, page, record, rows, speed
from tools.bench.echo_state import LeakyNetwork, triangle, with_read_out

FEW = 6


@pytest.fixture(scope="module")
def sines() -> measure.Task:
    """Any sine, few sequences and a short horizon."""
    return measure.task("sines", quick=True)


def leaky(units: int, leak: float) -> LeakyNetwork:
    random = np.random.default_rng(0)
    w = random.normal(size=(units, units)) / (3 * math.sqrt(units))
    return LeakyNetwork(random.uniform(-0.5, 0.5, (1, units)), w, 0.1, leak)


def test_an_echo_state_network_runs_freely_as_if_it_were_given_its_own_outputs(
    sines: measure.Task,
) -> None:
    network = leaky(8, 0.4)
    network = with_read_out(network, triangle(network, sines, sines.train, 0.0, 0), 1e-6)
    past = sines.test.values[:FEW, :50]
    predictions, _, state = network.forward(past, network.initial_state(FEW))
    outputs, _, last = network.run(predictions[:, -1], state, 10)
    whole = np.concatenate((past, predictions[:, -1:], outputs[:, :-1]), axis=1)
    again, _, state = network.forward(whole, network.initial_state(FEW))
    np.testing.assert_allclose(again[:, 50:], outputs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state, last, rtol=1e-9, atol=1e-12)


def test_the_read_out_of_an_echo_state_network_is_ridge_regression(sines: measure.Task) -> None:
    network, ridge, skipped = leaky(5, 1.0), 1e-3, sines.warmup
    r = triangle(network, sines, sines.train, 0.0, 0)
    found = with_read_out(network, r, ridge).read_out
    x = sines.train.values
    h = network.states(x[:, :-1], network.initial_state(len(x)))[:, skipped:].reshape(-1, 5)
    a = np.pad(h, ((0, 0), (0, 1)), constant_values=1)
    penalty = (ridge * np.abs(np.diag(r)[:6]).max()) ** 2 * np.diag([1, 1, 1, 1, 1, 0])
    expected = np.linalg.solve(a.T @ a + penalty, a.T @ x[:, skipped + 1 :].reshape(-1))
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_the_network_of_a_module_predicts_what_the_module_does(cell: str) -> None:
    torch.manual_seed(0)
    module = gated.Recurrent(cell, 5, layers=2).double()
    x = np.random.default_rng(0).normal(size=(3, 12, 1))
    network = module.network()
    ours, _, state = network.forward(x, network.initial_state(3))
    with torch.no_grad():
        theirs = module(torch.from_numpy(x)).numpy()
        free = module.freely(torch.from_numpy(x), 4).numpy()
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    outputs, _, _ = network.run(ours[:, -1], state, 3)
    np.testing.assert_allclose(outputs, free[:, 1:], atol=1e-12)


@pytest.mark.parametrize("cell", ["rnn", "innovation"])
def test_autograd_gives_our_jacobian_of_the_closed_loop(sines: measure.Task, cell: str) -> None:
    network, values = speed.any_network(cell), sines.train.values[:2]
    forward = speed.torch_elman if cell == "rnn" else speed.torch_innovation
    _, ours = speed.jacobian(network, values, speed.rollout())
    theirs = speed.torch_jacobian(forward, network, values)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-9)


def test_settings_are_chosen_by_an_error_that_is_0_for_the_truth_and_at_most_1(
    sines: measure.Task,
) -> None:
    error = measure.capped_error(Prony(), sines.validation, sines.warmup, 5)
    assert error < 1e-10
    blows_up = Lags(np.array([3.0, 0.0]))
    error = measure.capped_error(blows_up, sines.validation, sines.warmup, 5)
    assert 0.9 < error <= 1


def test_who_loses_all_sequences_is_not_run_to_the_horizon(sines: measure.Task) -> None:
    where = replace(sines, periods=200)
    lost = measure.judged(Lags(np.array([1.0, 0.0])), where)
    assert lost["held_100"] == 0 and "rmse_200" not in lost
    holds = measure.judged(Prony(), where)
    assert holds["held_200"] == 1 and holds["rmse_200"] < 1e-9 and holds["vpt_min"] == 200


def row(name: str, rmse: float, **more: object) -> measure.Row:
    judged = {"seeds": 1, "held_100": 1.0, "rmse_10": rmse / 10, "rmse_100": rmse}
    judged |= {"vpt_median": 100.0, "vpt_min": 90.0, "time": 0.5, "settings": "none"}
    return {"name": name, "units": 4, "parameters": 20, **judged, **more}


def record_of(**rows: measure.Row) -> page.Record:
    return {
        name.replace("__", "."): {"commit": "abc", "machine": "a processor", "rows": [found]}
        for name, found in rows.items()
    }


def test_a_peer_that_is_as_good_as_ours_is_named_first() -> None:
    ours, better, worse = row("`innovation`", 1e-3), row("ESN 4", 1e-4), row("GRU", 0.7)
    text = page.page(
        record_of(rows__sines__innovation=ours, peers__sines__esn=better, peers__sines__gru=worse)
    )
    assert "As good as `innovation` over 100 periods: **ESN 4**." in text
    table = text[text.index("| model") :]
    assert table.index("ESN 4") < table.index("`innovation`") < table.index("GRU")
    text = page.page(record_of(rows__sines__innovation=ours, peers__sines__gru=worse))
    assert "As good as `innovation` over 100 periods: **none of the peers**." in text


def test_the_figures_read_what_peers_reach_under_the_protocol_of_today(tmp_path: Path) -> None:
    datasets = measure.settings().datasets
    measured = record_of(peers__sines__esn=row("ESN 4", 0.25))
    path = tmp_path / "peers.csv"
    path.write_text(page.peers_csv(measured, datasets))
    found = load_peers(path, datasets)
    assert found[["task", "name", "units", "periods", "rmse"]].values.tolist() == [
        ["sines", "ESN 4", 4, 10, 0.025],
        ["sines", "ESN 4", 4, 100, 0.25],
    ]
    other = datasets | {"sines": datasets["sines"].model_copy(update={"warmup": 99})}
    assert load_peers(path, other).empty


def test_names_of_peers_fit_beside_a_figure() -> None:
    long = ("GRU 64, one step ahead", "LSTM 64, then on its free run", "LSTM 2 × 51, L-BFGS")
    assert [page.brief(name) for name in (*long, "ESN 500")] == [
        "GRU 64 one-step",
        "LSTM 64 free-run",
        "LSTM 2 × 51",
        "ESN 500",
    ]
    assert all(short(page.brief(name)) == page.brief(name) for name in long)


@pytest.mark.parametrize("name", ["recurrence", "prony", "stable"])
def test_a_row_is_trained_and_judged_as_the_pipeline_does(name: str) -> None:
    (found,) = rows.measure(name, held_out=False, quick=True)
    committed = json.loads((ROOT / "reports" / name / "metrics.json").read_text())
    assert found["parameters"] == committed["parameters"]
    assert found["rmse_1"] < 1e-6 and found["time"] > 0
    assert int(found["attempts"]) >= 1


def test_names_that_name_nothing_are_refused_in_one_line() -> None:
    done = subprocess.run(
        (sys.executable, "-m", "tools.bench", "--only", "nothing*"),
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "error: --only nothing*: names nothing; see --list\n"


def test_a_record_without_numbers_is_still_strict_json() -> None:
    kept = record.entry([{"name": "lost", "rmse_10": math.inf}])
    assert json.loads(json.dumps(kept, allow_nan=False))["rows"][0]["rmse_10"] == page.DIVERGED
