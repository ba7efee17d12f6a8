"""The pipeline's stages, and the one place where determinism is set.

Importing this package fixes, before NumPy or torch is loaded, every environment variable on which
the bytes of a result depend. The caller's values are overridden: a result must not depend on them.
"""

import os
import sys

PINNED_ENVIRONMENT = {
    # One path through MKL for every vendor of processors, whatever the alignment of the memory.
    "MKL_CBWR": "COMPATIBLE",
    "ATEN_CPU_CAPABILITY": "avx2",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_CORETYPE": "Haswell",
    # NumPy's exp, tanh, power … have other last digits where AVX-512 is used.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "MPLBACKEND": "agg",
}


def _pin_environment() -> None:
    """Set `PINNED_ENVIRONMENT`.

    Raises ImportError where NumPy or torch was already loaded under other values.
    """
    unpinned = [key for key, value in PINNED_ENVIRONMENT.items() if os.environ.get(key) != value]
    loaded = [module for module in ("numpy", "torch") if module in sys.modules]
    if unpinned and loaded:
        raise ImportError(
            f"import stages before {' and '.join(loaded)}: "
            f"{', '.join(unpinned)} can no longer be set, and results would depend on the machine"
        )
    os.environ.update(PINNED_ENVIRONMENT)


_pin_environment()
