"""What is installed, what it imports, and the workflow that the README gives."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from tests.dvc_gate.conftest import ENVIRONMENT, GATE, ROOT, Project, changed
from tests.dvc_gate.test_check import A

HEAVY = {"torch", "scipy", "matplotlib", "numpy", "pandas", "stages"}
README = (ROOT / "dvc_gate/README.md").read_text()
WORKFLOW = re.search(r"```yaml\n(name: metrics\n.*?)```", README, re.DOTALL)[1]


def test_it_imports_nothing_heavy_and_nothing_of_stages(repo: Project) -> None:
    names = [path.stem for path in (ROOT / "dvc_gate").glob("*.py") if "__" not in path.stem]
    code = f"""import importlib, sys
for name in {names}:
    importlib.import_module("dvc_gate." + name)
from dvc_gate import command
command.main(["check", "--json", "out.json"])
print(sorted({HEAVY} & set(sys.modules)))"""
    assert repo.run(sys.executable, "-c", code).splitlines()[-1] == "[]"
    assert "held" in (repo.root / "out.json").read_text()


def test_what_is_private_in_dvc_stands_in_one_file() -> None:
    for path in (ROOT / "dvc_gate").glob("*.py"):
        others = re.findall(r"^\s*(?:from|import) (dvc(?!_gate)[\w.]*)", path.read_text(), re.M)
        assert not others or path.name == "dvc_private.py", path


def test_what_is_installed_needs_no_torch() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {re.split(r"[<>=\[ ]", need)[0] for need in told["project"]["dependencies"]}
    assert names == {"dvc", "pathspec", "pydantic", "ruamel.yaml"}
    assert told["project"]["scripts"] == {"dvc-gate": "dvc_gate.command:run"}
    assert told["tool"]["setuptools"]["packages"] == ["dvc_gate"]


def test_the_workflow_is_one_that_github_accepts(tmp_path: Path) -> None:
    (tmp_path / "workflow.yaml").write_text(WORKFLOW)
    command = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows", "workflow.yaml")
    Project(tmp_path).run(*command)


@pytest.mark.parametrize("event", ["first push", "push", "pull request"])
def test_the_workflow_judges_each_event(repo: Project, tmp_path: Path, event: str) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.write(A, changed("run.rmse", 4.0))
    repo.commit("worse")
    if event == "first push":
        repo.git("checkout", "--quiet", "--orphan", "new")
        repo.commit("everything at once")
        base = "0" * 40
    elif event == "pull request":
        repo.git("checkout", "--quiet", "--detach")
    words = " ".join(re.search(r"dvc-gate (check.*)", WORKFLOW, re.DOTALL)[1].split())
    words = re.sub(r"\$\{\{.*?\}\}", base, words)
    assert "$GITHUB_STEP_SUMMARY" in words
    summary = tmp_path / "summary"
    summary.write_text("")
    gate = f"{shlex.join(GATE)} {words}"
    done = repo.try_("sh", "-c", gate, GITHUB_STEP_SUMMARY=str(summary), **ENVIRONMENT)
    assert done.returncode == (0 if event == "first push" else 1), done.stderr
    assert summary.read_text().startswith("## Metrics ")
