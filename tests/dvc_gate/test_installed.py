"""The installed package, its imports, and the workflow of the README."""

import functools
import re
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.dvc_gate.conftest import GATE, ROOT, Project, changed
from tests.dvc_gate.test_check import A

HEAVY = {"torch", "scipy", "matplotlib", "numpy", "pandas", "stages"}
README = (ROOT / "dvc_gate/README.md").read_text()
WORKFLOW = re.search(r"```yaml\n(name: metrics\n.*?)```", README, re.DOTALL)[1]


def test_it_imports_no_heavy_package_and_nothing_of_stages(repo: Project) -> None:
    names = [path.stem for path in (ROOT / "dvc_gate").glob("*.py") if "__" not in path.stem]
    code = f"""import importlib, sys
for name in {names}:
    importlib.import_module("dvc_gate." + name)
from dvc_gate import command
command.main(["check", "--json", "out.json"])
print(sorted({HEAVY} & set(sys.modules)))"""
    assert repo.run(sys.executable, "-c", code).splitlines()[-1] == "[]"
    assert "held" in (repo.root / "out.json").read_text()


def test_one_file_imports_dvc() -> None:
    for path in (ROOT / "dvc_gate").glob("*.py"):
        imports = re.search(r"^\s*(from|import) dvc(?!_gate)", path.read_text(), re.M)
        assert not imports or path.name == "dvc_private.py", path


def test_the_package_needs_no_torch() -> None:
    output = tomllib.loads((ROOT / "pyproject.toml").read_text())
    names = {re.split(r"[<>=\[ ]", need)[0] for need in output["project"]["dependencies"]}
    assert names == {"dvc", "pathspec", "pydantic", "ruamel.yaml"}
    assert output["project"]["scripts"] == {"dvc-gate": "dvc_gate.command:run"}
    assert output["tool"]["setuptools"]["packages"] == ["dvc_gate"]


OURS = (ROOT / ".github/workflows/pipeline.yaml").read_text()


def evaluated(expression: str, event: dict[str, Any]) -> str:
    """Evaluate an expression of a workflow for an event: names, format, !, && and ||."""

    def value(name: str) -> Any:
        node: Any = {"event": event, "base_ref": event.get("base_ref", "")}
        for key in name.split(".")[1:]:
            node = node.get(key, "") if isinstance(node, dict) else ""
        return node

    python = expression.strip().replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    python = re.sub(r"github[\w.]*", lambda name: f"value('{name[0]}')", " ".join(python.split()))
    return str(eval(python, {"value": value, "format": str.format}))


def test_github_accepts_the_workflow(tmp_path: Path) -> None:
    for name, text in (("readme.yaml", WORKFLOW), ("ours.yaml", OURS)):
        (tmp_path / name).write_text(text)
    command = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    Project(tmp_path).run(*command, "readme.yaml", "ours.yaml")


EVENTS = ("pull request", "merge queue", "push", "forced push", "first push", "manual")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("workflow", [WORKFLOW, OURS], ids=["README", "ours"])
def test_the_workflow_judges_each_event(
    repo: Project, tmp_path: Path, event: str, workflow: str
) -> None:
    base = repo.git("rev-parse", "HEAD")
    repo.git("update-ref", "refs/remotes/origin/main", base)
    repo.write(A, changed("run.rmse", 4.0))
    repo.commit("worse")
    if event == "first push":
        repo.git("update-ref", "-d", "refs/remotes/origin/main")
        repo.git("checkout", "--quiet", "--orphan", "new")
        repo.commit("everything at once")
        repo.git("branch", "--force", "main")
        repo.git("checkout", "--quiet", "main")
    elif event in ("pull request", "merge queue"):
        repo.git("checkout", "--quiet", "--detach")
    payload = {
        "pull request": {"base_ref": "main", "pull_request": {"base": {"sha": base}}},
        "merge queue": {"merge_group": {"base_sha": base}},
        "push": {"before": base, "forced": False},
        "forced push": {"before": "1" * 40, "forced": True},
        "first push": {"before": "0" * 40, "forced": False},
    }
    jobs = YAML(typ="safe").load(workflow)["jobs"]
    step = next(s for job in jobs.values() for s in job["steps"] if " check " in s.get("run", ""))

    def filled(text: str) -> str:
        value = functools.partial(evaluated, event=payload.get(event, {}))
        return re.sub(r"\$\{\{(.*?)\}\}", lambda each: value(each[1]), text, flags=re.DOTALL)

    summary = tmp_path / "summary"
    summary.write_text("")
    words = re.sub(r"\S*dvc-gate|\S*python -m dvc_gate", shlex.join(GATE), filled(step["run"]))
    variables = {name: filled(text) for name, text in step.get("env", {}).items()}
    more = {"GITHUB_STEP_SUMMARY": str(summary), **variables}
    done = repo.try_("bash", "-ec", words, **more)
    assert done.returncode == (0 if event == "first push" else 1), done.stdout + done.stderr
    report = summary if workflow == WORKFLOW else repo.root / "gate.md"
    assert report.read_text().startswith("## Metrics ")
