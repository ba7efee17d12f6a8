"""`init`: a first gate.yaml, with a rule for each metric that the project has now."""

import re

from dvc_gate.calibrate import quoted
from dvc_gate.gate_file import NAME
from dvc_gate.problems import Unjudged, write_whole
from dvc_gate.project import Tree, find_root
from dvc_gate.rules import is_number
from dvc_gate.sides import read_side

# Parts of names, and what they say; all others are to stay near the baseline.
SHOWN = r"step|steps|epoch|epochs|iteration|iterations|count|size|params|parameters|n|num|seed|time"
LOWER = (
    r"loss|losses|err|error|errors|mse|rmse|mae|mape|rmsle|fpr|fnr|fp|fn|nll|perplexity|wer|cer|fid"
)
HIGHER = (
    r"acc|accuracy|auc|f1|precision|recall|r2|map|ap|ap\d+|score|iou|dice|bleu|rouge|tpr|tnr|tp|tn"
    r"|jaccard|sensitivity|specificity|likelihood|survivors|kappa|mcc|ndcg|prc|roc"
)
HEAD = """\
# Rules for the metrics of this project; `dvc-gate check --help` explains every key.
# The directions were guessed from the names: confirm each, then commit this file.
# `dvc-gate calibrate` tells which tolerances lie inside the noise of the training.
rules:
"""


def init() -> str:
    """Write gate.yaml and return what there is to do next; raises Unjudged where there is one."""
    git, prefix = find_root()
    tree, path = Tree(git, prefix), git.folder / NAME
    if path.exists():
        raise Unjudged(f"{path}: is there already; edit it, or delete it first")
    side = read_side(tree)
    numbers = {key: True for (_, key), value in side.metrics.items() if is_number(value)}
    if not numbers:
        told = [f"{file}: {why}" for file, (_, why) in side.faults.items()]
        told = told or ["dvc.yaml names no file under `metrics:`"]
        raise Unjudged(f"no metrics here: {'; '.join(told)}")
    shown = {key: True for _, key in side.metrics if guess(key) is None or key not in numbers}
    rules = [key for key in numbers if key not in shown]
    lines = [
        f"  - metrics: {quoted(key)}\n    better: {guess(key)}\n    rel_tol: 0.05" for key in rules
    ]
    text = HEAD + "\n".join(lines or ["  []"]) + "\n"
    if shown:
        text += "informational:\n" + "".join(f"  - {quoted(key)}\n" for key in shown)
    write_whole(path, text)
    lost = "".join(f"\nnote: {file}: {why}" for file, (_, why) in side.faults.items())
    return (
        f"{path}: {len(rules)} rules for {len(side.files)} metrics files, {len(shown)} keys are"
        " shown only\nnext: confirm each `better`, commit the file, and `dvc-gate check`"
        f"{lost}"
    )


def guess(key: str) -> str | None:
    """Return lower, higher or near, or None for what is better only shown."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", key).lower())
    for word in reversed(words):
        for pattern, better in ((LOWER, "lower"), (HIGHER, "higher"), (SHOWN, None)):
            if re.fullmatch(pattern, word):
                return better
    return "near"
