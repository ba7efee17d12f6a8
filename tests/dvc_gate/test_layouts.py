"""Metrics, parameters and pipelines in any place and format that DVC reads."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dvc.api
import pytest

from dvc_gate import project, revisions
from tests.dvc_gate.conftest import Project, cache, new_project
from tests.dvc_gate.test_check import compare, error_of

Make = Callable[..., Project]
ACC = "rules: [{metrics: acc, better: higher, abs_tol: 0.1}]\n"


def stage(*metrics: str, cached: bool = False, **more: Any) -> str:
    """Write a dvc.yaml with one stage that has these metrics."""
    made = [{path: {"cache": cached}} for path in metrics]
    return json.dumps({"stages": {"evaluate": {"cmd": "true", "metrics": made, **more}}})


PROJECT = {"dvc.yaml": stage("m.json"), "m.json": {"acc": 1}, "gate.yaml": ACC}


def outcomes(**arguments: Any) -> dict[tuple[str, str], str]:
    return {row.metric: row.outcome for row in compare(**arguments).rows}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("metrics.json", '{"acc": 0.9}', '{"acc": 0.7}'),
        ("metrics.yaml", "acc: 9.0e-1", "acc: 7e-1"),
        ("metrics.toml", "acc = 0.9", "acc = 0.7"),
        ("out/metrics", "acc: 0.9", "acc: 0.7"),
        ("dvclive/metrics.json", '{"acc": 0.9, "step": 3}', '{"acc": 0.7}'),
        ("out dir/métrics #1.json", '{"acc": 0.9}', '{"acc": 0.7}'),
    ],
)
def test_metrics_of_any_format_at_any_place(make: Make, path: str, good: str, bad: str) -> None:
    repo = make({"dvc.yaml": stage(path), "gate.yaml": ACC, path: good})
    assert outcomes()[path, "acc"] == "held"
    repo.write(path, bad)
    assert outcomes()[path, "acc"] == "regressed"


def test_yaml_is_read_as_dvc_reads_it(make: Make) -> None:
    text = "a: 1e-3\nb: yes\nc: 017\nd: 1:30\ne: 0o17\nf: 1_000\ng: .5\nh: !!float 1\n"
    make({"dvc.yaml": stage("m.yaml"), "m.yaml": text})
    now = revisions.read(project.find_project())
    shown = dvc.api.metrics_show()
    read = {key: value for (_, key), value in now.metrics.items()}
    assert {name: value for name, value in read.items() if name in shown} == shown


def test_a_million_values_from_twenty_lines_of_aliases_are_an_error(make: Make) -> None:
    lines = [f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}" for n in range(1, 20)]
    text = "\n".join(["a0: &a0 {x: 1}", *lines])
    make({"dvc.yaml": stage("m.yaml"), "m.yaml": text, "gate.yaml": ACC})
    assert "holds more than 100000 values" in error_of()


TEMPLATES = """\
stages:
  a: {foreach: [x, y], do: {cmd: 'true', metrics: ['${item}.json': {cache: false}]}}
  b:
    matrix: {p: [1, 2]}
    cmd: 'true'
    metrics: ['b${item.p}.yaml': {cache: false}]
"""
TRACKED = {"outs": [{"path": "m.json", "metric": True, "md5": "0" * 32}]}
LAYOUTS = {
    "a folder of metrics": (
        {"dvc.yaml": stage("out"), "out/curve.csv": "x\n1\n"},
        ["out/a.json", "out/deep/b.yaml"],
    ),
    "top-level metrics": (
        {
            "dvc.yaml": "metrics:\n- results/${name}.json\nvars: [names.yaml]\n",
            "names.yaml": "name: eval",
            "dvclive/dvc.yaml": "metrics:\n- metrics.json\n",
        },
        ["results/eval.json", "dvclive/metrics.json"],
    ),
    "foreach and matrix": ({"dvc.yaml": TEMPLATES}, ["x.json", "y.json", "b1.yaml", "b2.yaml"]),
    "a .dvc file": ({"m.json.dvc": TRACKED}, ["m.json"]),
}


@pytest.mark.parametrize(("files", "paths"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_of_metrics(make: Make, files: dict[str, Any], paths: list[str]) -> None:
    repo = make({"gate.yaml": ACC, **files, **dict.fromkeys(paths, {"acc": 0.9})})
    for path in paths:
        repo.write(path, {"acc": 0.7})
    assert outcomes() == {(path, "acc"): "regressed" for path in paths}


def test_a_project_in_a_subfolder_run_from_anywhere(make: Make) -> None:
    folder = "a b/ü/"
    files = {
        f"{folder}train/dvc.yaml": stage("out/m.json", wdir="../train"),
        f"{folder}train/out/m.json": {"acc": 0.9},
        f"{folder}gate.yaml": ACC,
    }
    repo = make(files, folder)
    repo.write(f"{folder}train/out/m.json", {"acc": 0.1})
    for place in (folder, f"{folder}train/out"):
        os.chdir(repo.root / place)
        assert outcomes() == {("train/out/m.json", "acc"): "regressed"}


def test_a_monorepo_of_two_projects(make: Make) -> None:
    inner = {f"inner/{path}": content for path, content in PROJECT.items()}
    repo = make(PROJECT | inner | {"inner/.dvc/config": ""})
    repo.write("inner/m.json", {"acc": 0})
    assert outcomes() == {("m.json", "acc"): "held"}
    os.chdir(repo.root / "inner")
    assert outcomes() == {("m.json", "acc"): "regressed"}


def test_a_pipeline_that_git_or_dvc_ignores_is_not_read(make: Make) -> None:
    broken = "stages: ["
    ignored = {
        ".dvcignore": "# comment\n/fixtures/\n",
        "fixtures/deep/dvc.yaml": broken,
        "sub/.dvcignore": "*.dvc\n",
        "sub/x.dvc": broken,
        ".gitignore": "/venv\n",
    }
    repo = make(PROJECT | ignored)
    repo.write("venv/dvc.yaml", broken)
    assert outcomes() == {("m.json", "acc"): "held"}
    (repo.root / ".dvcignore").unlink()
    assert error_of().startswith("fixtures/deep/dvc.yaml: line ")


def test_parameters_in_several_files(make: Make) -> None:
    files = ({"conf/train.toml": ["epochs"]}, {"p.py": ["N"]}, {"big.yaml": None}, {"x.yaml": None})
    parameters = {
        "dvc.yaml": stage("m.json", params=["lr", *files]),
        "params.yaml": "lr: 0.1\nday: 2026-01-01\n1: {2: 3}\n",
        "conf/train.toml": "epochs = 3",
        "p.py": "N = 3\n",
        "x.yaml": "tagged: !ours 3",
    }
    repo = make(PROJECT | parameters)
    repo.write("params.yaml", "lr: 0.2\nday: 2026-01-02\n1: {2: 4}\n")
    repo.write("conf/train.toml", "epochs = 4")
    repo.write("p.py", "N = 4\n")
    result = compare()
    assert result.verdict == "held"
    assert [(name, now) for name, _, now in result.parameters] == [
        ("1.2", 4),
        ("conf/train.toml:epochs", 4),
        ("day", "2026-01-02"),
        ("lr", 0.2),
        ("p.py:N", 4),
    ]
    output = " ".join(result.remarks)
    assert "big.yaml: its parameters are not shown: no such file" in output
    assert "x.yaml: its parameters are not shown: line 1" in output


def lock(path: str, digest: str, legacy: bool = False) -> str:
    out = {"path": path, "md5": digest} | ({} if legacy else {"hash": "md5"})
    made = {"evaluate": {"cmd": "true", "outs": [out]}}
    return json.dumps(made if legacy else {"schema": "2.0", "stages": made})


@pytest.mark.parametrize("legacy", [False, True], ids=["DVC 3", "DVC 1"])
@pytest.mark.parametrize(
    ("output", "metrics"),
    [("out/m.json", "out/m.json"), ("out", "out/m.json"), ("out", "out")],
    ids=["a file", "a file in a folder", "a folder"],
)
def test_metrics_in_the_cache(make: Make, legacy: bool, output: str, metrics: str) -> None:
    path, stages = "out/m.json", {"evaluate": {"cmd": "true", "outs": [output]}}
    pipeline = {"stages": stages, "metrics": [metrics]}
    repo = make({"dvc.yaml": pipeline, "gate.yaml": ACC, ".gitignore": "/out\n"})

    def record(content: bytes) -> None:
        name = cache(repo, content, legacy=legacy)
        if output == "out":
            listed = json.dumps([{"md5": name, "relpath": "m.json"}]).encode()
            name = cache(repo, listed, ".dir", legacy)
        repo.write("dvc.lock", lock(output, name, legacy))
        repo.write(path, content)

    record(b'{"acc": 0.9}')
    repo.commit("good")
    record(b'{"acc": 0.5}')
    assert outcomes()[path, "acc"] == "regressed"
    assert outcomes(baseline=None)[path, "acc"] == "regressed", "the lock is not committed: HEAD"
    (repo.root / path).unlink()
    result = compare()
    assert [row.outcome for row in result.failed] == ["missing"]
    assert "`dvc checkout` restores it" in result.failed[0].note
    repo.write(path, {"acc": 0.9})
    (repo.root / ".dvc/cache").rename(repo.root / "elsewhere")
    message = "metrics are not in DVC's cache here:"
    assert f"{message} `dvc fetch --all-commits {metrics}`" in error_of()
    shutil.rmtree(repo.root / "out")
    assert error_of() == f"the workspace: {message} `dvc pull {metrics}`"


def test_old_locks_with_backslashes_and_broken_ones(make: Make) -> None:
    repo = make({"dvc.yaml": stage("out/m.json", cached=True), "gate.yaml": ACC})
    name = cache(repo, b'{"acc": 0.9}', legacy=True)
    repo.write("dvc.lock", lock("out\\m.json", name, legacy=True))
    repo.commit("from Windows")
    repo.write("out/m.json", {"acc": 0.1})
    assert outcomes() == {("out/m.json", "acc"): "regressed"}
    (repo.root / "out/m.json").unlink()
    for text, message in (
        ("schema: '2.0'\nstages: [", r"dvc\.lock: line [23]: is not valid YAML"),  # by parser
        ("schema: '2.0'", "dvc.lock: has no `stages`"),
        ("a: 1\n<<<<<<< a\n=======\n>>>>>>> b", r"dvc\.lock: line 3: is not valid YAML"),
    ):
        repo.write("dvc.lock", text)
        assert re.search(message, error_of())


def test_a_link_to_a_metrics_file_is_followed_at_a_commit(make: Make) -> None:
    repo = make({"dvc.yaml": stage("latest.json"), "gate.yaml": ACC, "runs/1.json": {"acc": 1}})
    (repo.root / "latest.json").symlink_to("runs/1.json")
    repo.commit("a link")
    repo.write("runs/1.json", {"acc": 0})
    assert outcomes() == {("latest.json", "acc"): "regressed"}


def test_a_submodule_a_linked_worktree_and_a_link(make: Make, tmp_path: Path) -> None:
    repo = make(PROJECT)
    outer = new_project(tmp_path / "outer")
    allowed = ("-c", "protocol.file.allow=always")
    outer.git(*allowed, "submodule", "--quiet", "add", str(repo.root), "inner")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    os.symlink(repo.root, tmp_path / "link")
    for place in (outer.root / "inner", tmp_path / "linked", tmp_path / "link"):
        os.chdir(place)
        (place / "m.json").write_text('{"acc": 0}')
        assert outcomes() == {("m.json", "acc"): "regressed"}


def test_metrics_outside_the_project_are_an_error_and_not_new(make: Make) -> None:
    text = json.dumps({"metrics": ["../m.json"]})
    repo = make({"p/dvc.yaml": text, "p/gate.yaml": ACC, "m.json": {"acc": 1}}, "p/")
    os.chdir(repo.root / "p")
    assert "../m.json: no such file; compare with another revision" in error_of()
