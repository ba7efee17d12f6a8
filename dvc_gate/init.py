"""`init`: write a first gate.yaml, with a rule for each metric that the project has now."""

import re
from collections.abc import Iterator

from dvc_gate import revisions
from dvc_gate.formats import dump_yaml, is_number, is_quoted_number
from dvc_gate.gate_file import NAME
from dvc_gate.problems import Unjudged, write_atomically
from dvc_gate.project import find_project
from dvc_gate.revisions import Revision

# Words in names, by the direction that each suggests; any other metric must stay near its baseline.
SHOWN = r"step|steps|epoch|epochs|iteration|iterations|count|size|params|parameters|n|num|seed|time"
LOWER = r"loss|losses|err|errors?|mse|rmse|mae|mape|rmsle|fpr|fnr|fp|fn|nll|perplexity|wer|cer|fid"
HIGHER = (
    r"acc|accuracy|auc|f1|precision|recall|r2|map|ap|ap\d+|score|iou|dice|bleu|rouge|tpr|tnr|tp|tn"
    r"|jaccard|sensitivity|specificity|likelihood|survivors|kappa|mcc|ndcg|prc|roc"
)
HEAD = """\
# Rules for the metrics of this project; `dvc-gate check --help` explains every key.
# The directions were guessed from the names: confirm each, then commit this file.
# `dvc-gate calibrate` shows which tolerances lie inside the noise of the training.
"""


def init() -> str:
    """Write gate.yaml and list the next steps. Raises Unjudged where there is one already."""
    workspace = find_project()
    path = workspace.git.folder / NAME
    if path.exists():
        raise Unjudged(f"{path}: already exists; edit it, or delete it first")
    now = revisions.read(workspace)
    notes = [f"{file}: {why}" for file, (_, why) in now.faults.items()] + [*_not_judged(now)]
    numbers = {key: value for (_, key), value in now.metrics.items() if is_number(value)}
    if not numbers:
        reasons = notes or ["dvc.yaml names no file under `metrics:`"]
        raise Unjudged(f"no metrics here: {'; '.join(reasons)}")
    better = {key: guess(key) if key in numbers else None for _, key in now.metrics}
    rules = [
        {"metrics": key, "better": word}
        | ({"abs_tol": 0} if isinstance(numbers[key], bool) else {"rel_tol": 0.05})
        for key, word in better.items()
        if word
    ]
    shown = [key for key, word in better.items() if word is None]
    write_atomically(path, HEAD + dump_yaml({"rules": rules, "informational": shown}))
    if named := [key for key in shown if key in numbers]:
        notes.append(f"shown only, because of their names: {', '.join(named)}")
    count = f"{len(rules)} rules for {len(now.files)} metrics files; {len(shown)} keys shown only"
    step = "next: confirm each `better`, commit the file, and run `dvc-gate check`"
    return "\n".join([f"{path}: {count}", step, *(f"note: {note}" for note in notes)])


def _not_judged(now: Revision) -> Iterator[str]:
    for (file, key), value in now.metrics.items():
        if not is_number(value):
            text = "is text: write it as a number" if is_quoted_number(value) else "is no number"
            yield f"{file}: {key}: NOT JUDGED: {value!r} {text}"


def guess(key: str) -> str | None:
    """Guess lower, higher or near from a name; None for a metric that is better shown only."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", key).lower())
    for word in reversed(words):
        for pattern, better in ((LOWER, "lower"), (HIGHER, "higher"), (SHOWN, None)):
            if re.fullmatch(pattern, word):
                return better
    return "near"
