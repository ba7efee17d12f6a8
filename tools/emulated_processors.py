"""Run a small pipeline on other processors and compare every output with this one's, byte for byte.

`python -m tools.emulated_processors` (`make verify-cpus`) runs it here under DVC, here with MKL's
path for Intel processors forced, and under the emulator qemu-x86_64 as several processors. A
negative control, Adam with the square root that each processor rounds in its own way, must differ.
qemu emulates no AVX-512: that is covered where this machine's own processor has it. Takes some
minutes.
Exit codes: 0 all agree, 1 some differ, 2 could not run.
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

from ruamel.yaml import YAML

import stages
from tests.conftest import ENVIRONMENT, Project, make_project, outputs

PARAMS = """\
datasets:
  phases:
    {seed: 2, sequences: 16, test_sequences: 4, validation_sequences: 8, warmup: 20, periods: 10}
  sines:
    {seed: 3, sequences: 16, test_sequences: 4, validation_sequences: 8, steps: 100, span: 20.2,
     frequency: [0.8, 1.6], amplitude: [0.5, 1.5], warmup: 40, periods: 10}
  noisy:
    {seed: 4, sequences: 16, test_sequences: 4, validation_sequences: 8, steps: 100, span: 20.2,
     frequency: [0.8, 1.6], amplitude: [0.5, 1.5], noise: 0.05, warmup: 40, periods: 10}
models:
  linear: {dataset: phases, cell: linear}
  recurrence: {dataset: noisy, cell: linear, lags: 2}
  prony: {dataset: sines, cell: prony}
  sine_fit: {dataset: noisy, cell: sine_fit}
  rnn_adam:
    {dataset: sines, cell: rnn, precision: float32, attempts: 1,
     initial: {method: normal, sd: 0.001},
     training: [{phase: adam, iterations: 100, learning_rate: 0.01, carry_hidden_state: true}]}
  gru_adam:
    {dataset: noisy, cell: gru, hidden_size: 8, precision: float32, attempts: 1,
     initial: {method: uniform},
     training: [{phase: adam, iterations: 20, learning_rate: 0.01, batch: 4}]}
  lstm_adam:
    {dataset: noisy, cell: lstm, hidden_size: 8, num_layers: 2, attempts: 1,
     training: [{phase: adam, iterations: 20, learning_rate: 0.01, batch: 4}]}
  stable: {dataset: phases, cell: rnn, attempts: 2}
  rnn_ridge: {dataset: sines, cell: rnn, hidden_size: 40, attempts: 1}
  elman:
    {dataset: sines, cell: rnn, hidden_size: 8, attempts: 1,
     training: [{phase: ridge, warmup: 39, sequences: 16}, &free
       {phase: levenberg_marquardt, warmup: 40, free_steps: [1, 5, 20], sequences: 16, noise: 0.001,
        iterations: 5}]}
  gru: {dataset: sines, cell: gru, hidden_size: 6, attempts: 1, training: [*free]}
  lstm: {dataset: sines, cell: lstm, hidden_size: 6, attempts: 1, training: [*free]}
  innovation:
    {dataset: sines, cell: innovation, hidden_size: 3, attempts: 2,
     accept: {warmup: 40, periods: 10, rmse: 1.0e-6},
     training: [
       {phase: levenberg_marquardt, warmup: 40, sequences: 16, noise: 0.01, iterations: 10},
       {phase: levenberg_marquardt, warmup: 40, free_steps: [1, 10, 40], sequences: 16,
        iterations: 20}]}
  innovation_noisy:
    {dataset: noisy, cell: innovation, hidden_size: 4, memory_size: 2, products: 6, attempts: 1,
     accept: {warmup: 40, periods: 10, rmse: 1.0e-1},
     training: [{phase: levenberg_marquardt, warmup: 40, free_steps: [1, 10], sequences: 16,
        cap: 0.5, iterations: 10}]}
plot: {hero: [gru_adam, sine_fit], one_sine: [linear, stable], any_sine: innovation}
"""
CONTROL = "rnn_adam"
PROCESSORS = ("Haswell", "Skylake-Server", "EPYC", "EPYC-Milan")
INSTALL = (
    "qemu-x86_64 10 or newer is needed: `apt-get install qemu-user` on Debian 13 "
    "(Debian 12: from bookworm-backports), or --qemu FILE"
)
# Makes MKL believe that every processor is Intel's.
SHIM = "int mkl_serv_intel_cpu_true(void) { return 1; }\nint mkl_serv_intel_cpu(void) { return 1; }"
# All stages in one process: what a process starts itself would escape the emulation, and torch
# takes 15 s to import there. The arguments are the commands of dvc.lock.
RUNNER = """\
import runpy, shlex, sys
for command in sys.argv[1:]:
    _, _, module, *arguments = shlex.split(command)
    sys.argv = [module, *arguments]
    print(module, *arguments, flush=True)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


@dataclass(frozen=True)
class Machine:
    """A processor to run on: what stands before the command, and in its environment."""

    name: str
    prefix: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)


def run_on(machine: Machine, project: Project, commands: list[str]) -> str:
    """Run the commands of stages in a project on a machine; return what went wrong, if it did."""
    done = subprocess.run(
        [*machine.prefix, sys.executable, "-c", RUNNER, *commands],
        cwd=project.root,
        env=clean_environment() | machine.environment,
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return ""
    doing = (done.stdout.strip() or "start").splitlines()[-1]
    said = (done.stderr.strip() or "no message").splitlines()[-1]
    return f"exit code {done.returncode} after `{doing}`: {said}"


def clean_environment() -> dict[str, str]:
    """Return an environment without the pins: the stages have to set them."""
    return {key: ENVIRONMENT[key] for key in ENVIRONMENT.keys() - stages.PINNED_ENVIRONMENT.keys()}


def commands_of(project: Project) -> dict[str, str]:
    """Return the command of each stage as dvc.lock has it, in the order in which DVC ran them."""
    lock = YAML(typ="safe", pure=True).load(project.root / "dvc.lock")
    return {name: stage["cmd"] for name, stage in lock["stages"].items()}


def judge(machine: Machine, failure: str, here: dict[str, bytes], there: dict[str, bytes]) -> bool:
    """Print how many files agree; tell whether all do."""
    differ = [path for path in here.keys() | there.keys() if here.get(path) != there.get(path)]
    agree = f"{len(here.keys() - set(differ))} of {len(here)} files agree"
    if failure:
        agree += f"; {failure}"
    elif differ:
        agree += f"; first of those that differ: {', '.join(sorted(differ)[:3])}"
    print(f"{machine.name:24} {agree}", flush=True)
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


def control(folder: Path, machine: Machine, data: Project) -> bool:
    """Train with an unfused Adam here and on the machine; tell whether the models differ."""
    command = commands_of(data)[f"train@{CONTROL}"]
    found = []
    for where in (Machine("here"), machine):
        project = data.clone(folder / f"control {where.name}")
        project.edit("stages/training/adam.py", "fused=True", "fused=False")
        if failure := run_on(where, project, [command]):
            print(f"negative control: {failure}")
            return False
        found.append((project.root / f"models/{CONTROL}.safetensors").read_bytes())
    same = found[0] == found[1]
    print(f"negative control         {'AGREES, so nothing is proved' if same else 'differs'}")
    return not same


def processor() -> str:
    """Return the name of this machine's processor, and whether it has AVX-512."""
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    has = "with" if "avx512f" in stages.processor_features() else "without"
    return f"{model[1] if model else 'unknown'} {has} AVX-512"


def compare_all(folder: Path, qemu: str, processors: list[str], params: str) -> bool:
    """Run everything and print the verdicts; tell whether all is as it must be."""
    reference = make_project(folder / "here", params)
    untouched = reference.clone(folder / "untouched")
    reference.run("dvc", "repro")
    here, commands = outputs(reference), commands_of(reference)
    print(f"{'here':24} {processor()}, {len(here)} files", flush=True)
    machines = [Machine(name, [qemu, "-cpu", name]) for name in processors]
    if intel := forced_intel(folder):
        machines.insert(0, intel)

    def tried(machine: Machine) -> tuple[str, dict[str, bytes]]:
        project = untouched.clone(folder / machine.name)
        return run_on(machine, project, list(commands.values())), outputs(project)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(tried, machines)
        good = [
            judge(machine, failure, here, there)
            for machine, (failure, there) in zip(machines, results, strict=True)
        ]
    if params != PARAMS:
        return all(good)
    return control(folder, machines[-1], reference) and all(good)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.emulated_processors", description=__doc__
    )
    parser.add_argument("--qemu", default=shutil.which("qemu-x86_64"), help="the emulator to use")
    parser.add_argument("--cpu", nargs="+", default=PROCESSORS, help="names that it knows")
    parser.add_argument("--params", type=Path, help="run another params.yaml than the small one")
    arguments = parser.parse_args()
    try:
        said = subprocess.run([arguments.qemu, "--version"], capture_output=True, text=True).stdout
    except (OSError, TypeError):
        print(INSTALL, file=sys.stderr)
        sys.exit(2)
    print(said.splitlines()[0])
    signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    with tempfile.TemporaryDirectory(prefix="cpus-") as name:
        params = arguments.params.read_text() if arguments.params else PARAMS
        sys.exit(0 if compare_all(Path(name), arguments.qemu, arguments.cpu, params) else 1)


if __name__ == "__main__":
    main()
