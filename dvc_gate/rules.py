"""Judge a metric by its two values and the rules of the gate."""

import datetime
import itertools
import math
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from dvc_gate.formats import Key, Value, dump_yaml, is_number

# Worst first.
FAILURES = ["unreadable", "missing", "no baseline", "no number", "past limit", "regressed"]
FAILURES += ["not improved"]
OUTCOMES = [*FAILURES, "acknowledged", "no rule", "new", "held", "informational"]
ALL_KEYS = "*"  # the key of a row on a whole file


class Schema(BaseModel):
    """Refuse unknown keys and silent conversions in gate.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


BOUNDS = ("limit", "abs_tol", "rel_tol", "improve_by")
KEY = "the key of a metric, or a glob such as eval.loss_*"
FILE = "the path of a metrics file, or a glob such as reports/*/metrics.json"
TOLERANCE = "a number from 0 (`improve_by` asks for an improvement)"


class Named(Schema):
    """Name metrics by their key, and by their file where one is given."""

    metrics: str = Field(min_length=1, description=KEY)
    file: str | None = Field(None, min_length=1, description=FILE)

    def names(self, metric: Key, literally: bool = False) -> bool:
        """Match a metric, or compare its key literally, brackets and all."""
        file, key = metric
        in_file = self.file in (None, file) or fnmatchcase(file, self.file)
        by_glob = not literally and fnmatchcase(key, self.metrics)
        return in_file and (key == self.metrics or by_glob)

    def __str__(self) -> str:
        return f"{self.file}: {self.metrics}" if self.file else self.metrics


class Rule(Named):
    """Bound the metrics that it names: by a limit, by the baseline, or by both."""

    better: Literal["lower", "higher", "near"] = Field(description="lower, higher or near")
    limit: float | None = Field(None, description="a number, the worst value at any baseline")
    abs_tol: float | None = Field(None, ge=0, description=f"{TOLERANCE}, in the metric's own unit")
    rel_tol: float | None = Field(None, ge=0, description=f"{TOLERANCE}, × |baseline|")
    improve_by: float | None = Field(None, ge=0, description="a number from 0, the least gain")

    @model_validator(mode="after")
    def _bounded(self) -> "Rule":
        given = {name for name in BOUNDS if getattr(self, name) is not None}
        if not given:
            raise ValueError(f"has no bound; expected any of {', '.join(BOUNDS)}")
        if self.better == "near" and given - {"abs_tol", "rel_tol"}:
            raise ValueError("has better: near; expected abs_tol or rel_tol alone")
        if "improve_by" in given and given & {"abs_tol", "rel_tol"}:
            raise ValueError("has improve_by and a tolerance; expected one of them")
        return self

    @property
    def compares(self) -> bool:
        """Whether the rule needs a baseline."""
        return any(each is not None for each in (self.abs_tol, self.rel_tol, self.improve_by))

    def allowed(self, baseline: Value) -> dict[str, "Range"]:
        """Map each possible failure to the range that avoids it."""
        ranges = {}
        if self.limit is not None:
            ranges["past limit"] = self._side(exact(self.limit), Fraction(0))
        if self.compares and is_number(baseline):
            start, outcome = exact(baseline), "regressed"
            slack = exact(self.abs_tol or 0) + exact(self.rel_tol or 0) * abs(start)
            if self.improve_by is not None:
                slack, outcome = -exact(self.improve_by), "not improved"
            ranges[outcome] = self._side(start, slack)
        return ranges

    def _side(self, start: Fraction, slack: Fraction) -> "Range":
        least = None if self.better == "lower" else start - slack
        return Range(least, None if self.better == "higher" else start + slack)


class Range(NamedTuple):
    """Numbers from least to most; None: no bound."""

    least: Fraction | None = None
    most: Fraction | None = None

    def excess(self, value: int | float) -> Fraction:
        """Measure how far out a number lies; negative or zero inside."""
        below = [] if self.least is None else [self.least - exact(value)]
        above = [] if self.most is None else [exact(value) - self.most]
        return max(below + above)


class Acknowledged(Named):
    """Accept failures until a day, that day included."""

    metrics: str = Field(alias="metric", min_length=1, description=KEY)
    reason: str = Field(min_length=1, description="a sentence for who reads the report")
    # A date in quotes is welcome: DVC refuses a params.yaml with a date in it.
    until: datetime.date = Field(strict=False, description="a date such as 2027-01-31")


class Calibration(Schema):
    """Hold [least, median, most] of each metric of a file, as `calibrate` measured them."""

    over: str = Field(description="the parameter that differed")
    values: int = Field(ge=2, description="how many values it had, from 2")
    spread: dict[str, list[float]] = Field(description="[least, median, most] for each metric")


Glob = Annotated[
    Named, BeforeValidator(lambda item: {"metrics": item} if isinstance(item, str) else item)
]


class Gate(Schema):
    """Choose the rule of a metric: literal names first, then informational globs, then rules."""

    rules: list[Rule] = Field(min_length=1, description="a list of rules")
    informational: list[Glob] = Field([], description="a list of keys or globs")
    acknowledged: list[Acknowledged] = Field([], description="a list of accepted failures")
    renamed: dict[str, str] = Field({}, description="a mapping of old to new metrics files")
    calibration: dict[str, Calibration] = Field({}, description="what `calibrate` printed")

    @model_validator(mode="after")
    def _one_to_one(self) -> "Gate":
        if len(set(self.renamed.values())) < len(self.renamed):
            raise ValueError("renamed gives two files the same new name")
        return self

    def judge_of(self, metric: Key) -> Named | None:
        """Find the rule or informational entry of a metric, at last by its file's old name."""
        named = [*self.informational, *self.rules]
        old = [(before, metric[1]) for before, now in self.renamed.items() if now == metric[0]]
        tries = itertools.product((metric, *old), (True, False), named)
        matches = (entry for name, literally, entry in tries if entry.names(name, literally))
        return next(matches, None)

    def rule(self, metric: Key) -> Rule | None:
        entry = self.judge_of(metric)
        return entry if isinstance(entry, Rule) else None

    def unused(self, metrics: Iterable[Key]) -> Iterator[tuple[str, int, str]]:
        """Yield the list, index and fault of each entry that judges nothing."""
        used = {id(self.judge_of(metric)) for metric in metrics}
        for name in ("rules", "informational"):
            for index, entry in enumerate(getattr(self, name)):
                if id(entry) not in used:
                    text = "no such metric (`dvc metrics show` lists them), or others judge it"
                    yield name, index, f"`{entry}` judges nothing: {text}"

    def lines(self) -> list[str]:
        """Write the entries that decide verdicts as YAML, an entry a line."""
        options = {"mode": "json", "by_alias": True, "exclude_defaults": True}
        return dump_yaml(self.model_dump(exclude={"calibration"}, **options)).splitlines()


# The value that each key of gate.yaml takes, for messages about other values.
EXPECTED = {
    field.alias or name: field.description
    for schema in (Gate, Rule, Acknowledged, Calibration)
    for name, field in schema.model_fields.items()
}


class Row(NamedTuple):
    """One metric and its verdict; allowed: the range that passes."""

    metric: Key
    baseline: Value
    now: Value
    outcome: str
    allowed: Range = Range()
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
        """Whether the metric passes and did not change."""
        return self.outcome in ("held", "informational") and self.now == self.baseline

    @property
    def badness(self) -> tuple[int, float, Key]:
        """A key that sorts the worst first: by outcome, then by the excess over the range."""
        bounds, excess = [abs(bound) for bound in self.allowed if bound is not None], -math.inf
        if bounds and is_number(self.now):
            excess = approximate(self.allowed.excess(self.now) / (max(bounds) or Fraction(1e-12)))
        return OUTCOMES.index(self.outcome), -excess, self.metric


def judge(gate: Gate, metric: Key, baseline: Value, now: Value) -> Row:
    """Judge one metric, acknowledgements aside; without a baseline by its limit alone."""
    entry = gate.judge_of(metric)
    if not isinstance(entry, Rule):
        return Row(metric, baseline, now, "informational" if entry else "no rule")
    ranges = entry.allowed(baseline)
    leasts = [each.least for each in ranges.values() if each.least is not None]
    mosts = [each.most for each in ranges.values() if each.most is not None]
    allowed = Range(max(leasts, default=None), min(mosts, default=None))
    note = _noise_note(gate, metric)
    if now is None:
        outcome = "missing"
    elif not is_number(now):
        outcome = "no number"
    elif is_number(baseline) and isinstance(now, bool) != isinstance(baseline, bool):
        outcome, note = "no number", "one value is a boolean, the other a number"
    else:
        out = [name for name, passing in ranges.items() if passing.excess(now) > 0]
        outcome = out[0] if out else "held" if is_number(baseline) else "new"
    return Row(metric, baseline, now, outcome, allowed, note)


def _noise_note(gate: Gate, metric: Key) -> str:
    measured = gate.calibration.get(metric[0])
    spread = measured.spread.get(metric[1], []) if measured else []
    if len(spread) != 3:
        return ""
    return f"{measured.values} values of {measured.over} gave {spread[0]:.3g} to {spread[2]:.3g}"


def acknowledge(gate: Gate, row: Row, today: datetime.date) -> Row:
    """Replace an acknowledged failure; after its day add a note alone."""
    for entry in gate.acknowledged:
        if row.failed and entry.names(row.metric):
            note = f"{row.outcome}; acknowledged until {entry.until}: {entry.reason}"
            if today <= entry.until:
                return row._replace(outcome="acknowledged", note=note)
            return row._replace(note=f"{note} (that day has passed)")
    return row


def exact(value: int | float) -> Fraction:
    """Convert a number as it is written: 0.11 is 10 % above 0.1, without a rounding error."""
    return Fraction(repr(+value))


def approximate(value: Fraction | None) -> float | None:
    """Round to the nearest float, at most the largest."""
    try:
        return None if value is None else float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max
