"""The bytes of a result depend on the commit and on nothing that a caller sets."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import stages
from tests.conftest import ENVIRONMENT, ROOT, Project, outputs

HOSTILE = {
    **{"MKL_CBWR": "AVX512", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Nehalem"},
    **{f"{library}_NUM_THREADS": "2" for library in ("OMP", "MKL", "OPENBLAS")},
    **{"NPY_ENABLE_CPU_FEATURES": "X86_V4", "PYTHONHASHSEED": "123", "SOURCE_DATE_EPOCH": "1"},
    **{"TZ": "Pacific/Auckland", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"},
    **{"MPLBACKEND": "svg", "USER": "somebody", "LOGNAME": "somebody"},
}
UNPINNED = {key: ENVIRONMENT[key] for key in ENVIRONMENT.keys() - stages.PINNED_ENVIRONMENT.keys()}
MATPLOTLIBRC = "figure.dpi: 40\nlines.linewidth: 7\naxes.unicode_minus: False\nfont.size: 30\n"


def test_no_environment_changes_a_byte(finished: Project, tmp_path: Path) -> None:
    home = tmp_path / "another home"
    home.mkdir()
    (home / "matplotlibrc").write_bytes(b"\xff\xfe stops the import of matplotlib")
    hostile = HOSTILE | {"HOME": str(home), "MPLCONFIGDIR": str(home)}
    hostile["MATPLOTLIBRC"] = str(home)
    clone = tmp_path / "a folder with spaces"
    finished.run("git", "clone", "--quiet", "--config", "core.autocrlf=true", ".", str(clone))
    project = Project(clone)
    (clone / "matplotlibrc").write_text(MATPLOTLIBRC)
    project.run_stages(UNPINNED | hostile)
    assert outputs(project) == outputs(finished)
    assert project.run("git", "status", "--porcelain") == "?? matplotlibrc\n"


def test_another_version_is_noted_in_one_line_and_runs(project: Project) -> None:
    before = (project.root / "data/phases.npz").read_bytes()
    outputs = ("--out", "data/phases.npz", "--report", "reports/datasets/phases")
    command = ("python", "-m", "stages.generate", "phases", *outputs)
    assert project.try_(*command).stderr == ""
    installed = stages.metadata.version("numpy")
    project.edit("requirements.lock", f"\nnumpy=={installed}\n", "\nnumpy==1.0\n")
    done = project.try_(*command)
    assert done.returncode == 0
    assert done.stderr == f"note: outputs may not match dvc.lock: numpy is {installed}, not 1.0\n"
    assert (project.root / "data/phases.npz").read_bytes() == before


def test_a_processor_without_avx2_is_noted_and_not_given_its_instructions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    everything = stages.pins("x86_64", {"avx2", "fma"})
    assert everything == stages.PINNED_ENVIRONMENT
    for machine, features in (("x86_64", {"sse4_2", "avx"}), ("aarch64", set()), ("arm64", set())):
        left = everything.keys() - stages.pins(machine, features).keys()
        assert left == {"ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"}
    monkeypatch.setattr(stages, "processor_features", lambda: {"sse4_2", "avx"})
    assert "the processor has no AVX2 and FMA" in stages.doubts()
    monkeypatch.setattr(stages.platform, "machine", lambda: "arm64")
    monkeypatch.setattr(stages.platform, "system", lambda: "Darwin")
    assert "this is Darwin on arm64, not Linux on x86_64" in stages.doubts()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import numpy, stages", "import stages before numpy"),
        (
            "import stages, os; os.environ['ATEN_CPU_CAPABILITY'] = 'default'; import torch;"
            "torch.zeros(9).tanh(); os.environ['ATEN_CPU_CAPABILITY'] = 'avx2';"
            "import stages.training.adam",
            "torch runs on DEFAULT and 1 threads; expected AVX2 and 1",
        ),
    ],
)
def test_libraries_that_were_loaded_under_other_values_are_refused(code: str, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=UNPINNED, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"ImportError: {message}" in done.stderr


def test_no_function_is_used_whose_digits_changed_with_the_c_library() -> None:
    """asinh, acosh, atanh and erf of float64 differ between glibc 2.36 and 2.43."""
    changed = {"arcsinh", "asinh", "arccosh", "acosh", "arctanh", "atanh", "erf", "erfc"}
    for file in sorted((ROOT / "stages").rglob("*.py")):
        tree = ast.walk(ast.parse(file.read_text("utf-8")))
        used = {node.attr for node in tree if isinstance(node, ast.Attribute)}
        assert not used & changed, file
