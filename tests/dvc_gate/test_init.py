"""`init` writes valid rules, and guesses directions from names."""

from collections.abc import Callable

from dvc_gate import init
from tests.dvc_gate.conftest import Project
from tests.dvc_gate.test_check import A, changed, compare


def test_directions_are_guessed_from_names() -> None:
    lower = ("train/loss", "rmse_100_periods")
    higher = ("eval.val_accuracy", "roc_auc", "AP@[.5:.95]", "avgPrecision")
    expected = dict.fromkeys(lower, "lower") | dict.fromkeys(higher, "higher")
    expected |= {"step": None, "n_params": None, "drift": "near"}
    assert {key: init.guess(key) for key in expected} == expected


def test_from_nothing_to_a_failing_change(repo: Project) -> None:
    (repo.root / "gate.yaml").unlink()
    assert "3 rules for 2 metrics files" in repo.gate("init", code=0)
    text = (repo.root / "gate.yaml").read_text()
    assert "better: lower" in text and "informational: [size]" in text
    repo.edit("gate.yaml", "metrics: held, better: near", "metrics: held, better: higher")
    repo.commit("rules")
    assert compare("HEAD~1").verdict == "held"
    repo.write(A, changed("run.rmse", 1.06))
    repo.gate("check", code=1)
    assert "already exists" in repo.gate("init", code=2)


def test_odd_names_and_words_become_valid_rules(make: Callable[..., Project]) -> None:
    names = {"AP@[.5:.95]": 0.5, "it's: odd #1": 1, "note": "fine", "1e3": 2, "ok": True, "yes": 1}
    repo = make({"dvc.yaml": "metrics: [m.json]", "m.json": names})
    repo.gate("init", code=0)
    assert "new" in repo.gate("check", code=0)


def test_each_metric_that_no_rule_can_judge_is_named(make: Callable[..., Project]) -> None:
    values = {"loss": 1.0, "share": "91 %", "model": "resnet", "bins": [1], "step": 3}
    repo = make({"dvc.yaml": "metrics: [m.json]", "m.json": values | {"passed": True}})
    notes = [line for line in repo.gate("init", code=0).splitlines() if line.startswith("note: ")]
    assert notes == [
        "note: m.json: share: NOT JUDGED: '91 %' is text: write it as a number",
        "note: m.json: model: NOT JUDGED: 'resnet' is no number",
        "note: m.json: bins: NOT JUDGED: '[1]' is no number",
        "note: shown only, because of their names: step",
    ]
    repo.write("m.json", values | {"passed": False})
    assert "passed" in repo.gate("check", "--baseline", "HEAD", code=1)


def test_without_metrics_init_writes_nothing(make: Callable[..., Project]) -> None:
    repo = make({"dvc.yaml": "metrics: [m.json]"})
    assert "no metrics here: m.json: no such file" in repo.gate("init", code=2)
    repo.write("dvc.yaml", "stages: {}")
    assert "no metrics here" in repo.gate("init", code=2)
