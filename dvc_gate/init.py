"""`init`: a first gate.yaml, with a rule for each metric that the project has now."""

import re

from dvc_gate import revisions
from dvc_gate.formats import dump_yaml
from dvc_gate.gate_file import NAME
from dvc_gate.problems import Unjudged, write_whole
from dvc_gate.project import find_project
from dvc_gate.rules import is_number

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
"""


def init() -> str:
    """Write gate.yaml and return what there is to do next; raises Unjudged where there is one."""
    workspace = find_project()
    path = workspace.git.folder / NAME
    if path.exists():
        raise Unjudged(f"{path}: is there already; edit it, or delete it first")
    now = revisions.read(workspace)
    faults = [f"{file}: {why}" for file, (_, why) in now.faults.items()]
    numbers = {key for (_, key), value in now.metrics.items() if is_number(value)}
    if not numbers:
        told = faults or ["dvc.yaml names no file under `metrics:`"]
        raise Unjudged(f"no metrics here: {'; '.join(told)}")
    better = {key: guess(key) if key in numbers else None for _, key in now.metrics}
    rules = [
        {"metrics": key, "better": word, "rel_tol": 0.05} for key, word in better.items() if word
    ]
    shown = [key for key, word in better.items() if word is None]
    write_whole(path, HEAD + dump_yaml({"rules": rules, "informational": shown}))
    return "\n".join(
        [
            f"{path}: {len(rules)} rules for {len(now.files)} metrics files, {len(shown)} keys are"
            " shown only",
            "next: confirm each `better`, commit the file, and `dvc-gate check`",
            *(f"note: {fault}" for fault in faults),
        ]
    )


def guess(key: str) -> str | None:
    """Return lower, higher or near, or None for what is better only shown."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", key).lower())
    for word in reversed(words):
        for pattern, better in ((LOWER, "lower"), (HIGHER, "higher"), (SHOWN, None)):
            if re.fullmatch(pattern, word):
                return better
    return "near"
