"""Tables for the figures of a model: the first test sequence, and a row for each sequence."""

import numpy as np

from stages.rollouts.evaluation import Subject
from stages.rollouts.metrics import FreeRun, count_steps
from stages.rollouts.multipliers import multipliers
from stages.rollouts.regimes import memory_wiped, teacher_forced
from stages.signals.sines import Floats

Table = dict[str, np.ndarray]  # columns of one length, by name

EARLY_PERIODS = 12  # the first periods of a free run, which are tabulated
LATE_PERIODS = 2  # the last periods, which are tabulated too
SHOWN_UNITS = 8  # hidden units in hidden.csv, at most
SETTLING = 12  # test sequences in settling.csv
NEAR_PERIODS = 10.0  # over which the RMSE of each sequence is taken


def tables(subject: Subject, result: FreeRun, outputs: Floats, hidden: Floats) -> dict[str, Table]:
    """Collect the tables by file name.

    outputs (time,), hidden (time, hidden): the free run of the first test sequence.
    """
    early, late = (
        int(count_steps(subject.sines, periods)[0]) for periods in (EARLY_PERIODS, LATE_PERIODS)
    )
    steps, horizon = np.arange(len(outputs)), len(outputs)
    shown = steps[(steps < early) | (steps >= horizon - late)]
    past, truth = true_past(subject, min(early, horizon))
    forced, states, _ = teacher_forced(subject.model, past)
    given = np.arange(len(truth)) - subject.warmup
    per_period = float(subject.sines.steps_per_period[0])
    columns = {
        "periods": given / per_period,
        "truth": truth,
        "value": past[0, :, 0],
        "teacher_forced": one_later(forced),
        "memory_wiped": one_later(memory_wiped(subject.model, past)),
    }
    every = np.concatenate((np.arange(-subject.warmup, 0), shown))
    columns = {name: padded(values, 0, len(every)) for name, values in columns.items()}
    columns["free_running"] = padded(outputs[shown], subject.warmup, len(every))
    return {
        "rollout.csv": {"step": every, **columns},
        "horizon.csv": {"periods": result.horizons, "rmse": result.rmse},
        # The output at t is read from h(t-1), so its state has the time of the step before.
        "hidden.csv": orbit(
            {"teacher_forced": (given, states[0]), "free_running": (shown - 1, hidden[shown])},
            per_period,
        ),
        "multipliers.csv": multipliers_of(subject, per_period),
        **of_sequences(subject, result),
    }


def true_past(subject: Subject, free_steps: int) -> tuple[Floats, Floats]:
    """Select the values of the warm-up and of some steps after it, and their truth.

    The values (1, time, 1) are the inputs of the model in the first test sequence; the truth
    (time,) is without noise. Without noise, the values are the truth at any length. In noise, they
    end where the dataset ends.
    """
    sines, last = subject.sines, subject.warmup + free_steps
    if sines.noise > 0:
        values = sines.values[:1, :last]
        return values, sines.truth(np.arange(values.shape[1]))[0]
    truth = sines.truth(np.arange(last))[0]
    return truth[None, :, None], truth


def padded(values: Floats, before: int, length: int) -> Floats:
    """Pad values with NaN to a length, with `before` of them at the start."""
    after = length - before - len(values)
    return np.pad(values, (before, after), constant_values=np.nan)


def one_later(predictions: Floats) -> Floats:
    """Shift predictions (1, time, 1) by one step, to the time of the value they predict."""
    return padded(predictions[0, :-1, 0], 1, predictions.shape[1])


def multipliers_of(subject: Subject, per_period: float) -> Table:
    """Compute the multipliers of the free run of the first test sequence."""
    predictions, _, state = teacher_forced(subject.model, subject.past[:1])
    moduli = multipliers(subject.model, predictions[:, -1], state, per_period)
    return {"order": np.arange(1, len(moduli) + 1), "multiplier": moduli}


def of_sequences(subject: Subject, result: FreeRun) -> dict[str, Table]:
    """Tabulate the test sequences, and the memory of some at each step of the warm-up.

    sequences.csv: a row for each sequence. rmse: over the first ten periods, or over the horizon if
    it is shorter. memory: at the end of the warm-up; in the free run it stays the same.
    settling.csv: a row for each step of the first SETTLING sequences; empty without memory units.
    """
    near = int(np.argmin(np.abs(result.horizons - min(NEAR_PERIODS, subject.periods))))
    sequences = {
        "frequency": subject.sines.frequency,
        "amplitude": subject.sines.amplitude,
        "phase": subject.sines.phase,
        "valid_periods": result.valid_periods,
        "rmse": result.rmse_of_each[near],
        "amplitude_error": result.amplitude_error,
    }
    settling = {"frequency": np.empty(0), "step": np.empty(0)}
    if subject.model.memory.stop > 0:
        memory = teacher_forced(subject.model, subject.past)[1][:, :, subject.model.memory]
        some = memory[:SETTLING]
        settling["frequency"] = np.repeat(subject.sines.frequency[:SETTLING], subject.warmup)
        settling["step"] = np.tile(np.arange(1, subject.warmup + 1), len(some))
        for unit in range(memory.shape[2]):
            sequences[f"memory_{unit + 1}"] = memory[:, -1, unit]
            settling[f"memory_{unit + 1}"] = some[:, :, unit].ravel()
    return {"sequences.csv": sequences, "settling.csv": settling}


def orbit(regimes: dict[str, tuple[np.ndarray, Floats]], per_period: float) -> Table:
    """Write hidden states by regime, with their first two principal components.

    regimes: the steps (time,) and states (time, hidden) of each. The components are computed from
    the last two periods of the first regime: by then the transient of the initial state is gone.
    """
    _, forced = next(iter(regimes.values()))
    last = forced[-int(np.ceil(2 * per_period)) :]
    centre, axes = last.mean(axis=0), principal_axes(last)
    parts: list[Table] = []
    for regime, (when, states) in regimes.items():
        columns = {"regime": np.full(len(when), regime), "step": when, "periods": when / per_period}
        with np.errstate(over="ignore", invalid="ignore"):  # a rollout may blow up
            columns["pc1"], columns["pc2"] = ((states - centre) @ axes.T).T
        units = states[:, :SHOWN_UNITS].T
        columns |= {f"h_{unit}": values for unit, values in enumerate(units, start=1)}
        parts.append(columns)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def principal_axes(states: Floats) -> Floats:
    """Compute the first two principal axes of states (time, hidden): (2, hidden)."""
    axes = np.zeros((2, states.shape[1]))
    rotation = np.linalg.svd(states - states.mean(axis=0), full_matrices=False)[2]
    for row, axis in enumerate(rotation[:2]):
        # The sign of an axis is arbitrary: its largest element is made positive.
        axes[row] = axis * np.sign(axis[np.abs(axis).argmax()])
    return axes
