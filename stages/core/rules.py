"""The rules of the gate: what a metric may be, told from its two values and nothing else."""

import datetime
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Literal

from pydantic import Field, field_validator, model_validator

from stages.settings.schema import Schema

# A metric: a number, a word for what stands there instead of one, or None where there is nothing.
Value = int | float | str | None

FAILURES = ("unreadable", "missing", "no number", "past limit", "regressed")
OUTCOMES = (*FAILURES, "acknowledged", "no rule", "new", "held", "informational")


class Rule(Schema):
    """What holds for the metrics that a glob names: at least one bound."""

    metrics: str = Field(
        min_length=1, description="a glob of metric names, such as stable.free_running.rmse_*"
    )
    better: Literal["lower", "higher"] = Field(description="lower or higher")
    limit: float | None = Field(None, description="a number, the worst value at any baseline")
    abs_tol: float | None = Field(None, ge=0, description="a number from 0, in the metric's unit")
    rel_tol: float | None = Field(None, ge=0, description="a number from 0, × |baseline|")

    @model_validator(mode="after")
    def _bounded(self) -> "Rule":
        if self.limit is None and not self.compares:
            raise ValueError("has no bound; expected any of limit, abs_tol, rel_tol")
        return self

    @property
    def compares(self) -> bool:
        """Whether the rule looks at the baseline."""
        return self.abs_tol is not None or self.rel_tol is not None

    def bounds(self, baseline: Value) -> dict[str, Fraction]:
        """Return the worst value allowed, by the outcome of a metric that is worse."""
        bounds = {}
        if self.limit is not None:
            bounds["past limit"] = exact(self.limit)
        if self.compares and is_number(baseline):
            start = exact(baseline)
            slack = exact(self.abs_tol or 0) + exact(self.rel_tol or 0) * abs(start)
            bounds["regressed"] = start + slack if self.better == "lower" else start - slack
        return bounds

    def __str__(self) -> str:
        bounds = [
            f"{name} {value:g}"
            for name in ("limit", "abs_tol", "rel_tol")
            if (value := getattr(self, name)) is not None
        ]
        return f"{self.metrics}: {self.better} is better, {', '.join(bounds)}"


class Acknowledged(Schema):
    """Failures that are accepted until a day, that day included."""

    metric: str = Field(min_length=1, description="the name of a metric, or a glob")
    reason: str = Field(min_length=1, description="a sentence for who reads the report")
    # In quotes, since DVC refuses a params.yaml with a date in it.
    until: str = Field(description="a date in quotes, such as '2027-01-31'")

    @field_validator("until")
    @classmethod
    def _date(cls, until: str) -> str:
        try:
            datetime.date.fromisoformat(until)
        except ValueError:
            raise ValueError(f"is {until!r}; expected a date such as '2027-01-31'") from None
        return until

    def names(self, metric: str) -> bool:
        return fnmatchcase(metric, self.metric)

    def __str__(self) -> str:
        return f"{self.metric}: acknowledged until {self.until}: {self.reason}"


class Calibration(Schema):
    """What `calibrate` measured of one model: [least, median, most] of each metric."""

    seeds: int = Field(ge=2, description="a whole number from 2")
    spread: dict[str, list[float]] = Field(description="[least, median, most] for each metric")


class Gate(Schema):
    """The section `gate` of params.yaml.

    A metric is informational where one of these globs names it; else the first rule that names it
    judges it, in the order of the file.
    """

    rules: list[Rule] = Field(min_length=1, description="a list of rules")
    informational: list[str] = Field([], description="a list of globs of metric names")
    acknowledged: list[Acknowledged] = Field([], description="a list of acknowledged failures")
    calibration: dict[str, Calibration] = Field({}, description="what `calibrate` printed, a model")

    def is_informational(self, metric: str) -> bool:
        return any(fnmatchcase(metric, glob) for glob in self.informational)

    def rule(self, metric: str) -> Rule | None:
        """Return the rule that judges a metric."""
        if self.is_informational(metric):
            return None
        return next((rule for rule in self.rules if fnmatchcase(metric, rule.metrics)), None)

    def idle(self, metrics: Iterable[str]) -> Iterator[tuple[str, int, str]]:
        """Yield the list, the index in it, and the fault of each glob that is of no use."""
        metrics = list(metrics)
        used = {id(self.rule(metric)) for metric in metrics}
        for index, rule in enumerate(self.rules):
            if id(rule) not in used:
                yield "rules", index, f"judges nothing: {why_idle(rule.metrics, metrics)}"
        for index, glob in enumerate(self.informational):
            if not any(fnmatchcase(metric, glob) for metric in metrics):
                yield "informational", index, f"is idle: {why_idle(glob, metrics)}"

    def lines(self) -> list[str]:
        """Return all that bears on a verdict, one line a rule."""
        return [
            *map(str, self.rules),
            *(f"{glob}: informational" for glob in self.informational),
            *map(str, self.acknowledged),
        ]


def why_idle(glob: str, metrics: Sequence[str]) -> str:
    if any(fnmatchcase(metric, glob) for metric in metrics):
        return f"all that {glob!r} matches is informational or falls to an earlier rule"
    return f"{glob!r} matches no metric; `dvc metrics show` lists them"


@dataclass(frozen=True)
class Row:
    """One metric and its verdict.

    allowed: the worst value that would have passed; note: what there is to say about the verdict.
    """

    metric: str
    baseline: Value
    now: Value
    outcome: str
    better: str | None = None
    allowed: Fraction | None = None
    note: str = ""

    @property
    def failed(self) -> bool:
        return self.outcome in FAILURES

    @property
    def accepted(self) -> bool:
        """Whether it would fail but for an acknowledgement, or fails for it has run out."""
        return self.failed or self.outcome == "acknowledged"

    @property
    def change(self) -> Fraction | None:
        """Now less baseline, where both are numbers."""
        if is_number(self.now) and is_number(self.baseline):
            return exact(self.now) - exact(self.baseline)
        return None

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to tell: it passes, and is what it was."""
        return self.outcome in ("held", "informational") and self.now == self.baseline

    @property
    def badness(self) -> tuple[int, float, str]:
        """A key that sorts the worst first: by outcome, then by how far past what is allowed."""
        excess = -math.inf
        if self.allowed is not None and is_number(self.now):
            past = exact(self.now) - self.allowed
            past = past if self.better == "lower" else -past
            scale = abs(self.allowed) or Fraction(1, 10**12)
            excess = approximate(past / scale)
        return OUTCOMES.index(self.outcome), -excess, self.metric


def judge(gate: Gate, metric: str, baseline: Value, now: Value) -> Row:
    """Return the verdict on one metric, acknowledgements aside.

    Fails closed: under a rule, what is no number fails. Without a number in the baseline a metric
    is new, and judged by its limit alone.
    """
    rule = gate.rule(metric)
    if rule is None:
        outcome = "informational" if gate.is_informational(metric) else "no rule"
        return Row(metric, baseline, now, outcome)
    bounds = rule.bounds(baseline)
    tightest = min if rule.better == "lower" else max
    allowed = tightest(bounds.values()) if bounds else None
    if now is None:
        outcome = "missing"
    elif not is_number(now):
        outcome = "no number"
    else:
        worse = [
            name
            for name, bound in bounds.items()
            if (exact(now) > bound if rule.better == "lower" else exact(now) < bound)
        ]
        held = "held" if is_number(baseline) else "new"
        outcome = worse[0] if worse else held
    return Row(metric, baseline, now, outcome, rule.better, allowed, gate_note(gate, metric))


def gate_note(gate: Gate, metric: str) -> str:
    """Return what is known of the metric's noise, if it was ever measured."""
    model, _, name = metric.partition(".")
    measured = gate.calibration.get(model)
    if measured is None or name not in measured.spread:
        return ""
    least, _, most = measured.spread[name]
    return f"{measured.seeds} seeds gave {least:.3g} to {most:.3g}"


def judge_all(gate: Gate, baseline: Mapping[str, Value], now: Mapping[str, Value]) -> list[Row]:
    """Return the verdict on every metric of either side."""
    return [judge(gate, name, baseline.get(name), now.get(name)) for name in baseline | now]


def acknowledge(gate: Gate, row: Row, today: datetime.date) -> Row:
    """Return a failed row as acknowledged, where it is, and the day has not passed."""
    for known in gate.acknowledged:
        if row.failed and known.names(row.metric):
            note = f"{row.outcome}; acknowledged until {known.until}: {known.reason}"
            if today <= datetime.date.fromisoformat(known.until):
                return replace(row, outcome="acknowledged", note=note)
            return replace(row, note=f"{note} (that day has passed)")
    return row


def is_number(value: Value) -> bool:
    return isinstance(value, int | float)


def exact(value: int | float) -> Fraction:
    """Return the number as it is written: 0.11 is 10 % above 0.1, and not a rounding error more."""
    return Fraction(repr(value))


def approximate(value: Fraction) -> float:
    """Return the nearest float, the largest one for what is larger."""
    try:
        return float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max
