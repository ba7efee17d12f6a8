"""dvc.yaml lists the code that each stage imports, no file missing and none too many.

EXEMPT modules can refuse to run, but change no result. They are in no list: a reworded message
makes no stage run again.
"""

import ast
import re
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.conftest import ROOT, RUNNER, SMALL, Project, loaded_by, outputs

EXEMPT = {
    "stages/check.py",
    "stages/files.py",
    "stages/settings/document.py",
    "stages/settings/entry.py",
    "stages/settings/params_file.py",
}
STAGES = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


ROWS = YAML(typ="safe").load(SMALL)["models"]


def imported_files(root: Path, script: str) -> set[str]:
    """List the files that a script imports, itself among them, without EXEMPT and its imports."""
    exempt = [path.removesuffix(".py").replace("/", ".") for path in EXEMPT]
    finder = ModuleFinder(path=[str(root)], excludes=exempt)
    finder.run_script(str(root / script))
    files = (module.__file__ for module in finder.modules.values() if module.__file__)
    return {str(Path(file).relative_to(root)) for file in files}


@pytest.mark.parametrize("name", STAGES)
def test_the_code_that_a_stage_depends_on_is_the_code_that_it_imports(name: str) -> None:
    stage = STAGES[name].get("do", STAGES[name])
    assert stage["cmd"].startswith(f"PATH=.venv/bin:$PATH python -Em stages.{name} ")
    code = [ROOT / dep for dep in stage["deps"] if dep.startswith("stages")]
    files = [file for path in code for file in (list(path.rglob("*.py")) or [path])]
    listed = [str(file.relative_to(ROOT)) for file in files]
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


STAND_INS = {
    "stages/files.py": """
class InputError(Exception):
    pass

def size(path, make=""):
    return path.stat().st_size

def content(path, make=""):
    return path.read_bytes()

def text(path, make="", fix=""):
    return path.read_bytes().decode()

def write_all(outputs):
    for path, content in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, newline="") if isinstance(content, str) else content(path)

def __getattr__(name):  # parts of messages
    return object
""",
    "stages/settings/params_file.py": """
from types import SimpleNamespace

from ruamel.yaml import YAML

from stages.settings.dataset import Dataset, Measured
from stages.settings.model import ROWS, NetworkRow
from stages.settings.plot import Plot

Settings = SimpleNamespace

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
    plot = Plot.model_validate(written["plot"])
    return Settings(datasets=datasets, models=models, plot=plot, written=written)
""",
    "stages/settings/entry.py": """
from pathlib import Path

from stages.settings import params_file

EPILOG = ""

def run(parser, main):
    main(parser.parse_args(), params_file.read(Path("params.yaml")))
""",
}


def test_no_output_depends_on_exempt_code(project: Project) -> None:
    """Each stage makes the same bytes where the exempt modules do the least that can be done."""
    before = outputs(project)
    for path in EXEMPT:
        (project.root / path).unlink()
    for path, text in STAND_INS.items():
        (project.root / path).write_text(text)
    project.run_stages()
    assert outputs(project) == before


def test_edited_code_makes_its_stages_run_again_and_no_others(project: Project) -> None:
    """As the README's table says. Stages that read a changed output follow when it was made."""
    generate = {"generate@phases", "generate@noisy"}
    train, evaluate = ({f"{stage}@{row}" for row in ROWS} for stage in ("train", "evaluate"))
    elsewhere = ("gate.yaml", "dvc_gate/rules.py", "tests/conftest.py", "tools/project.py")
    edits = [
        (["stages/generate.py"], generate),
        (["stages/signals/sines.py"], generate | train | evaluate),
        (["stages/networks/cells.py"], train | evaluate),
        (["stages/training/adam.py"], train),
        (["stages/rollouts/metrics.py"], evaluate),
        (["stages/reporting/figures.py"], {"plot"}),
        ([*EXEMPT, *elsewhere], set()),
    ]
    for paths, stages in edits:
        for path in paths:
            with (project.root / path).open("a") as code:
                code.write("# edited\n")
        assert project.changed_stages() == stages, paths
        project.run("git", "checkout", "--quiet", ".")


def test_no_module_is_imported_by_name() -> None:
    """The closure cannot see such an import."""
    hidden = {"__import__", "import_module", "runpy", "exec", "eval"}
    for path in [*ROOT.glob("stages/**/*.py"), *ROOT.glob("dvc_gate/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = {getattr(node, "id", ""), getattr(node, "attr", "")}
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names}
            assert not names & hidden, path


def test_the_check_and_the_stages_import_slow_libraries_late() -> None:
    """Each takes up to seconds, and is loaded by those alone that need it."""
    program = "import " + ", ".join(
        f"stages.{name}" for name in ("check", *STAGES.keys() - {"plot"})
    )
    assert not loaded_by(program) & {"torch", "scipy", "pandas", "matplotlib"}


def test_torch_is_loaded_for_networks_alone(project: Project) -> None:
    for stage in ("generate", "plot"):
        finder = ModuleFinder(path=[str(ROOT)])
        finder.run_script(str(ROOT / f"stages/{stage}.py"))
        assert "torch" not in finder.badmodules
    commands = project.commands()
    rows = [
        commands[f"{stage}@{row}"]
        for row in ("linear", "sine_fit")
        for stage in ("train", "evaluate")
    ]
    assert "torch" not in loaded_by(RUNNER, project.root, *rows)


def test_no_stage_imports_another_not_even_through_a_room() -> None:
    stages = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("stages/*.py")}
    for own in stages - {"stages/__init__.py"}:
        assert imported_files(ROOT, own) & stages <= {own, "stages/__init__.py", "stages/table.py"}


def test_schemas_and_rooms_import_no_yaml_and_no_messages() -> None:
    """They see arrays and typed settings."""
    rooms = ("signals", "networks", "training", "rollouts")
    scripts = [path for room in rooms for path in ROOT.glob(f"stages/{room}/*.py")]
    schemas = ("schema", "dataset", "model", "plot")
    scripts += [ROOT / f"stages/settings/{name}.py" for name in schemas]
    finder = ModuleFinder(path=[str(ROOT)])
    for script in scripts:
        finder.run_script(str(script))
    forbidden = {"yaml", "ruamel.yaml"}
    forbidden |= {f"stages.settings.{name}" for name in ("document", "entry", "whole")}
    assert not forbidden & (finder.modules.keys() | finder.badmodules.keys())


@pytest.mark.parametrize(("room", "other"), [("tools", "tests"), ("tests", "tools")])
def test_tools_and_tests_do_not_import_each_other(room: str, other: str) -> None:
    """But for the tests of the tools."""
    statement = re.compile(rf"^\s*(from|import) {other}\b", re.MULTILINE)
    for file in (ROOT / room).rglob("*.py"):
        if ROOT / "tests/tools" not in file.parents:
            assert not statement.search(file.read_text("utf-8")), file
