"""Reports that are made up: of models of sines and of measured series, and of datasets."""

from typing import Any

import numpy as np
import pandas as pd

from stages.reporting.reports import METHODS, Card, Dataset, Report, in_parts
from stages.settings.dataset import Dataset as Sines
from stages.settings.dataset import Measured

STEPS_PER_PERIOD = 30.8
LONG = "a_very_long_name_of_a_row_in_the_parameters"
OF_SERIES = ("naive", "seasonal_naive", "drift", "ets", "ar")
TASKS = {
    "phases": Sines(),
    "noisy": Sines(frequency=[0.5, 2.0], noise=0.05),
    "mine": Sines(frequency=0.3),
    "tides": Measured(
        csv="tides.csv", column="metres", season=12, validation=39, test=39, warmup=24, horizon=20
    ),
}


def make_card(task: str, kind: str, horizon: int) -> Card:
    length = {"periods" if kind == "sines" else "horizon": horizon}
    return Card(kind=kind, task=task, sha256={}, season=12, **length)


def make_curve(end: float = 1e-9) -> pd.DataFrame:
    """Make up a training curve of two phases."""
    curve = pd.DataFrame({"attempt": 1, "iteration": [10, 20, 30] * 2})
    phases = ["adam"] * 3 + ["levenberg_marquardt"] * 3
    losses = [1.0, 0.1, 0.01, 1.0, np.nan, end]
    return in_parts(curve.assign(phase=phases, steps_seen=np.arange(1, 7) * 490, loss=losses))


def make_report(
    name: str,
    growth: float = 1.0,
    *,
    units: int = 16,
    periods: int = 1000,
    task: str = "phases",
    cell: str = "rnn",
) -> Report:
    """Make up the reports of a model of sines, whose error grows by a factor a period."""
    memory = task != "phases"
    steps = np.arange(-20, int(12 * STEPS_PER_PERIOD))
    since = steps / STEPS_PER_PERIOD
    truth = np.sin(2 * np.pi * since)
    horizon = np.geomspace(1 / STEPS_PER_PERIOD, periods, 60)
    with np.errstate(over="ignore"):
        rmse, errors = 1e-3 * growth**horizon, 1e-3 * growth ** np.linspace(0, 10, 9)
        free = np.where(steps < 0, np.nan, truth * growth ** np.maximum(since, 0))
    rollout = pd.DataFrame({"step": steps, "periods": since, "truth": truth})
    hidden = pd.DataFrame({"regime": "teacher_forced", "step": steps, "periods": since})
    waves = np.sin(2 * np.pi * since[:, None] + np.arange(max(units, 2)))
    hidden[["pc1", "pc2"]] = waves[:, :2] * (units > 1)
    hidden[[f"h_{unit + 1}" for unit in range(units)]] = waves[:, :units]
    running = hidden[steps >= 0].assign(regime="free_running")
    running[["pc1", "pc2"]] *= free[steps >= 0, None]
    end = float(rmse[-1]) if np.isfinite(rmse[-1]) else "diverged"
    spans = {"rmse_1_periods": 1e-3 * growth, f"rmse_{periods}_periods": end}
    held = {"valid_prediction_periods": {"median": 3.25, "min": 1.0}, "survivors": 0.0}
    metrics: dict[str, Any] = {"parameters": 321, "free_running": spans | held}
    metrics |= {"teacher_forced": {"rmse": 1e-3}, "memory_wiped": {"rmse": 0.4}}
    if memory:
        metrics["bound"] = {"rmse_1_periods": 1e-2, f"rmse_{periods}_periods": 0.3}
    frequency = np.linspace(0.5, 2, 9)
    sines = {"frequency": frequency, "amplitude": 2 - frequency, "valid_periods": 3.0}
    settling = {"frequency": [0.5, 0.5, 2.0, 2.0], "step": [1, 2, 1, 2], "memory_1": [0.0, 1, 0, 2]}
    return Report(
        *(name, cell, make_card(task, "sines", periods), metrics),
        training=make_curve(np.inf if growth > 1 else 0.0),
        rollout=rollout.assign(
            value=truth + 0.05 * np.cos(77 * since),
            teacher_forced=truth + 1e-3,
            memory_wiped=0.4 * truth,
            free_running=free,
        ),
        horizon=pd.DataFrame({"periods": horizon, "rmse": rmse}),
        hidden=pd.concat((hidden, running)),
        multipliers=pd.DataFrame({"order": [1, 2, 3], "multiplier": [growth, 0.5, 0.0]}),
        sequences=pd.DataFrame(
            sines | {"rmse": errors} | ({"memory_1": frequency} if memory else {})
        ),
        settling=pd.DataFrame(settling),
    )


def make_forecasts(
    cell: str, mase: float | str, name: str | None = None, task: str = "tides"
) -> Report:
    """Make up the reports of a model of a measured series."""
    steps, size = np.arange(-23, 21), np.inf if isinstance(mase, str) else mase
    value = 1e3 * np.sin(2 * np.pi * steps / 12)
    forecast = np.where(steps > 0, value + size, np.nan)
    widths = {"low_80": -1, "high_80": 1, "low_95": -2, "high_95": 2}
    rollout = pd.DataFrame({"step": steps, "time": "", "value": value, "forecast": forecast})
    errors = {"mase": mase, "rmsse": 1.5, "skill": 0.25}
    errors["by_step"] = dict.fromkeys(("first", "season", "rest"), mase)
    inside = {"coverage_80": 0.8, "coverage_95": "none"}
    return Report(
        *(name or f"{task}_{cell}", cell, make_card(task, "measured", 20)),
        metrics={"parameters": 7, "forecast": errors, "intervals": inside},
        training=make_curve()[: 6 * (cell not in METHODS)],
        rollout=rollout.assign(**{end: forecast + 100 * width for end, width in widths.items()}),
        horizon=pd.DataFrame({"step": np.arange(1, 21), "mase": size * np.linspace(0.5, 1.5, 20)}),
        sequences=pd.DataFrame({"origin": [1, 2], "time": "", "mase": size}),
    )


def make_datasets() -> list[Dataset]:
    """Make up the reports of datasets: of one sine, of a wide range of them, of a series."""
    time = np.linspace(0, 3, 60)
    waves = {"periods": time, "value": 1e3 * np.sin(time), "truth": 1e3 * np.sin(time)}
    sequences = pd.concat([pd.DataFrame(waves).assign(sequence=number) for number in (1, 5)])
    quantities = ["phase", "frequency", "amplitude"]
    one = pd.DataFrame({"quantity": quantities, "low": 1e-3, "high": 1e-3, "share": 1.0})
    wide = pd.DataFrame({"quantity": quantities * 2, "low": 0.0, "high": 1234.5, "share": 0.5})
    parts = ["training"] * 40 + ["validation"] * 10 + ["test"] * 10
    dated = pd.DataFrame({"step": range(60), "time": "2001-12-31T23:59:59Z", "value": time})
    dated["part"] = parts
    return [
        Dataset("blog", sequences, one),
        Dataset(LONG, sequences, wide),
        Dataset("tides", dated, pd.DataFrame(), LONG),
        Dataset("untimed", dated.assign(time=np.nan), pd.DataFrame(), "untimed"),
    ]
