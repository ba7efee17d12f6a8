"""The Cramér–Rao bound of a sine in noise: how well its past determines its future.

Source: Rife and Boorstyn 1974, "Single-tone parameter estimation from discrete-time observations".
This code has the exact sums for a real sine; the source approximates them for many values.
"""

import numpy as np
from numpy.typing import NDArray

from stages.signals.sines import Floats, Sines

BLOCK = 1024  # time steps that are in memory at one time


def fisher_information(sines: Sines, *, noise: float, warmup: int) -> Floats:
    """Compute the Fisher information of amplitude, frequency and phase: (batch, 3, 3).

    The warm-up is the time steps 0 … warmup - 1. noise: standard deviation of white Gaussian noise.
    frequency: ωΔ [rad per time step]. phase: at step 0 [rad].
    Raises ValueError where the noise is not above 0 or the warm-up has fewer than three values.
    """
    if not noise > 0 or warmup < 3:
        raise ValueError(f"expected noise > 0 and warmup >= 3, got {noise} and {warmup}")
    k = np.arange(warmup)
    angle = sines.angle(k)
    by_phase = sines.amplitude[:, None] * np.cos(angle)
    gradient = np.stack((np.sin(angle), k * by_phase, by_phase), axis=-1)
    return np.einsum("btp,btq->bpq", gradient, gradient) / noise**2


def covariance(sines: Sines, *, noise: float, warmup: int) -> Floats:
    """Invert the Fisher information: the least covariance of unbiased estimates."""
    return np.linalg.inv(fisher_information(sines, noise=noise, warmup=warmup))


def forecast_squares(sines: Sines, covariances: Floats, steps: NDArray[np.int64]) -> Floats:
    """Compute the mean square error of forecasts at the time steps k: (batch, time).

    A forecast is â sin(φ̂ + ω̂k). Its three estimates are Gaussian around the truth, with the
    covariances (batch, 3, 3). The mean square error is exact, not linearised: once the phase is off
    by more than a turn, it stays at about that of an unrelated sine. While the phase error is
    small, the result is the bound of unbiased forecasts. Later it is the error of forecasts from
    the best unbiased estimates; forecasts shrunk towards zero have less.
    """
    a = sines.amplitude[:, None]
    theta = sines.angle(steps)
    var_a, cov_aw, cov_ap = (covariances[:, 0, i][:, None] for i in range(3))
    var_w, cov_wp, var_p = (covariances[:, i, j][:, None] for i, j in ((1, 1), (1, 2), (2, 2)))
    # Of the angle φ̂ + ω̂k: its variance, and its covariance with â.
    var = var_p + 2 * steps * cov_wp + steps**2 * var_w
    cov = cov_ap + steps * cov_aw
    # E[â² sin²] and E[â sin] from the characteristic function of a Gaussian.
    single, double = np.exp(-var / 2), np.exp(-2 * var)
    square = (a**2 + var_a) / 2 - double / 2 * (
        (a**2 + var_a - 4 * cov**2) * np.cos(2 * theta) - 4 * a * cov * np.sin(2 * theta)
    )
    product = single * (a * np.sin(theta) + cov * np.cos(theta)) * a * np.sin(theta)
    # Rounding may make a difference of nearly equal numbers negative.
    return np.maximum(square - 2 * product + (a * np.sin(theta)) ** 2, 0.0)


def forecast_rmse(sines: Sines, counts: NDArray[np.int64], *, noise: float, warmup: int) -> float:
    """Compute the root mean square error of the best forecasts after the warm-up.

    counts: steps of each sequence after the warm-up, (batch,). All steps of all sequences are
    pooled, as in the RMSE of a free run. Raises what `fisher_information` does.
    """
    if counts.shape != sines.phase.shape:
        raise ValueError(f"expected counts {sines.phase.shape}, got {counts.shape}")
    covariances = covariance(sines, noise=noise, warmup=warmup)
    total = 0.0
    for start in range(0, int(counts.max()), BLOCK):
        steps = np.arange(start, min(start + BLOCK, int(counts.max())))
        squares = forecast_squares(sines, covariances, warmup + steps)
        total += float(squares[steps < counts[:, None]].sum())
    return float(np.sqrt(total / counts.sum()))
