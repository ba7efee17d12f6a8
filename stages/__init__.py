"""The pipeline's stages, and the one place where determinism is set.

Importing this package fixes, before NumPy or torch is loaded, the environment variables on which
the bytes of a result depend. The caller's values are overridden: a result must not depend on them.
"""

import os
import sys

# Search the repository's folder last: a user's torch.py or random.py must not hide the library.
sys.path.sort(key=lambda folder: os.path.abspath(folder) == os.path.dirname(__path__[0]))

import platform
import re
import signal
from importlib import metadata
from pathlib import Path

INTERRUPTED = 130
LOCK = Path(__file__).parents[1] / "requirements.lock"

PINNED_ENVIRONMENT = {
    # MKL runs the same code for every processor vendor and every memory alignment.
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "avx2",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    # NumPy's exp, tanh, power … have other last digits where AVX-512 is used.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "MPLBACKEND": "agg",
    # Ignore the user's matplotlibrc: a damaged one stops matplotlib's import.
    "MATPLOTLIBRC": os.devnull,
}
# Set only on processors with AVX2: on others they would stop the process or be refused.
NEED_AVX2 = ("ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
# NumPy refuses to load where features are both enabled and disabled.
REMOVED = ("NPY_ENABLE_CPU_FEATURES",)
# Packages whose version can change the bytes of an output.
PACKAGES = "torch numpy scipy statsmodels pandas matplotlib pillow safetensors".split()


def processor_features() -> set[str]:
    """Read the processor's features from /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    flags = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return set(flags[1].split()) if flags else set()


def pins(machine: str, features: set[str]) -> dict[str, str]:
    """Select the variables of `PINNED_ENVIRONMENT` that suit a processor."""
    left_out = () if machine == "x86_64" and {"avx2", "fma"} <= features else NEED_AVX2
    return {key: value for key, value in PINNED_ENVIRONMENT.items() if key not in left_out}


def doubts() -> list[str]:
    """List the reasons why outputs may not match dvc.lock byte by byte; usually none."""
    reasons = []
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        reasons.append(f"this is {platform.system()} on {platform.machine()}, not Linux on x86_64")
    elif not {"avx2", "fma"} <= processor_features():
        reasons.append("the processor has no AVX2 and FMA")
    elif "CS_GNU_LIBC_VERSION" not in os.confstr_names or not os.confstr("CS_GNU_LIBC_VERSION"):
        reasons.append("the C library is not glibc")
    if "hwcaps" in os.environ.get("GLIBC_TUNABLES", ""):
        reasons.append("GLIBC_TUNABLES chooses other code in the C library")
    return reasons + other_versions(LOCK)


def other_versions(lock: Path) -> list[str]:
    """List the `PACKAGES` that are not installed in the version that the lock file pins."""
    try:
        pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", lock.read_text("utf-8"), re.MULTILINE))
    except OSError:
        return [f"{lock.name} is missing"]
    differences = []
    for name in PACKAGES:
        try:
            installed = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            installed = "not installed"
        if installed != pinned.get(name):
            differences.append(f"{name} is {installed}, not {pinned.get(name)}")
    return differences


def _pin_environment() -> None:
    """Set the variables of `PINNED_ENVIRONMENT` that suit the processor.

    Raises ImportError where NumPy or torch was already loaded under other values.
    """
    pinned = pins(platform.machine(), processor_features())
    unpinned = [key for key, value in pinned.items() if os.environ.get(key) != value]
    unpinned += [key for key in REMOVED if key in os.environ]
    loaded = [module for module in ("numpy", "torch") if module in sys.modules]
    if unpinned and loaded:
        raise ImportError(
            f"import stages before {' and '.join(loaded)}: "
            f"{', '.join(unpinned)} can no longer be set, and results would depend on the machine"
        )
    os.environ.update(pinned)
    for key in REMOVED:
        os.environ.pop(key, None)


def require_pinned(capability: str, threads: int) -> None:
    """Raise ImportError unless torch uses the pinned CPU capability and one thread."""
    wanted = os.environ.get("ATEN_CPU_CAPABILITY", capability).upper()
    if capability != wanted or threads != 1:
        raise ImportError(
            f"torch runs on {capability} and {threads} threads; expected {wanted} and 1"
        )


def _interrupted(*_: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted: the old outputs were left as they were", file=sys.stderr)
    sys.exit(INTERRUPTED)


_pin_environment()
# Handle Ctrl-C under `python -m stages.NAME` alone, and this early: importing torch takes long.
if sys.argv[0] == "-m" and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _interrupted)
