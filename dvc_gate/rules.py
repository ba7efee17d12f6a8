"""The rules of the gate: what a metric may be, told from its two values and nothing else."""

import datetime
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dvc_gate.formats import Key, Value

FAILURES = ("unreadable", "missing", "no number", "past limit", "regressed")
ACKNOWLEDGED = "acknowledged"
OUTCOMES = (*FAILURES, ACKNOWLEDGED, "no rule", "new", "held", "informational")
WHOLE = "*"  # stands for all metrics of a file that could not be read


class Schema(BaseModel):
    """Base of all in gate.yaml: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


KEY = "the key of a metric, or a glob such as eval.loss_*"


class Named(Schema):
    """What names metrics: by their key, and where it is given by their file."""

    metrics: str = Field(min_length=1, description=KEY)
    file: str | None = Field(
        None,
        min_length=1,
        description="the path of a metrics file, or a glob such as reports/*/metrics.json",
    )

    def names(self, metric: Key) -> bool:
        return self.literally(metric) or (
            self._in_file(metric[0]) and fnmatchcase(metric[1], self.metrics)
        )

    def literally(self, metric: Key) -> bool:
        """Whether the key stands here as it is, brackets and all."""
        return metric[1] == self.metrics and self._in_file(metric[0])

    def _in_file(self, file: str) -> bool:
        return self.file is None or self.file == file or fnmatchcase(file, self.file)

    def __str__(self) -> str:
        return f"{self.file}: {self.metrics}" if self.file else self.metrics


class Rule(Named):
    """What holds for the metrics that it names: at least one bound."""

    better: Literal["lower", "higher", "near"] = Field(description="lower, higher or near")
    limit: float | None = Field(None, description="a number, the worst value at any baseline")
    abs_tol: float | None = Field(
        None, ge=0, description="a number from 0, in the metric's own unit"
    )
    rel_tol: float | None = Field(None, ge=0, description="a number from 0, × |baseline|")

    @model_validator(mode="after")
    def _bounded(self) -> "Rule":
        if self.limit is None and not self.compares:
            raise ValueError("has no bound; expected any of limit, abs_tol, rel_tol")
        if self.limit is not None and self.better == "near":
            raise ValueError("has a limit; a metric that is to stay near has abs_tol or rel_tol")
        return self

    @property
    def compares(self) -> bool:
        """Whether the rule looks at the baseline."""
        return self.abs_tol is not None or self.rel_tol is not None

    def allowed(self, baseline: Value) -> dict[str, "Range"]:
        """Return the range that is allowed, by the outcome of a metric that is out of it."""
        ranges = {}
        if self.limit is not None:
            ranges["past limit"] = self._side(exact(self.limit), Fraction(0))
        if self.compares and is_number(baseline):
            start = exact(baseline)
            slack = exact(self.abs_tol or 0) + exact(self.rel_tol or 0) * abs(start)
            ranges["regressed"] = self._side(start, slack)
        return ranges

    def _side(self, start: Fraction, slack: Fraction) -> "Range":
        least = None if self.better == "lower" else start - slack
        return Range(least, None if self.better == "higher" else start + slack)

    def __str__(self) -> str:
        bounds = [
            f"{name} {value:g}"
            for name in ("limit", "abs_tol", "rel_tol")
            if (value := getattr(self, name)) is not None
        ]
        better = "near the baseline" if self.better == "near" else f"{self.better} is better"
        return f"{super().__str__()}: {better}, {', '.join(bounds)}"


@dataclass(frozen=True)
class Range:
    """Numbers from least to most; None: no bound."""

    least: Fraction | None = None
    most: Fraction | None = None

    def within(self, other: "Range") -> "Range":
        """Return what is in both."""
        leasts = [each.least for each in (self, other) if each.least is not None]
        mosts = [each.most for each in (self, other) if each.most is not None]
        return Range(max(leasts, default=None), min(mosts, default=None))

    def excess(self, value: int | float) -> Fraction:
        """Return how far out a number is; negative or zero: it is inside."""
        outs = [self.least - exact(value)] if self.least is not None else []
        return max([*outs, *([exact(value) - self.most] if self.most is not None else [])])


def _as_date(value: Any) -> Any:
    try:
        return datetime.date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


class Acknowledged(Named):
    """Failures that are accepted until a day, that day included."""

    metrics: str = Field(alias="metric", min_length=1, description=KEY)
    reason: str = Field(min_length=1, description="a sentence for who reads the report")
    # A date in quotes is welcome: DVC refuses a params.yaml with a date in it.
    until: Annotated[datetime.date, BeforeValidator(_as_date)] = Field(
        description="a date such as 2027-01-31"
    )

    def __str__(self) -> str:
        return f"{super().__str__()}: acknowledged until {self.until}: {self.reason}"


class Calibration(Schema):
    """What `calibrate` measured of one metrics file: [least, median, most] of each metric."""

    over: str = Field(description="the parameter that differed")
    values: int = Field(ge=2, description="how many values it had, from 2")
    spread: dict[str, list[float]] = Field(description="[least, median, most] for each metric")


Glob = Annotated[
    Named, BeforeValidator(lambda item: {"metrics": item} if isinstance(item, str) else item)
]


class Gate(Schema):
    """The rules. What names a metric literally goes before globs, else what is informational.

    Of the rest the first rule that names a metric judges it, in the order of the file.
    """

    rules: list[Rule] = Field(min_length=1, description="a list of rules")
    informational: list[Glob] = Field([], description="a list of keys or globs")
    acknowledged: list[Acknowledged] = Field([], description="a list of accepted failures")
    calibration: dict[str, Calibration] = Field({}, description="what `calibrate` printed")

    def judge_of(self, metric: Key) -> Named | None:
        """Return the rule that judges a metric, or the entry that makes it informational."""
        named = [*self.informational, *self.rules]
        literal = (entry for entry in named if entry.literally(metric))
        return next(literal, None) or next((e for e in named if e.names(metric)), None)

    def rule(self, metric: Key) -> Rule | None:
        found = self.judge_of(metric)
        return found if isinstance(found, Rule) else None

    def idle(self, metrics: Iterable[Key]) -> Iterator[tuple[str, int, str]]:
        """Yield the list, the index in it, and the fault of each entry that is of no use."""
        metrics = list(metrics)
        used = {id(self.judge_of(metric)) for metric in metrics}
        for name in ("rules", "informational"):
            for index, entry in enumerate(getattr(self, name)):
                if id(entry) not in used:
                    others = any(map(entry.names, metrics))
                    why = "all that it names is judged by others" if others else "no such metric"
                    mend = "" if others else "; `dvc metrics show` lists them"
                    yield name, index, f"`{Named.__str__(entry)}` is of no use: {why}{mend}"

    def lines(self) -> list[str]:
        """Return all that bears on a verdict, one line each."""
        told = (f"{named}: informational" for named in self.informational)
        return [*map(str, self.rules), *told, *map(str, self.acknowledged)]


# What each key of gate.yaml takes, for who wrote something else there.
EXPECTED = {
    field.alias or name: field.description
    for schema in (Gate, Rule, Acknowledged, Calibration)
    for name, field in schema.model_fields.items()
}


@dataclass(frozen=True)
class Row:
    """One metric and its verdict.

    allowed: the range that would have passed; note: what there is to say about the verdict.
    """

    metric: Key
    baseline: Value
    now: Value
    outcome: str
    allowed: Range | None = None
    note: str = ""

    @property
    def failed(self) -> bool:
        return self.outcome in FAILURES

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
    def badness(self) -> tuple[int, float, Key]:
        """A key that sorts the worst first: by outcome, then by how far past what is allowed."""
        excess = -math.inf
        if self.allowed is not None and is_number(self.now):
            bounds = [abs(b) for b in (self.allowed.least, self.allowed.most) if b is not None]
            scale = max(bounds) or Fraction(1, 10**12)
            excess = approximate(self.allowed.excess(self.now) / scale)
        return OUTCOMES.index(self.outcome), -excess, self.metric


def judge(gate: Gate, metric: Key, baseline: Value, now: Value) -> Row:
    """Return the verdict on one metric, acknowledgements aside.

    Fails closed: under a rule, what is no number fails. Without a number in the baseline a metric
    is new, and judged by its limit alone.
    """
    judging = gate.judge_of(metric)
    if not isinstance(judging, Rule):
        return Row(metric, baseline, now, "informational" if judging else "no rule")
    ranges = judging.allowed(baseline)
    allowed = None
    for each in ranges.values():
        allowed = each.within(allowed or Range())
    if now is None:
        outcome = "missing"
    elif not is_number(now):
        outcome = "no number"
    else:
        out = [name for name, allowed_there in ranges.items() if allowed_there.excess(now) > 0]
        outcome = out[0] if out else "held" if is_number(baseline) else "new"
    return Row(metric, baseline, now, outcome, allowed, _noise(gate, metric))


def _noise(gate: Gate, metric: Key) -> str:
    """Return what is known of the metric's noise, if it was ever measured."""
    measured = gate.calibration.get(metric[0])
    if measured is None or len(measured.spread.get(metric[1], ())) != 3:
        return ""
    least, _, most = measured.spread[metric[1]]
    return f"{measured.values} values of {measured.over} gave {least:.3g} to {most:.3g}"


def acknowledge(gate: Gate, row: Row, today: datetime.date) -> Row:
    """Return a failed row as acknowledged, where it is, and the day has not passed."""
    for known in gate.acknowledged:
        if row.failed and known.names(row.metric):
            note = f"{row.outcome}; acknowledged until {known.until}: {known.reason}"
            if today <= known.until:
                return replace(row, outcome=ACKNOWLEDGED, note=note)
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
