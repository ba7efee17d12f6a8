"""Tables for the figures of a model: the first test sequence, and a row for each sequence."""

import numpy as np

from stages.rollouts.evaluation import Shown, Subject, shown_steps
from stages.rollouts.metrics import FreeRun
from stages.rollouts.multipliers import multipliers
from stages.rollouts.regimes import memory_wiped, teacher_forced
from stages.signals.sines import Floats

Table = dict[str, np.ndarray]  # columns of one length, by name

SHOWN_UNITS = 8
SETTLING = 12  # test sequences whose memory is followed over the warm-up
NEAR_PERIODS = 10.0  # of the error that tells how hard a sequence is


def tables(subject: Subject, result: FreeRun, shown: Shown) -> dict[str, Table]:
    """Collect the tables by file name."""
    per_period = float(subject.sines.steps_per_period[0])
    steps, past, truth = true_past(subject)
    forced, hidden, _ = teacher_forced(subject.model, past)
    given = {
        "periods": steps / per_period,
        "truth": truth,
        "value": past[0, :, 0],
        "teacher_forced": one_later(forced),
        "memory_wiped": one_later(memory_wiped(subject.model, past)),
    }
    every = np.union1d(steps, shown.steps)
    return {
        "rollout.csv": {
            "step": every,
            **{name: where(every, steps, values) for name, values in given.items()},
            "free_running": where(every, shown.steps, shown.outputs),
        },
        "horizon.csv": {"periods": result.horizons, "rmse": result.rmse},
        "hidden.csv": orbit(steps, hidden[0], shown, per_period),
        "multipliers.csv": multipliers_of(subject),
        "sequences.csv": sequences(subject, result),
        "settling.csv": settling(subject),
    }


def true_past(subject: Subject) -> tuple[np.ndarray, Floats, Floats]:
    """Select the steps of the warm-up and the first periods, their values, and the truth.

    The steps count from the end of the warm-up. The values (1, time, 1) are those that the model is
    given, of the first test sequence. Without noise they go on as the truth does; in noise they end
    with the dataset's.
    """
    sines = subject.sines
    last = subject.warmup + shown_steps(subject)[0]
    if sines.noise > 0:
        last = min(last, sines.values.shape[1])
    truth = sines.truth(np.arange(last))[0]
    values = truth if sines.noise == 0 else sines.values[0, :last, 0]
    return np.arange(last) - subject.warmup, values[None, :, None], truth


def where(every: np.ndarray, steps: np.ndarray, values: Floats) -> Floats:
    """Spread values at some of the steps over all of them: NaN at the others."""
    spread = np.full(len(every), np.nan)
    spread[np.searchsorted(every, steps)] = values
    return spread


def one_later(predictions: Floats) -> Floats:
    """Shift predictions (1, time, 1) by one step, to the time of the value they predict."""
    return np.concatenate(([np.nan], predictions[0, :-1, 0]))


def multipliers_of(subject: Subject) -> Table:
    """Compute the multipliers of the closed loop, along the first test sequence's free run."""
    warmup = subject.sines.values[:1, : subject.warmup]
    predictions, _, state = teacher_forced(subject.model, warmup)
    moduli = multipliers(
        subject.model, predictions[:, -1], state, float(subject.sines.steps_per_period[0])
    )
    return {"order": np.arange(1, len(moduli) + 1), "multiplier": moduli}


def sequences(subject: Subject, result: FreeRun) -> Table:
    """Write a row for each test sequence: its sine, how well it was held, and the memory.

    rmse: over the first ten periods, or the horizon if it is shorter. memory: what the memory units
    hold at the end of the warm-up, and so throughout the free run.
    """
    near = int(np.argmin(np.abs(result.horizons - min(NEAR_PERIODS, subject.periods))))
    columns = {
        "frequency": subject.sines.frequency,
        "amplitude": subject.sines.amplitude,
        "phase": subject.sines.phase,
        "valid_periods": result.valid_periods,
        "rmse": result.rmse_of_each[near],
        "amplitude_error": result.amplitude_error,
    }
    if subject.model.memory.stop > 0:
        _, hidden, _ = teacher_forced(subject.model, subject.sines.values[:, : subject.warmup])
        memory = hidden[:, -1, subject.model.memory].T
        columns |= {f"memory_{unit}": values for unit, values in enumerate(memory, start=1)}
    return columns


def settling(subject: Subject) -> Table:
    """Write the memory units at each step of the warm-up, of some test sequences."""
    if subject.model.memory.stop == 0:
        return {"frequency": np.empty(0), "step": np.empty(0)}
    past = subject.sines.values[:SETTLING, : subject.warmup]
    _, hidden, _ = teacher_forced(subject.model, past)
    units = hidden[:, :, subject.model.memory].reshape(past.size, -1).T
    return {
        "frequency": np.repeat(subject.sines.frequency[:SETTLING], subject.warmup),
        "step": np.tile(np.arange(1, subject.warmup + 1), len(past)),
        **{f"memory_{unit}": values for unit, values in enumerate(units, start=1)},
    }


def orbit(steps: np.ndarray, forced: Floats, shown: Shown, per_period: float) -> Table:
    """Write hidden states in both regimes, with their first two principal components.

    forced: teacher-forced states (time, hidden) at `steps`. The components are those of its last
    two periods, when the transient of the initial state is gone.
    """
    last = forced[-int(np.ceil(2 * per_period)) :]
    centre, axes = last.mean(axis=0), principal_axes(last)
    parts: list[Table] = []
    for regime, when, states in (
        ("teacher_forced", steps, forced),
        ("free_running", shown.steps - 1, shown.hidden),  # an output is read out of h(t-1)
    ):
        columns = {"regime": np.full(len(when), regime), "step": when, "periods": when / per_period}
        with np.errstate(over="ignore", invalid="ignore"):  # a rollout may blow up
            components = ((states - centre) @ axes.T).T
        columns |= dict(zip(("pc1", "pc2"), components, strict=True))
        units = states[:, :SHOWN_UNITS].T
        columns |= {f"h_{unit}": values for unit, values in enumerate(units, start=1)}
        parts.append(columns)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def principal_axes(states: Floats) -> Floats:
    """Compute the first two principal axes of states (time, hidden): (2, hidden)."""
    axes = np.zeros((2, states.shape[1]))
    for row, axis in enumerate(
        np.linalg.svd(states - states.mean(axis=0), full_matrices=False)[2][:2]
    ):
        # The sign of an axis is arbitrary: its largest element is made positive.
        axes[row] = axis * np.sign(axis[np.abs(axis).argmax()])
    return axes
