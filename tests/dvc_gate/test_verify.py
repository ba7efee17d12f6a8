"""`verify` reports each difference between a commit's results and those of its code."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.dvc_gate.conftest import ENVIRONMENT, GATE, Project, cache, new_project

PIPELINE = """\
stages:
  prepare:
    cmd: cat raw.txt > data.txt && echo ${scale} >> data.txt
    deps: [raw.txt]
    params: [scale]
    outs: [data.txt]
  evaluate:
    cmd: sh evaluate.sh
    deps: [data.txt, evaluate.sh]
    metrics:
      - metrics.json: {cache: false}
"""
INNER = """\
stages:
  summary:
    cmd: mkdir -p tables && cp ../metrics.json tables/a.txt && cp ../data.txt tables/b.txt
    deps: [../metrics.json, ../data.txt]
    outs: [tables: {cache: false}]
"""
EVALUATE = """printf '{"lines": %s}' $(wc -l < data.txt) > metrics.json\n"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run and commit two pipelines on a source that a .dvc file tracks."""
    project = new_project(tmp_path_factory.mktemp("a project") / "finished", "part/")
    inside = Project(project.root / "part")
    inside.write("dvc.yaml", PIPELINE)
    inside.write("sub/dvc.yaml", INNER)
    inside.write("params.yaml", "scale: 3\n")
    inside.write("evaluate.sh", EVALUATE)
    inside.write("gate.yaml", "rules: [{metrics: lines, better: near, abs_tol: 1}]\n")
    inside.write("raw.txt", "one\ntwo\n")
    inside.run("dvc", "add", "--quiet", "raw.txt")
    inside.run("dvc", "repro", "--all-pipelines")
    project.commit("results")
    return project


@pytest.fixture
def repo(finished: Project, tmp_path: Path) -> Project:
    """Copy the project, so that a test can change it."""
    return Project(finished.copy(tmp_path / "repo").root / "part")


def forge_metric(repo: Project, content: bytes) -> None:
    """Replace metrics.json, and its hash and size in dvc.lock."""
    old, new = (hashlib.md5(b).hexdigest() for b in (b'{"lines": 3}', content))
    text = (repo.root / "dvc.lock").read_text()
    forged = re.sub(rf"{old}\n( +)size: \d+", rf"{new}\n\1size: {len(content)}", text)
    assert forged != text
    repo.write("dvc.lock", forged)
    repo.write("metrics.json", content)


def test_an_honest_commit_is_identical_and_leaves_no_files(repo: Project, tmp_path: Path) -> None:
    repo.edit("params.yaml", "3", "4")
    repo.commit("a later commit, not verified")
    odd = tmp_path / 'it\'s "50%" of $HOME %(x)s ü'
    odd.mkdir()
    out = tmp_path / "verdict.json"
    # In a new process: Python reads TMPDIR only at its first use.
    words = ("verify", "--rev", "HEAD~1", "--json", str(out))
    done = repo.try_(*GATE, *words, TMPDIR=str(odd))
    assert done.returncode == 0, done.stderr
    assert "all 3 outputs are those of dvc.lock, byte for byte" in done.stdout
    verdict = json.loads(out.read_text())
    assert verdict["identical"] and verdict["passed"] and verdict["first"] is None
    stages = {each["stage"] for each in verdict["stages"]}
    assert stages == {"prepare", "evaluate", "sub/dvc.yaml:summary"}
    assert list(odd.iterdir()) == [] and repo.git("status", "--porcelain") == ""
    assert {path.name for path in tmp_path.iterdir()} == {"repo", odd.name, out.name}


def test_one_stage_and_its_dependencies(repo: Project) -> None:
    repo.edit("params.yaml", "3", "4")  # not committed
    inner = Project(repo.root / "sub")
    output = inner.gate("verify", "--stage", "../dvc.yaml:evaluate", code=0)
    assert "not the uncommitted changes" in output
    assert "all 2 outputs" in output and "summary" not in output


def test_a_forged_metric_and_edited_files_differ(repo: Project) -> None:
    forge_metric(repo, b'{"lines": 9}')
    assert "up to date" in repo.run("dvc", "status", "evaluate")
    repo.write("sub/tables/a.txt", "nicer")
    (repo.root / "sub/tables/b.txt").unlink()
    repo.commit("better")
    output = repo.gate("verify", "--by-rules", code=1)
    assert "first stage whose outputs differ: evaluate" in output
    assert "outputs differ: metrics.json" in output
    assert "metrics.json: lines is 3, committed 9" in output
    assert "metrics.json: lines: regressed" in output
    assert "sub/tables/a.txt differs from the commit, but agrees with dvc.lock" in output
    assert "sub/tables/b.txt is not in the commit" in output


def test_an_edited_lock_parameter_or_command_differs(repo: Project) -> None:
    lock = (repo.root / "sub/dvc.lock").read_text()
    repo.write("sub/dvc.lock", re.sub(r"md5: \w{32}\.dir", f"md5: {'0' * 32}.dir", lock))
    repo.edit("params.yaml", "3", "4")
    repo.edit("dvc.yaml", "sh evaluate.sh", "sh ./evaluate.sh")
    repo.commit("edited, not run")
    output = repo.gate("verify", code=1)
    assert re.search(r"DIFFERENT  sub/dvc.yaml:summary +outputs differ: sub/tables", output)
    assert "parameters changed: scale" in output and "command changed" in output
    assert "first stage whose outputs differ: prepare" in output


def test_no_gitignore_hides_an_output_that_is_in_no_commit(repo: Project, tmp_path: Path) -> None:
    ignored = tmp_path / "ignore"
    ignored.write_text("metrics.json\ntables/\n")
    repo.git("rm", "--quiet", "--cached", "-r", "metrics.json", "sub/tables")
    repo.write(".gitignore", "/raw.txt\n/data.txt\nmetrics.json\n")
    shutil.copy(ignored, repo.root / "../.git/info/exclude")
    repo.commit("no metrics")
    setting = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.excludesFile"}
    output = repo.gate("verify", code=1, **setting, GIT_CONFIG_VALUE_0=str(ignored))
    assert "metrics.json is not in the commit" in output
    assert "sub/tables/a.txt is not in the commit" in output


def test_sources_come_from_the_cache_and_are_hashed_again(repo: Project) -> None:
    digest = hashlib.md5(b"one\ntwo\n").hexdigest()
    place = repo.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    place.chmod(0o644)
    place.write_bytes(b"one\nTWO\n")
    assert "holds other bytes than the recorded ones" in repo.gate("verify", code=2)
    place.unlink()
    assert "raw.txt: is not in DVC's cache here: `dvc pull raw.txt`" in repo.gate("verify", code=2)


def test_a_source_is_a_folder_or_has_no_hash(repo: Project) -> None:
    """A remote with versions lists the files in the .dvc file; some imports have no hash."""
    files = [{"relpath": f"x/{n}.txt", "md5": cache(repo, f"{n}\n".encode())} for n in range(2)]
    source = {"path": "raw.txt", "hash": "md5"}
    (repo.root / "raw.txt").unlink()
    repo.edit("dvc.yaml", "cat raw.txt", "cat raw.txt/x/0.txt raw.txt/x/1.txt")
    listed = {"md5": cache(repo, json.dumps(files).encode(), ".dir")}
    for outs in (source | listed, source | {"files": files}):
        repo.write("raw.txt.dvc", {"outs": [outs]})
        repo.commit("a folder")
        output = repo.gate("verify", "--stage", "prepare", code=1)
        assert "outputs differ: data.txt; dependency changed: raw.txt" in output
    repo.write("raw.txt.dvc", {"outs": [source]})
    repo.commit("an import without a download")
    assert "raw.txt: has no hash: `dvc update`" in repo.gate("verify", code=2)


def test_a_frozen_stage_is_not_run(repo: Project) -> None:
    repo.edit("dvc.yaml", "  prepare:\n", "  prepare:\n    frozen: true\n")
    repo.edit("params.yaml", "3", "4")
    repo.commit("frozen")
    output = repo.gate("verify", code=0)
    assert "not verified, frozen: prepare" in output and "all 2 outputs" in output


def test_by_rules_outputs_may_vary_and_code_may_not(repo: Project) -> None:
    repo.write("evaluate.sh", f"{EVALUATE}# edited\n")
    repo.commit("the same outputs, by chance")
    output = repo.gate("verify", "--by-rules", code=1)
    assert re.search(r"^stale +evaluate +dependency changed: evaluate.sh$", output, re.M)
    assert "outputs differ" not in output
    repo.write("evaluate.sh", f"date +%N > log.txt; {EVALUATE}")
    text = "metrics:\n      - metrics.json: {cache: false}\n"
    repo.edit("dvc.yaml", text, f"outs: [log.txt]\n    {text}")
    repo.run("dvc", "repro", "evaluate")
    repo.commit("a log that is never the same")
    output = repo.gate("verify", "--by-rules", code=0)
    assert "outputs differ: log.txt" in output and "held: 1 reproduced metrics" in output


def test_a_submodule_is_checked_out_too(repo: Project, tmp_path: Path) -> None:
    module = new_project(tmp_path / "module")
    module.write(".gitignore", "/ignored.json\n")
    module.write("evaluate.sh", EVALUATE.replace("metrics.json", "code/ignored.json"))
    module.commit("writes to itself, and ignores it")
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "--quiet", "add", str(module.root), "code")
    text = (repo.root / "dvc.yaml").read_text().replace("evaluate.sh", "code/evaluate.sh")
    repo.write("dvc.yaml", text.replace("metrics.json", "code/ignored.json"))
    repo.commit("code and an output in a submodule")
    output = repo.gate("verify", "--stage", "evaluate", code=1)
    assert "code/ignored.json is not in the commit" in output
    repo.git("submodule", "--quiet", "deinit", "--force", "code")
    assert "git submodule update --init" in repo.gate("verify", code=2)


def test_a_linked_worktree_and_a_shallow_partial_clone(repo: Project, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    url, options = f"file://{repo.root.parent}", ("--quiet", "--depth=1", "--filter=tree:0")
    repo.commit("a second commit, so that the clone is shallow")
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    repo.git("clone", *options, url, str(tmp_path / "clone"))
    for name in ("linked", "clone"):
        other = Project(tmp_path / name / "part")
        shutil.copytree(repo.root / ".dvc/cache", other.root / ".dvc/cache")
        assert "all 1 outputs" in other.gate("verify", "--stage", "prepare", code=0), name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_the_checkout_of_another_owner(repo: Project) -> None:
    for path in (repo.root.parent, *repo.root.parent.rglob("*")):
        os.chown(path, 12345, 12345)
    assert "dubious ownership" in repo.gate("check", code=2)
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
    safe["GIT_CONFIG_VALUE_0"] = str(repo.root.parent)
    repo.gate("verify", "--stage", "prepare", code=0, **safe)


def test_paths_of_a_failed_stage_that_no_commit_has_are_named(repo: Project) -> None:
    repo.write(".gitignore", "/raw.txt\n/data.txt\n/.venv\n/.env\n")
    repo.write(".env", "KEY=1\n")
    repo.write(".venv/bin/python", "")
    repo.edit("dvc.yaml", "cmd: sh evaluate.sh", "cmd: .venv/bin/python -V && sh evaluate.sh")
    repo.commit("a Python that no commit has")
    output = repo.gate("verify", "--rev", "", code=2)
    assert output.splitlines()[-1].endswith("is in no commit: .env, .venv/bin/python")
    assert re.search(r"^  .*(not found|No such file)", output, re.M), "the stage's own error"


def test_each_reason_for_no_verdict_is_one_line(repo: Project) -> None:
    def error(*words: str) -> str:
        lines = repo.gate("verify", *words, code=2).splitlines()
        assert [line for line in lines if line.startswith("error: ")] == lines[-1:]
        return lines[-1]

    assert "nonsense" in error("--stage", "nonsense")
    repo.write("old.dvc", "cmd: echo\nouts: []\n")
    repo.commit("an old stage")
    assert "old.dvc: is a stage of DVC 0" in error()
    repo.git("rm", "--quiet", "old.dvc", "sub/dvc.lock")
    repo.commit("no lock")
    assert "sub/dvc.lock: is not in the commit" in error()
    repo.edit("dvc.yaml", "outs: [data.txt]", "outs: [../../data.txt]")
    repo.git("checkout", "--quiet", "HEAD~1", "--", "sub/dvc.lock")
    repo.commit("an output elsewhere")
    assert "lies outside the project" in error()


def test_an_interrupted_verification_ends_its_processes(repo: Project, tmp_path: Path) -> None:
    repo.write("evaluate.sh", "sleep 1000\n")
    repo.commit("a long stage")
    folder = tmp_path / "tmp"
    folder.mkdir()
    options = {"cwd": repo.root, "env": {**ENVIRONMENT, "TMPDIR": str(folder)}, "text": True}
    process = subprocess.Popen((*GATE, "verify"), stderr=subprocess.PIPE, **options)
    assert any("evaluate" in line for line in process.stderr or ()), "the stage is running"
    time.sleep(0.5)
    assert processes_in(folder)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert process.stderr.read().splitlines()[-1].startswith("interrupted: ")
    assert list(folder.iterdir()) == [] and processes_in(folder) == []


def processes_in(folder: Path) -> list[str]:
    """List the processes that work in a folder, without zombies."""
    result = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(process / "cwd").startswith(str(folder)):
                result.append((process / "cmdline").read_text())
    return result
