"""Run a small pipeline on other processors, and compare every output byte for byte.

`python -m tools.emulated_processors` (`make verify-cpus`) runs the pipeline here, here with MKL's
path for Intel processors forced, and under the emulator qemu-x86_64 as several processors. A
negative control must differ: Adam with the square root as each processor rounds it. qemu emulates
no AVX-512. That is covered where this machine's own processor has it. Takes some minutes.
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
from tools.project import ENVIRONMENT, copy_code, outputs, run

PARAMS = Path(__file__).with_name("emulated.yaml")
CONTROL = "rnn_adam"
PROCESSORS = ("Haswell", "EPYC")  # of those that the emulator knows
INSTALL = "qemu-x86_64 10 or newer is needed: Debian's qemu-user (12: of bookworm-backports)"
# Makes MKL believe that every processor is Intel's.
SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\nint mkl_serv_intel_cpu(void) { return 1; }"
# All stages in one process. A process that they start would escape the emulation, and torch takes
# 15 s to import there. The arguments are the commands that DVC would run.
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
    """A processor: what stands before the command, and additions to its environment."""

    name: str
    prefix: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def run_on(machine: Machine, folder: Path, commands: list[str]) -> str:
    """Run the commands of stages on a machine; give the reason where they fail, else nothing."""
    done = subprocess.run(
        [*machine.prefix, sys.executable, "-c", RUNNER, *commands],
        cwd=folder,
        env=ENVIRONMENT | machine.environment,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return ""
    stage = (done.stdout.strip() or "the start").splitlines()[-1]
    message = (done.stderr.strip() or "no message").splitlines()[-1]
    return f"exit code {done.returncode} after `{stage}`: {message}"


def judge(machine: Machine, failure: str, here: dict[str, bytes], there: dict[str, bytes]) -> bool:
    """Print how many files agree; tell whether all do."""
    differ = [path for path in here.keys() | there.keys() if here.get(path) != there.get(path)]
    line = f"{len(here.keys() - set(differ))} of {len(here)} files agree"
    if failure:
        line += f"; {failure}"
    elif differ:
        line += f"; first of those that differ: {', '.join(sorted(differ)[:3])}"
    print(f"{machine.name:24} {line}", flush=True)
    return not failure and not differ


def forced_intel(folder: Path) -> Machine | None:
    """Compile the shim for MKL; None where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        print("no C compiler: MKL's path for Intel is not forced", file=sys.stderr)
        return None
    (folder / "shim.c").write_text(SHIM)
    library = folder / "shim.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "shim.c"], check=True)
    return Machine("here, MKL as on Intel", environment={"LD_PRELOAD": str(library)})


def control(folder: Path, machine: Machine, reference: Path, commands: list[str]) -> bool:
    """Train with an unfused Adam here and on the machine; tell whether the models differ."""
    models, training = [], [text for text in commands if f"stages.train {CONTROL} " in text]
    for where in (Machine("here"), machine):
        copy = folder / f"control {where.name}"
        shutil.copytree(reference, copy, symlinks=True)
        adam = copy / "stages/training/adam.py"
        adam.write_text(adam.read_text().replace("fused=True", "fused=False"))
        if failure := run_on(where, copy, training):
            raise RuntimeError(failure)
        models.append((copy / f"models/{CONTROL}.safetensors").read_bytes())
    same = models[0] == models[1]
    print(f"negative control         {'AGREES, so nothing is proved' if same else 'differs'}")
    return not same


def processor() -> str:
    """Name this machine's processor, and whether it has AVX-512."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{model[1]} with{'' if 'avx512f' in stages.processor_features() else 'out'} AVX-512"


def compare_all(folder: Path, qemu: str, processors: list[str], params: Path) -> bool:
    """Run the pipeline on all machines and print the verdicts; tell whether all files agree."""
    reference, untouched, here = folder / "here", folder / "untouched", Machine("here")
    copy_code(reference, params.read_text(encoding="utf-8"))
    shutil.copytree(reference, untouched, symlinks=True)
    plan = run(reference, "dvc", "repro", "--dry", "--force-downstream")
    commands = re.findall("^> (.*)$", plan, re.MULTILINE)
    if failure := run_on(here, reference, commands):
        raise RuntimeError(failure)
    files = outputs(reference)
    print(f"{here.name:24} {processor()}, {len(files)} files", flush=True)
    machines = [Machine(name, [qemu, "-cpu", name]) for name in processors]
    if intel := forced_intel(folder):
        machines.insert(0, intel)

    def attempt(machine: Machine) -> tuple[str, dict[str, bytes]]:
        copy = shutil.copytree(untouched, folder / machine.name, symlinks=True)
        return run_on(machine, copy, commands), outputs(copy)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(attempt, machines)
        verdicts = [
            judge(machine, failure, files, there)
            for machine, (failure, there) in zip(machines, results, strict=True)
        ]
    if params != PARAMS:
        return all(verdicts)
    return control(folder, machines[-1], reference, commands) and all(verdicts)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.emulated_processors", description=__doc__
    )
    parser.add_argument("--qemu", default=shutil.which("qemu-x86_64"), help="the emulator to use")
    parser.add_argument("--cpu", nargs="+", default=PROCESSORS, help="processors that it emulates")
    parser.add_argument("--params", type=Path, default=PARAMS, help="run another params.yaml")
    arguments = parser.parse_args()
    try:
        version = subprocess.check_output([arguments.qemu, "--version"], text=True)
    except (OSError, TypeError, subprocess.CalledProcessError):
        print(INSTALL, file=sys.stderr)
        sys.exit(2)
    print(version.splitlines()[0])
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    with tempfile.TemporaryDirectory(prefix="cpus-") as name:
        try:
            agree = compare_all(Path(name), arguments.qemu, arguments.cpu, arguments.params)
            sys.exit(0 if agree else 1)
        except RuntimeError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)


if __name__ == "__main__":
    main()
