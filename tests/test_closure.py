"""dvc.yaml lists the code that each stage imports: a file that is missing leaves results stale,
and one too many makes stages run for nothing.

Modules that can refuse to run, and change no result, are in no list: EXEMPT. So a reworded message
makes no stage run again.
"""

import ast
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, Project, loaded_by, outputs
from tests.one_process import commands_of, run_stages

EXEMPT = {
    "stages/check.py",
    "stages/files.py",
    "stages/settings/document.py",
    "stages/settings/entry.py",
    "stages/settings/whole.py",
}
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


def module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".")


def imported_files(root: Path, script: str) -> set[str]:
    """List the files that a script imports, itself among them, without EXEMPT and its imports."""
    finder = ModuleFinder(path=[str(root)], excludes=[module(path) for path in EXEMPT])
    finder.run_script(str(root / script))
    files = (loaded.__file__ for loaded in finder.modules.values() if loaded.__file__)
    return {str(Path(file).relative_to(root)) for file in files}


def python_files(root: Path, listed: list[str]) -> list[str]:
    """List files, with folders written out."""
    files: list[str] = []
    for path in listed:
        inside = sorted((root / path).rglob("*.py")) or [root / path]
        files += [str(file.relative_to(root)) for file in inside]
    return files


@pytest.mark.parametrize("name", STAGES)
def test_the_code_that_a_stage_depends_on_is_the_code_that_it_imports(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    assert stage["cmd"].startswith(f"PATH=.venv/bin:$PATH python -Em stages.{name} ")
    listed = python_files(ROOT, [dep for dep in stage["deps"] if dep.startswith("stages")])
    assert len(set(listed)) == len(listed)
    # Importing a module runs the packages around it first.
    assert set(listed) == imported_files(ROOT, f"stages/{name}.py") | {"stages/__init__.py"}


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_imports_the_schemas_of_the_settings_that_it_uses(name: str) -> None:
    """It gets them from an exempt module, through which the closure does not see."""
    script = f"stages/{name}.py"
    used = {
        node.attr
        for node in ast.walk(ast.parse((ROOT / script).read_text("utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "settings"
    }
    schemas = {"datasets": "dataset", "models": "model", "plot": "plot"}
    needed = {f"stages/settings/{schemas[section]}.py" for section in used & schemas.keys()}
    assert needed <= imported_files(ROOT, script)


def test_imports_are_followed_into_functions_and_through_modules(tmp_path: Path) -> None:
    sources = {
        "stages/__init__.py": "",
        "stages/a.py": "import numpy\ndef f():\n    from stages.room import b\n"
        "import stages.files\n",
        "stages/room/__init__.py": "",
        "stages/room/b.py": "import stages.room.c",
        "stages/room/c.py": "",
        "stages/room/unused.py": "",
        "stages/files.py": "import stages.room.unused",
    }
    for path, text in sources.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    imported = imported_files(tmp_path, "stages/a.py")
    assert imported == sources.keys() - {"stages/room/unused.py", "stages/files.py"}


STAND_INS = {
    "stages/files.py": """
MAKE = AGAIN = ""
Content = object

class InputError(Exception):
    pass

def size(path, make=MAKE):
    return path.stat().st_size

def text(path, make=MAKE, mend=AGAIN):
    return path.read_bytes().decode()

def reason(error):
    return ""

def shown(text, most=60):
    return ""

def write_all(outputs):
    for path, content in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, newline="") if isinstance(content, str) else content(path)
""",
    "stages/settings/whole.py": """
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from stages.settings.dataset import Dataset, Measured
from stages.settings.model import ROWS, NetworkRow
from stages.settings.plot import Plot

@dataclass
class Settings:
    datasets: Any
    models: Any
    plot: Any
    written: Any

def row(rows, name):
    return rows[name]

def read(path):
    written = YAML(typ="safe").load(path)
    datasets = {
        name: (Measured if "csv" in values else Dataset).model_validate(values)
        for name, values in written["datasets"].items()
    }
    models = {
        name: ROWS.get(values["cell"], NetworkRow).model_validate(values)
        for name, values in written["models"].items()
    }
    return Settings(datasets, models, Plot.model_validate(written["plot"]), written)
""",
    "stages/settings/entry.py": """
from pathlib import Path

from stages.settings import whole

EPILOG = ""

def run(parser, main):
    main(parser.parse_args(), whole.read(Path("params.yaml")))
""",
}


def test_no_output_depends_on_exempt_code(project: Project) -> None:
    """Each stage makes the same bytes where the exempt modules do the least that can be done."""
    made = outputs(project)
    for path in EXEMPT:
        (project.root / path).unlink()
    for path, text in STAND_INS.items():
        (project.root / path).write_text(text)
    assert run_stages(project, commands_of(project)).returncode == 0
    assert outputs(project) == made


def test_a_reworded_message_runs_nothing_again(project: Project) -> None:
    project.edit("stages/settings/document.py", "is missing; expected", "is not there; expected")
    for path in EXEMPT:
        with (project.root / path).open("a") as code:
            code.write("# Another word.\n")
    assert "up to date" in project.run("dvc", "status")


def test_no_module_is_imported_by_name() -> None:
    """The closure cannot see such an import."""
    for path in [*ROOT.glob("stages/**/*.py"), *ROOT.glob("dvc_gate/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names: set[str] = set()
            if isinstance(node, ast.Name):
                names = {node.id}
            elif isinstance(node, ast.Attribute):
                names = {node.attr}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names}
            assert not names & {"__import__", "import_module", "runpy", "exec", "eval"}, path


@pytest.mark.parametrize("name", sorted({*STAGES, "check"}))
def test_no_library_is_loaded_that_a_stage_can_do_without(name: str) -> None:
    """Some take seconds. Training a network loads SciPy and torch later."""
    slow = {"torch", "scipy", "pandas", "matplotlib"}
    loaded = loaded_by(f"import stages.{name}") & slow
    assert loaded == ({"pandas", "matplotlib"} if name == "plot" else set())


def test_no_room_imports_a_stage_and_no_stage_another() -> None:
    stages = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("stages/*.py")}
    for path in sorted(ROOT.glob("stages/**/*.py")):
        own = path.relative_to(ROOT).as_posix()
        assert imported_files(ROOT, own) & stages <= {own, "stages/__init__.py", "stages/table.py"}


def test_schemas_and_rooms_lead_to_no_yaml_and_no_messages() -> None:
    """They see arrays and typed settings."""
    rooms = ("signals", "networks", "training", "rollouts")
    schemas = {"schema", "dataset", "model", "plot"}
    paths = [path for room in rooms for path in sorted(ROOT.glob(f"stages/{room}/*.py"))]
    messages = {"document", "entry", "whole"}
    for path in [*paths, *(ROOT / f"stages/settings/{name}.py" for name in schemas)]:
        finder = ModuleFinder(path=[str(ROOT)])
        finder.run_script(str(path))
        modules = {*finder.modules, *finder.badmodules}
        assert not modules & {
            "yaml",
            "ruamel.yaml",
            *(f"stages.settings.{name}" for name in messages),
        }
