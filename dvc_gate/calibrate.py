"""`calibrate`: the spread of metrics over DVC experiments that differ in one parameter alone."""

import json
import os
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence

from dvc_gate.check import own_rules
from dvc_gate.formats import Key, Value, load_yaml
from dvc_gate.git import SHORT, Git
from dvc_gate.pipelines import PARAMS, pipelines
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree, find_root
from dvc_gate.rules import Gate, is_number, judge
from dvc_gate.sides import Side, read_side


def calibrate(over: str, revision: str) -> str:
    """Return the spreads as a table and as YAML for gate.yaml, and a warning of each noisy rule.

    over: the name of a parameter; revision: the commit whose experiments are compared with it.
    Raises Unjudged where fewer than two values are known.
    """
    git, prefix = find_root()
    gate = own_rules(Tree(git, prefix)).gate
    over = over.removeprefix(f"{PARAMS}:")
    base = Tree(git, prefix, git.commit(revision))
    start = read_side(base)
    if over not in start.parameters:
        raise Unjudged(f"{over}: is no parameter at {base.label}; `dvc params diff` lists them")
    runs, passed_over = {repr(start.parameters[over]): start}, []
    for name, tree in _experiments(base):
        try:
            side = read_side(tree)
            faults = [*_differences(base, start, tree, side, over), *side.faults]
        except Unjudged as error:
            faults = [one_line(error, 100)]
        if faults:
            passed_over.append(f"passed over: {name}: {', '.join(faults[:3])}")
        else:
            runs.setdefault(repr(side.parameters.get(over)), side)
    if len(runs) < 2:
        told = passed_over or [_where_they_are(git)]
        raise Unjudged("\n".join([f"{base.label}: one value of {over} alone is known", *told]))
    return "\n".join([*_report(over, gate, list(runs.values())), *passed_over])


def _experiments(base: Tree) -> Iterator[tuple[str, Tree]]:
    """Yield the name and the files of each experiment of a commit."""
    for ref, commit in base.git.experiments():
        _, _, begin, end, name = ref.split("/", 4)
        if begin + end == base.revision:
            yield name, Tree(base.git, base.prefix, commit)


def _where_they_are(git: Git) -> str:
    commits = Counter("".join(ref.split("/")[2:4])[:SHORT] for ref, _ in git.experiments())
    known = [f"--rev {commit} has {count} experiments" for commit, count in commits.items()]
    return "; ".join(known) or "no experiments are known here; see `dvc-gate calibrate --help`"


def _differences(base: Tree, start: Side, tree: Tree, side: Side, over: str) -> list[str]:
    """Return in what an experiment differs from its commit, the parameter and outputs aside."""
    names = (start.parameters | side.parameters).keys() - {over}
    found = [n for n in names if start.parameters.get(n) != side.parameters.get(n)]
    made = [path for each in pipelines(tree) for _, path, _ in each.outs()]
    made += [*side.results, *side.parameter_files]
    changed = ("diff-tree", "-r", "-z", "--name-only", base.revision, tree.revision)
    paths = filter(None, os.fsdecode(base.git.raw(*changed)).split("\0"))
    inside = [path.removeprefix(base.prefix) for path in paths]
    return sorted(found) + [p for p in inside if not any(f"{p}/".startswith(f"{m}/") for m in made)]


def _report(over: str, gate: Gate, runs: Sequence[Side]) -> Iterator[str]:
    """Yield the lines on all metrics files in which anything varies; the first run is committed."""
    yield f"{len(runs)} values of {over}; failing: how many would fail against the median, and"
    yield "against what is committed"
    yaml, warnings = ["", "calibration:"], []
    for file in dict.fromkeys(metric[0] for side in runs for metric in side.metrics):
        keys = [metric for metric in runs[0].metrics if metric[0] == file]
        values = {metric: [side.metrics.get(metric) for side in runs] for metric in keys}
        if all(len(set(each)) == 1 for each in values.values()):
            continue
        width = max(len(metric[1]) for metric in keys)
        yield f"\n{file}\n{'metric':{width}}  {'least':>10} {'median':>10} {'most':>10}  failing"
        yaml += [f"  {file}:", f"    over: {over}", f"    values: {len(runs)}", "    spread:"]
        for metric, each in values.items():
            spread, failing = _spread(each), _failing(gate, metric, each)
            shown = [f"{value:.4g}" for value in spread] or ["–", "–", "–"]
            told = "no rule" if failing is None else "{}, {}".format(*failing)
            numbers = " ".join(f"{text:>10}" for text in shown)
            yield f"{metric[1]:{width}}  {numbers}  {told}"
            if spread and failing:
                yaml.append(f"      {quoted(metric[1])}: [{', '.join(f'{v:.6g}' for v in spread)}]")
            if failing and any(failing):
                inside = f"{file}: {metric[1]}: its tolerance lies inside the noise"
                warnings.append(f"warning: {inside}: {failing[0]} and {failing[1]} would fail")
    yield from [*yaml, "", *warnings]


def quoted(name: str) -> str:
    """Return a name as a YAML scalar."""
    try:
        return name if load_yaml(name.encode()) == name else json.dumps(name)
    except ValueError:
        return json.dumps(name)


def _spread(values: Sequence[Value]) -> list[float]:
    """Return the least, the median and the most, where all are numbers."""
    if not all(map(is_number, values)):
        return []
    return [min(values), statistics.median(values), max(values)]


def _failing(gate: Gate, metric: Key, values: Sequence[Value]) -> tuple[int, int] | None:
    """Return how many values the gate fails against their median, and against the first."""
    if gate.rule(metric) is None:
        return None
    numbers = [value for value in values if is_number(value)]
    baselines = (statistics.median(numbers) if numbers else None, values[0])
    against = [sum(judge(gate, metric, base, v).failed for v in values) for base in baselines]
    return against[0], against[1]
