"""Run stages one after the other in one process: torch is imported once."""

import subprocess
import sys
from collections.abc import Mapping

from dvc.utils.serialize import load_yaml

from tests.conftest import ENVIRONMENT, Project

RUNNER = """\
import runpy, shlex, sys
for command in sys.argv[1:]:
    module, *arguments = shlex.split(command.partition("python -Em ")[2])
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def commands_of(project: Project) -> list[str]:
    """Read the command of each stage from dvc.lock, in the order in which DVC ran them."""
    return [stage["cmd"] for stage in load_yaml(project.root / "dvc.lock")["stages"].values()]


def run_stages(
    project: Project, commands: list[str], environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    """Run the commands of stages in a project, and give their messages and the exit code."""
    return subprocess.run(
        [sys.executable, "-c", RUNNER, *commands],
        cwd=project.root,
        env=environment,
        capture_output=True,
        text=True,
    )
