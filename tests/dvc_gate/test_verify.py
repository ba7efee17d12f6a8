"""`verify` finds every way in which a commit's results are not its code's."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.dvc_gate.conftest import ENVIRONMENT, GATE, Project, new_project

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
    outs:
      - tables: {cache: false}
"""
EVALUATE = """printf '{"lines": %s}' $(wc -l < data.txt) > metrics.json\n"""


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two pipelines on a source that a .dvc file tracks, run and committed."""
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
    """A copy of the project's folder, free to be changed."""
    return Project(finished.copy(tmp_path / "repo").root / "part")


def forge(repo: Project, path: str, content: bytes, lock: str = "dvc.lock") -> None:
    """Replace an output, and its hash and size wherever a lock file names them."""
    file = repo.root / path
    old, new = (hashlib.md5(data).hexdigest() for data in (file.read_bytes(), content))
    file.unlink()  # not through a link into the cache
    file.write_bytes(content)
    text = (repo.root / lock).read_text()
    assert old in text
    size = rf"md5: {new}\n\1size: {len(content)}"
    repo.write(lock, re.sub(rf"md5: {old}\n( +)size: \d+", size, text))


def test_an_honest_commit_is_identical_and_nothing_is_left_behind(
    repo: Project, tmp_path: Path
) -> None:
    repo.edit("params.yaml", "3", "4")
    repo.commit("a later commit, not verified")
    odd = tmp_path / 'it\'s "50%" of $HOME %(x)s ü'
    odd.mkdir()
    out = str(tmp_path / "verdict.json")
    said = repo.gate("verify", "--rev", "HEAD~1", "--json", out, code=0, TMPDIR=str(odd))
    assert "all 3 outputs are those of dvc.lock, byte for byte" in said
    output = json.loads(Path(out).read_text())
    assert output["identical"] and output["passed"] and output["first"] is None
    stages = ["prepare", "evaluate", "sub/dvc.yaml:summary"]
    assert sorted(each["stage"] for each in output["stages"]) == sorted(stages)
    assert list(odd.iterdir()) == []
    assert repo.git("status", "--porcelain") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["repo", odd.name, "verdict.json"]
    )


def test_one_stage_and_what_it_needs(repo: Project) -> None:
    repo.edit("params.yaml", "3", "4")  # not committed
    said = repo.gate("verify", "--stage", "evaluate", code=0)
    assert "not the uncommitted changes" in said and "summary" not in said
    assert "nonsense" in repo.gate("verify", "--stage", "nonsense", code=2)
    inner = Project(repo.root / "sub")
    assert "all 3 outputs" in inner.gate("verify", "--stage", "summary", code=0)


def test_a_metric_changed_with_its_hash_is_found(repo: Project) -> None:
    forge(repo, "metrics.json", b'{"lines": 9}')
    repo.commit("better")
    assert "up to date" in repo.run("dvc", "status", "evaluate")
    said = repo.gate("verify", "--stage", "evaluate", code=1)
    assert "first stage whose outputs differ: evaluate" in said
    assert "metrics.json: lines is 3, committed 9" in said
    assert "evaluate: metrics.json: lines is" not in said


def test_a_forged_lock_in_a_subfolder_is_found(repo: Project) -> None:
    lock = (repo.root / "sub/dvc.lock").read_text()
    repo.write("sub/dvc.lock", re.sub(r"md5: \w{32}\.dir", f"md5: {'0' * 32}.dir", lock))
    repo.commit("forged")
    assert "DIFFERENT  sub/dvc.yaml:summary  another sub/tables" in repo.gate("verify", code=1)


def test_a_file_changed_without_its_hash_is_found(repo: Project) -> None:
    repo.write("sub/tables/a.txt", "nicer")
    (repo.root / "sub/tables/b.txt").unlink()
    repo.commit("nicer")
    said = repo.gate("verify", code=1)
    assert "sub/tables/a.txt is another in the commit, though dvc.lock has it right" in said
    assert "sub/tables/b.txt is not in the commit" in said


def test_no_gitignore_hides_an_output_that_is_in_no_commit(repo: Project, tmp_path: Path) -> None:
    ignored = tmp_path / "ignore"
    ignored.write_text("metrics.json\ntables/\n")
    repo.git("rm", "--quiet", "--cached", "-r", "metrics.json", "sub/tables")
    repo.write(".gitignore", "/raw.txt\n/data.txt\nmetrics.json\n")
    shutil.copy(ignored, repo.root / "../.git/info/exclude")
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n excludesFile = {ignored}\n")
    repo.commit("no metrics")
    said = repo.gate("verify", code=1, GIT_CONFIG_GLOBAL=str(config))
    assert "metrics.json is not in the commit" in said
    assert "sub/tables/a.txt is not in the commit" in said


def test_code_and_parameters_changed_without_running_are_found(repo: Project) -> None:
    repo.write("evaluate.sh", f"{EVALUATE}# edited\n")
    repo.commit("the same outputs, but who knows")
    said = repo.gate("verify", code=1)
    assert re.search(r"^stale +evaluate +made from another evaluate.sh$", said, re.M)
    assert "outputs differ" not in said
    assert "evaluate.sh" in repo.gate("verify", "--by-rules", code=1), "no rule can excuse it"
    repo.edit("params.yaml", "3", "4")
    repo.edit("dvc.yaml", "sh evaluate.sh", "sh ./evaluate.sh")
    repo.commit("other data")
    said = repo.gate("verify", code=1)
    assert "made with other parameters scale" in said and "made by another command" in said
    assert "first stage whose outputs differ: prepare" in said


def test_sources_come_from_the_cache_and_are_hashed_again(repo: Project) -> None:
    digest = hashlib.md5(b"one\ntwo\n").hexdigest()
    place = repo.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    place.chmod(0o644)
    place.write_bytes(b"one\nTWO\n")
    assert "holds other bytes than were recorded" in repo.gate("verify", code=2)
    place.unlink()
    assert "raw.txt: is not in DVC's cache here: `dvc pull raw.txt`" in repo.gate("verify", code=2)


def test_a_source_that_is_a_folder(repo: Project) -> None:
    repo.run("dvc", "remove", "--quiet", "raw.txt.dvc")
    (repo.root / "raw.txt").unlink()
    repo.write("raw.txt/x/1.txt", "one\n")
    repo.write("raw.txt/2.txt", "two\n")
    repo.run("dvc", "add", "--quiet", "raw.txt")
    repo.edit("dvc.yaml", "cat raw.txt", "cat raw.txt/2.txt raw.txt/x/1.txt")
    repo.run("dvc", "repro", "--all-pipelines")
    repo.commit("a folder")
    assert "all 3 outputs" in repo.gate("verify", code=0)


def test_a_source_without_a_list_or_a_hash(repo: Project, tmp_path: Path) -> None:
    """A remote that keeps versions has the files in the .dvc file; some imports have no hash."""
    digests = [hashlib.md5(text).hexdigest() for text in (b"one\n", b"two\n")]
    (repo.root / "raw.txt").unlink()
    for digest, text in zip(digests, ("one\n", "two\n"), strict=True):
        repo.write(f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}", text)
    files = [{"relpath": f"{n}", "md5": digest} for n, digest in enumerate(digests)]
    source = {"path": "raw.txt", "hash": "md5"}
    repo.write("raw.txt.dvc", {"outs": [source | {"files": files}]})
    repo.edit("dvc.yaml", "cat raw.txt", "cat raw.txt/0 raw.txt/1")
    repo.commit("a folder of a remote with versions")
    assert "made from another raw.txt" in repo.gate("verify", code=1)
    repo.write("raw.txt.dvc", {"outs": [source]})
    repo.commit("an import without a download")
    assert "raw.txt: has no hash: `dvc update`" in repo.gate("verify", code=2)


def test_a_frozen_stage_is_taken_as_it_is(repo: Project) -> None:
    repo.edit("dvc.yaml", "  prepare:\n", "  prepare:\n    frozen: true\n")
    repo.edit("params.yaml", "3", "4")
    repo.commit("frozen")
    said = repo.gate("verify", code=0)
    assert "not verified, frozen: prepare" in said and "all 2 outputs" in said


def test_by_rules_what_varies_may_differ_and_what_regressed_may_not(repo: Project) -> None:
    repo.write("evaluate.sh", f"echo $$ >> data.copy; cp data.copy log.txt; {EVALUATE}")
    text = "metrics:\n      - metrics.json: {cache: false}\n"
    repo.edit("dvc.yaml", text, f"outs: [log.txt]\n    {text}")
    repo.run("dvc", "repro", "--all-pipelines")
    (repo.root / "data.copy").unlink()
    repo.commit("a log that is never the same")
    assert "another log.txt" in repo.gate("verify", code=1)
    said = repo.gate("verify", "--by-rules", code=0)
    assert "another log.txt" in said and "held: 1 metrics made again" in said
    repo.git("rm", "--quiet", "gate.yaml")
    repo.commit("no rules")
    assert "has no gate.yaml to judge by" in repo.gate("verify", "--by-rules", code=2)


def test_by_rules_a_forged_metric_is_found(repo: Project) -> None:
    forge(repo, "metrics.json", b'{"lines": 9}')
    repo.commit("better")
    assert "lines: regressed" in repo.gate("verify", "--by-rules", code=1)


def test_a_submodule_is_checked_out_too(repo: Project, tmp_path: Path) -> None:
    module = Project(tmp_path / "module")
    module.root.mkdir()
    module.git("init", "--quiet")
    module.write("evaluate.sh", EVALUATE)
    module.commit("code")
    allowed = ("-c", "protocol.file.allow=always")
    repo.git(*allowed, "submodule", "--quiet", "add", str(module.root), "code")
    repo.git("rm", "--quiet", "--cached", "evaluate.sh")
    text = (repo.root / "dvc.yaml").read_text().replace("evaluate.sh", "code/evaluate.sh")
    repo.write("dvc.yaml", text)
    (repo.root / "evaluate.sh").unlink()
    repo.run("dvc", "repro", "--all-pipelines")
    repo.commit("code in a submodule")
    assert "all 3 outputs" in repo.gate("verify", code=0)
    module.write(".gitignore", "/told.json\n")
    module.write("evaluate.sh", EVALUATE.replace("metrics.json", "code/told.json"))
    module.commit("writes to itself, and ignores it")
    repo.git("-C", "code", *allowed, "pull", "--quiet")
    repo.write("dvc.yaml", text.replace("metrics.json", "code/told.json"))
    repo.run("dvc", "repro", "--all-pipelines")
    repo.commit("an output in a submodule")
    assert "code/told.json is not in the commit" in repo.gate("verify", code=1)
    repo.git("submodule", "--quiet", "deinit", "--force", "code")
    assert "git submodule update --init" in repo.gate("verify", code=2)


def test_a_linked_worktree_and_partial_and_shallow_clones(repo: Project, tmp_path: Path) -> None:
    repo.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{repo.root.parent}"
    repo.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    for name, option in (("shallow", "--depth=1"), ("partial", "--filter=tree:0")):
        repo.git("clone", "--quiet", option, "--no-checkout", url, str(tmp_path / name))
    for name in ("linked", "shallow", "partial"):
        other = Project(tmp_path / name / "part")
        if name != "linked":
            Project(tmp_path / name).git("checkout", "--quiet", "HEAD")
        shutil.copytree(repo.root / ".dvc/cache", other.root / ".dvc/cache")
        assert "all 3 outputs" in other.gate("verify", code=0), name


def test_the_checkout_of_another_owner(repo: Project) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (repo.root.parent, *repo.root.parent.rglob("*")):
        os.chown(path, 12345, 12345)
    safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
    repo.gate("verify", code=0, **safe, GIT_CONFIG_VALUE_0=str(repo.root.parent))


def test_paths_of_a_failed_stage_that_no_commit_has_are_named(repo: Project) -> None:
    repo.write(".gitignore", "/raw.txt\n/data.txt\n/.venv\n/.env\n")
    repo.write(".env", "KEY=1\n")
    (repo.root / ".venv/bin").mkdir(parents=True)
    (repo.root / ".venv/bin/python").symlink_to(sys.executable)
    repo.edit("dvc.yaml", "cmd: sh evaluate.sh", "cmd: .venv/bin/python -V && sh evaluate.sh")
    repo.run("dvc", "repro", "--all-pipelines")
    repo.commit("a Python of one's own")
    said = repo.gate("verify", "--rev", "", code=2)
    assert said.splitlines()[-1].endswith("is in no commit: .env, .venv/bin/python")
    assert re.search(r"^  .*(not found|No such file)", said, re.M), "the stage's own last lines"


def test_what_cannot_be_verified_says_why_in_one_line(repo: Project, tmp_path: Path) -> None:
    def line(*words: str) -> str:
        said = repo.gate("verify", *words, code=2).splitlines()
        assert [text for text in said if text.startswith("error: ")] == said[-1:]
        return said[-1]

    assert "unknown Git revision 'nonsense'" in line("--rev", "nonsense")
    repo.write("evaluate.sh", "exit 3\n")
    repo.commit("a stage that fails")
    assert "`dvc repro` failed: failed to reproduce 'evaluate'" in line()
    repo.write("sub/dvc.lock", "<<<<<<< a\n=======\n>>>>>>> b\n")
    repo.commit("a conflict")
    assert "sub/dvc.lock: line 1: has the mark of a merge conflict" in line()
    repo.write("old.dvc", "cmd: echo\nouts: []\n")
    repo.git("checkout", "--quiet", "HEAD~1", "--", "sub/dvc.lock")
    repo.commit("an old stage")
    assert "old.dvc: is a stage of DVC 0" in line()
    repo.git("rm", "--quiet", "old.dvc")
    repo.git("rm", "--quiet", "sub/dvc.lock")
    repo.commit("no lock")
    assert "sub/dvc.lock: is not in the commit" in line()
    repo.edit("dvc.yaml", "outs: [data.txt]", "outs: [../../data.txt]")
    repo.commit("an output elsewhere")
    assert line()
    (repo.root.parent / ".git").rename(tmp_path / "elsewhere")
    assert "is in no Git repository" in line()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verification_leaves_nothing_behind(
    repo: Project, tmp_path: Path, signum: signal.Signals
) -> None:
    repo.write("evaluate.sh", "sleep 1000\n")
    repo.commit("a long one")
    here = tmp_path / "tmp"
    here.mkdir()
    process = subprocess.Popen(
        (*GATE, "verify"),
        cwd=repo.root,
        env={**ENVIRONMENT, "TMPDIR": str(here)},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr or ():
        if "evaluate" in line:  # a stage is running, three processes down
            break
    folder = next(here.glob("dvc-gate-*"))
    time.sleep(0.5)
    assert inside(folder)
    process.send_signal(signum)
    assert process.wait(20) == 128 + signum
    assert process.stderr.read().splitlines()[-1].startswith("interrupted: ")
    assert list(here.iterdir()) == []
    assert inside(folder) == []


def inside(folder: Path) -> list[str]:
    """List the processes that work in a folder, zombies aside."""
    result = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd").startswith(str(folder)):
                result.append((process / "cmdline").read_text())
        except OSError:
            continue
    return result
