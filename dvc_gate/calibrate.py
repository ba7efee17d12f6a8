"""`calibrate`: measure the spread of metrics over experiments that differ in one parameter."""

import os
import statistics
from collections.abc import Iterator, Sequence

from dvc_gate import gate_file, revisions
from dvc_gate.formats import Key, Value, dump_yaml, is_number
from dvc_gate.git import SHORT
from dvc_gate.pipelines import PARAMS, is_within, pipelines
from dvc_gate.problems import Unjudged, one_line
from dvc_gate.project import Tree, find_project
from dvc_gate.revisions import Revision
from dvc_gate.rules import Gate, judge


def calibrate(over: str, revision: str) -> str:
    """Report the spread over a commit's experiments. Raises Unjudged where there is one value."""
    workspace = find_project()
    gate = gate_file.read_own(workspace).gate
    over = over.removeprefix(f"{PARAMS}:")
    base = workspace.at(workspace.git.commit(revision))
    start = revisions.read(base)
    if over not in start.parameters:
        raise Unjudged(f"{over}: is no parameter at {base.label}; `dvc params diff` lists them")
    runs, passed_over = {repr(start.parameters[over]): start}, []
    for ref, commit in base.git.experiments():
        begin, end, name = ref.split("/", 4)[2:]
        if begin + end != base.commit:
            continue
        tree = base.at(commit)
        try:
            other = revisions.read(tree)
            faults = [*_differences(base, start, tree, other, over), *other.faults]
        except Unjudged as error:
            faults = [one_line(error, 100)]
        if faults:
            passed_over.append(f"passed over: {name}: {', '.join(faults[:3])}")
        else:
            runs.setdefault(repr(other.parameters.get(over)), other)
    if len(runs) < 2:
        commits = {"".join(ref.split("/")[2:4])[:SHORT] for ref, _ in base.git.experiments()}
        known = f"commits with experiments: {', '.join(sorted(commits)) or 'none'}"
        reasons = passed_over or [f"{known}; see `dvc-gate calibrate --help`"]
        raise Unjudged("\n".join([f"{base.label}: only one value of {over} is known", *reasons]))
    return "\n".join([*_report(over, gate, list(runs.values())), *passed_over])


def _differences(base: Tree, start: Revision, tree: Tree, other: Revision, over: str) -> list[str]:
    """List the differences of an experiment from its commit, the parameter and outputs aside."""
    names = (start.parameters | other.parameters).keys() - {over}
    parameters = [n for n in names if start.parameters.get(n) != other.parameters.get(n)]
    outputs = [path for each in pipelines(tree) for _, path, _ in each.outs()]
    outputs += [*other.results, *other.parameter_files]
    command = ("diff-tree", "-r", "-z", "--name-only", base.commit, tree.commit)
    changed = filter(None, os.fsdecode(base.git.raw(*command)).split("\0"))
    paths = [path.removeprefix(base.prefix) for path in changed]
    return sorted(parameters) + [path for path in paths if not is_within(path, outputs)]


def _report(over: str, gate: Gate, runs: Sequence[Revision]) -> Iterator[str]:
    """Yield the lines on all metrics files in which anything varies; the first run is committed."""
    yield f"{len(runs)} values of {over}; failing: compared with the median, and with the commit"
    calibration, warnings = {}, []
    for file in dict.fromkeys(metric[0] for run in runs for metric in run.metrics):
        keys = [metric for metric in runs[0].metrics if metric[0] == file]
        values = {metric: [run.metrics.get(metric) for run in runs] for metric in keys}
        if all(len(set(each)) == 1 for each in values.values()):
            continue
        spreads: dict[str, list[float]] = {}
        calibration[file] = {"over": over, "values": len(runs), "spread": spreads}
        width = max(len(metric[1]) for metric in keys)
        yield f"\n{file}\n{'metric':{width}}  {'least':>10} {'median':>10} {'most':>10}  failing"
        for metric, each in values.items():
            failing, spread = _failing(gate, metric, each), []
            if all(map(is_number, each)):
                spread = [min(each), statistics.median(each), max(each)]
            numbers = [f"{value:>10.4g}" for value in spread] or [f"{'–':>10}"] * 3
            counts = ", ".join(map(str, failing)) or "no rule"
            yield f"{metric[1]:{width}}  {' '.join(numbers)}  {counts}"
            if spread and failing:
                spreads[metric[1]] = [float(f"{value:.6g}") for value in spread]
            if any(failing):
                name = f"warning: {file}: {metric[1]}"
                warnings.append(f"{name}: its tolerance is smaller than the spread: {counts} fail")
    yield "\n" + dump_yaml({"calibration": calibration})
    yield from warnings


def _failing(gate: Gate, metric: Key, values: Sequence[Value]) -> list[int]:
    """Count the values that fail against their median, and against the first; [] without a rule."""
    if gate.rule(metric) is None:
        return []
    numbers = [value for value in values if is_number(value)]
    middle = statistics.median_low if isinstance(values[0], bool) else statistics.median
    baselines = (middle(numbers) if numbers else None, values[0])
    return [sum(judge(gate, metric, base, v).failed for v in values) for base in baselines]
