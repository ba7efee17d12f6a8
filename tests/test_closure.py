"""dvc.yaml lists the code that each stage imports: a file that is missing leaves results stale,
and one too many makes stages run for nothing."""

import subprocess
import sys
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT

STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
NEED_TORCH = {"train", "evaluate"}
COMMANDS = {path.stem for path in ROOT.glob("stages/*.py")} - {"__init__"}


def imported_files(root: Path, script: str) -> set[str]:
    """Return the files of the repository at `root` that a script imports, itself among them."""
    finder = ModuleFinder(path=[str(root)])
    finder.run_script(str(root / script))
    files = (module.__file__ for module in finder.modules.values() if module.__file__)
    return {str(Path(file).relative_to(root)) for file in files}


@pytest.mark.parametrize("name", STAGES)
def test_the_code_that_a_stage_depends_on_is_the_code_that_it_imports(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    assert stage["cmd"].startswith(f"python -m stages.{name} ")
    listed = [dep for dep in stage["deps"] if dep.startswith("stages")]
    assert len(set(listed)) == len(listed)
    # Importing a module runs the packages around it first.
    assert set(listed) == imported_files(ROOT, f"stages/{name}.py") | {"stages/__init__.py"}


def test_imports_are_followed_into_functions_and_through_modules(tmp_path: Path) -> None:
    sources = {
        "stages/__init__.py": "",
        "stages/a.py": "import numpy\ndef f():\n    from stages.core import b\n"
        "stages/core/__init__.py": "",
        "stages/core/b.py": "import stages.core.c",
        "stages/core/c.py": "",
        "stages/core/unused.py": "",
    }
    for path, text in sources.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    found = imported_files(tmp_path, "stages/a.py")
    assert found == sources.keys() - {"stages/core/unused.py"}


@pytest.mark.parametrize("name", sorted(COMMANDS - NEED_TORCH))
def test_torch_is_loaded_only_where_networks_are(name: str) -> None:
    code = f"import sys, stages.{name}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_core_imports_no_stage_and_no_stage_another() -> None:
    stages = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("stages/*.py")}
    for path in sorted(ROOT.glob("stages/**/*.py")):
        own = path.relative_to(ROOT).as_posix()
        assert imported_files(ROOT, own) & stages <= {own, "stages/__init__.py"}
