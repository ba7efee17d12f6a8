"""Laws of the bench's measurements, and of its pages."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from stages.baselines.lags import Lags
from stages.baselines.sine_fits import Prony
from tests.conftest import ROOT
from tools.bench import gated, jacobian, measure, page, record, rows
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
    r = triangle(network, sines.train, sines.warmup, noise=0.0, seed=0)
    network = with_read_out(network, r, 1e-6)
    past = sines.test.values[:FEW, :50]
    predictions, _, state = network.forward(past, network.initial_state(FEW))
    outputs, _, last = network.run(predictions[:, -1], state, 10)
    values = np.concatenate((past, predictions[:, -1:], outputs[:, :-1]), axis=1)
    again, _, state = network.forward(values, network.initial_state(FEW))
    np.testing.assert_allclose(again[:, 50:], outputs, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(state, last, rtol=1e-9, atol=1e-12)


def test_the_read_out_of_an_echo_state_network_is_ridge_regression(sines: measure.Task) -> None:
    network, ridge, skipped = leaky(5, 1.0), 1e-3, sines.warmup
    r = triangle(network, sines.train, sines.warmup, noise=0.0, seed=0)
    x = sines.train.values
    h = network.states(x[:, :-1])[:, skipped:].reshape(-1, 5)
    a = np.pad(h, ((0, 0), (0, 1)), constant_values=1)
    penalty = (ridge * np.abs(np.diag(r)[:6]).max()) ** 2 * np.diag([1, 1, 1, 1, 1, 0])
    expected = np.linalg.solve(a.T @ a + penalty, a.T @ x[:, skipped + 1 :].reshape(-1))
    np.testing.assert_allclose(with_read_out(network, r, ridge).read_out, expected, rtol=1e-7)


@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("task", ["phases", "sines"])
def test_gated_peers_get_equally_many_iterations_either_way(task: str, free: bool) -> None:
    where = measure.task(task, quick=True)
    row = gated.row_of("gru", where, rate=0.01, iterations=10, free=free)
    assert sum(phase.iterations for phase in row.training) == 10 * gated.PHASES
    last = row.training[-1]
    assert last.learning_rate * last.decay == pytest.approx(0.01 * gated.DECAY**gated.PHASES)
    assert (last.free_steps > 0) == free
    # The longest free run and its warm-up fit into a training sequence.
    assert last.warmup + last.free_steps <= where.train.values.shape[1]


@pytest.mark.parametrize("name", ["innovation", "elman"])
def test_torch_func_gives_the_jacobian_of_the_pipeline(name: str) -> None:
    """Otherwise it raises AssertionError."""
    assert all(value > 0 for key, value in jacobian.timed(name, quick=True).items() if "ms" in key)


def test_settings_are_chosen_by_an_error_that_is_0_for_the_truth_and_at_most_1(
    sines: measure.Task,
) -> None:
    assert measure.capped_error(Prony(), sines.validation, sines.warmup, 5) < 1e-10
    diverging = Lags(np.array([3.0, 0.0]))
    assert 0.9 < measure.capped_error(diverging, sines.validation, sines.warmup, 5) <= 1


def test_a_model_that_loses_all_sequences_is_not_run_to_the_horizon(sines: measure.Task) -> None:
    where = replace(sines, periods=200)
    lost = measure.judged(Lags(np.array([1.0, 0.0])), where)
    assert lost["held_100"] == 0 and "rmse_200" not in lost
    holds = measure.judged(Prony(), where)
    assert holds["held_200"] == 1 and holds["rmse_200"] < 1e-9 and holds["vpt_min"] == 200


def row(name: str, rmse: float, **more: object) -> measure.Row:
    judged = {"seeds": 1, "held_100": 1.0, "rmse_10": rmse / 10, "rmse_100": rmse}
    judged |= {"vpt_median": 100.0, "vpt_min": 90.0, "time": 0.5, "settings": "none"}
    return {"name": name, "units": 4, "parameters": 20, **judged, **more}


def record_of(**measured: measure.Row) -> page.Record:
    return {
        name.replace("__", "."): {"commit": "abc", "machine": "a processor", "rows": [row]}
        for name, row in measured.items()
    }


def test_a_peer_that_is_as_good_as_ours_is_named_first() -> None:
    ours, better, worse = row("`innovation`", 1e-3), row("ESN 4", 1e-4), row("GRU", 0.7)
    text = page.page(
        record_of(rows__sines__innovation=ours, peers__sines__esn=better, peers__sines__gru=worse)
    )
    assert "As good as `innovation` over 100 periods: **ESN 4**." in text
    table = text[text.index("| name") :]
    assert table.index("ESN 4") < table.index("`innovation`") < table.index("GRU")
    text = page.page(record_of(rows__sines__innovation=ours, peers__sines__gru=worse))
    assert "As good as `innovation` over 100 periods: **none of the peers**." in text


@pytest.mark.parametrize("name", ["recurrence", "stable"])
def test_a_row_is_trained_and_judged_as_the_pipeline_does(name: str) -> None:
    (measured,) = rows.measure(name, held_out=False, quick=True)
    committed = json.loads((ROOT / "reports" / name / "metrics.json").read_text())
    assert measured["parameters"] == committed["parameters"]
    assert measured["rmse_1"] < 1e-6 and measured["time"] > 0
    assert int(measured["attempts"]) >= 1


def test_a_record_without_numbers_is_still_strict_json() -> None:
    entry = record.entry([{"name": "lost", "rmse_10": math.inf}])
    assert json.loads(json.dumps(entry, allow_nan=False))["rows"][0]["rmse_10"] == page.DIVERGED
