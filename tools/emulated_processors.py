"""Run a small pipeline on other processors, and compare every output byte for byte.

`python -m tools.emulated_processors` (`make verify-cpus`) runs the pipeline here, here with MKL's
path for Intel processors forced, and under the emulator qemu-x86_64 as several processors. A
negative control must differ: an unfused Adam, whose square root differs between processors. qemu
does not emulate AVX-512; the run here covers it if this machine has it. Takes some minutes.
Exit codes: 0 all files agree, 1 some differ, 2 could not run.
"""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import stages
from tools.project import copy_code, outputs, processor, run

PARAMS = Path(__file__).with_name("emulated.yaml")
CONTROL = "rnn_adam"
QEMU = "qemu-x86_64"
INSTALL = f"{QEMU} 10 or newer is needed: Debian's qemu-user (12: of bookworm-backports)"
PROCESSORS = ("Haswell", "EPYC")  # two of those that qemu knows
# Makes MKL believe that every processor is Intel's.
SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\nint mkl_serv_intel_cpu(void) { return 1; }"
# Runs all stages in one process: importing torch takes 15 s under qemu, and a child process would
# escape the emulation. The arguments are the commands that DVC would run.
RUNNER = """\
import runpy, shlex, sys
for command in sys.argv[1:]:
    module, *arguments = shlex.split(command.partition("python -Em ")[2])
    sys.argv = [module, *arguments]
    print(module, *arguments, flush=True)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Machine:
    """A processor: the prefix of a command that runs on it, and more environment variables."""

    name: str
    prefix: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)


HERE = Machine("here")


def run_on(machine: Machine, code: Path, commands: list[str]) -> dict[str, bytes]:
    """Run the commands of stages on a machine, in a copy of the code; return the outputs by path.

    Raises RuntimeError where a stage fails.
    """
    folder = code.with_name(f"{code.name}, {machine.name}")
    shutil.copytree(code, folder, symlinks=True)
    command = (*machine.prefix, sys.executable, "-c", RUNNER, *commands)
    run(folder, *command, **machine.environment)
    return outputs(folder)


def forced_intel(folder: Path) -> list[Machine]:
    """Compile the shim for MKL; empty where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        print("no C compiler: MKL's path for Intel is not forced", file=sys.stderr)
        return []
    (folder / "shim.c").write_text(SHIM)
    library = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "shim.c"], check=True)
    return [Machine("here, MKL as on Intel", environment={"LD_PRELOAD": str(library)})]


def control_differs(code: Path, machine: Machine, commands: list[str]) -> bool:
    """Train with an unfused Adam here and on a machine; tell whether the models differ."""
    adam = code / "stages/training/adam.py"
    adam.write_text(adam.read_text().replace("fused=True", "fused=False"))
    stage = re.compile(rf"stages\.(generate|train {CONTROL}) ")
    chosen = [command for command in commands if stage.search(command)]
    here, there = (run_on(where, code, chosen) for where in (HERE, machine))
    model = f"models/{CONTROL}.safetensors"
    same = here[model] == there[model]
    print(f"negative control         {'AGREES: this proves nothing' if same else 'differs'}")
    return not same


def compare_all(folder: Path) -> bool:
    """Run the pipeline on all machines and print the verdicts; tell whether all files agree."""
    code = folder / "code"
    copy_code(code, PARAMS.read_text(encoding="utf-8"))
    plan = run(code, "dvc", "repro", "--dry", "--force-downstream")
    commands = re.findall("^> (.*)$", plan, re.MULTILINE)
    here = run_on(HERE, code, commands)
    avx = "with" if "avx512f" in stages.processor_features() else "without"
    print(f"{HERE.name:24} {processor()} {avx} AVX-512, {len(here)} files", flush=True)
    emulated = [Machine(name, (QEMU, "-cpu", name)) for name in PROCESSORS]
    machines, agree = [*forced_intel(folder), *emulated], True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda machine: run_on(machine, code, commands), machines)
        for machine, there in zip(machines, results, strict=True):
            paths = here.keys() | there.keys()
            differ = sorted(path for path in paths if here.get(path) != there.get(path))
            agree &= not differ
            first = f"; first of those that differ: {', '.join(differ[:3])}" if differ else ""
            count = f"{len(here.keys() - set(differ))} of {len(here)} files agree"
            print(f"{machine.name:24} {count}{first}", flush=True)
    control = shutil.copytree(code, folder / "control", symlinks=True)
    return control_differs(control, machines[-1], commands) and agree


def main() -> None:
    argparse.ArgumentParser(
        prog="python -m tools.emulated_processors", description=__doc__
    ).parse_args()
    if not shutil.which(QEMU):
        print(INSTALL, file=sys.stderr)
        sys.exit(2)
    print(run(Path(), QEMU, "--version").splitlines()[0])
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    with tempfile.TemporaryDirectory(prefix="cpus-") as name:
        try:
            sys.exit(0 if compare_all(Path(name)) else 1)
        except RuntimeError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main()
