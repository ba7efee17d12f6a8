"""Exponential smoothing: its form by AICc, its smoothing by maximum likelihood.

Source: Hyndman, Koehler, Ord and Snyder 2008, "Forecasting with exponential smoothing", with
additive errors. statsmodels fits the smoothing, and is imported for that alone.
"""

import warnings
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np

from stages.baselines.forecaster import Forecaster, check_past
from stages.signals.series import Series
from stages.signals.sines import Floats

TRENDS = ("none", "additive", "damped")
DECIMALS = 4  # of the smoothing: the optimiser's further digits depend on the processor


@dataclass(frozen=True)
class Ets(Forecaster):
    """ŷ = l + φb + s, or (l + φb)·s where the season is multiplicative; e = y - ŷ.

    l ← l + φb + αe, b ← φb + βe, s ← s + γe. With a multiplicative season, l and b take e/s in
    place of e, and then s takes e/l. trend: none, additive, damped. seasonal: none, additive,
    multiplicative. smoothing: α, β, γ, φ, (4,).
    """

    trend: str
    seasonal: str
    season: int
    smoothing: Floats

    @classmethod
    def fit(cls, series: Series) -> Self:
        """Fit all forms to the training part; choose the one with the least AICc.

        Raises ValueError where no form can be fitted.
        """
        x = series.training / series.training.std()
        seasonals = ["none"]
        if series.season > 1:
            seasonals += ["additive", "multiplicative"] if x.min() > 0 else ["additive"]
        fits = [(*fitted(x, *form, series.season), form) for form in product(TRENDS, seasonals)]
        aicc, smoothing, form = min(fits, key=lambda fit: fit[0])
        if np.isinf(aicc):
            raise ValueError(f"expected a form that fits, got none for {len(x)} training values")
        return cls(*form, series.season, smoothing)

    @property
    def parameters(self) -> int:
        """Count the smoothing parameters that the form has, of α, β, γ and φ."""
        return 1 + TRENDS.index(self.trend) + (self.seasonal != "none")

    @np.errstate(over="ignore", invalid="ignore", divide="ignore")  # it may diverge
    def forecast(self, past: Floats, horizon: int) -> Floats:
        alpha, beta, gamma, phi = self.smoothing
        m, multiplies = self.season, self.seasonal == "multiplicative"
        check_past(past, m + 1)
        level, slope, seasons = self._initial(past[:, :, 0])
        for t, y in enumerate(past[:, :, 0].T):
            line, s = level + phi * slope, seasons[:, t % m]
            e = y - (line * s if multiplies else line + s)
            relative = e / s if multiplies else e
            level = line + alpha * relative
            slope = phi * slope + beta * relative
            seasons[:, t % m] = s + gamma * (e / level if multiplies else e)
        line = level[:, None] + slope[:, None] * np.cumsum(phi ** np.arange(1, horizon + 1))
        s = seasons[:, (past.shape[1] + np.arange(horizon)) % m]
        return (line * s if multiplies else line + s)[:, :, None]

    def _initial(self, y: Floats) -> tuple[Floats, Floats, Floats]:
        """Estimate level, slope (batch,) and seasons (batch, season) before a past (batch, time).

        They fit the past by least squares, with α = β = γ = 0.
        """
        time, m = y.shape[1], self.season
        has_slope, has_season = self.trend != "none", self.seasonal != "none"
        ramp = np.cumsum(self.smoothing[3] ** np.arange(1, time + 1)) * has_slope
        phases = (np.arange(time)[:, None] % m == np.arange(m)) * float(has_season)
        states = y @ np.linalg.pinv(np.column_stack((np.ones(time), ramp, phases))).T
        mean = states[:, 2:].mean(axis=1)
        level, slope, seasons = states[:, 0] + mean, states[:, 1], states[:, 2:] - mean[:, None]
        if self.seasonal == "multiplicative":
            ratios = y / (level[:, None] + slope[:, None] * ramp)
            seasons = np.stack([ratios[:, k::m].mean(axis=1) for k in range(m)], axis=1)
            seasons /= seasons.mean(axis=1, keepdims=True)
        return level, slope, seasons


def fitted(x: Floats, trend: str, seasonal: str, season: int) -> tuple[float, Floats]:
    """Fit the smoothing of a form; return its AICc, infinite where it fails, and the smoothing."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    has_season = seasonal != "none"
    try:
        model = ETSModel(
            x,
            trend=None if trend == "none" else "add",
            damped_trend=trend == "damped",
            seasonal=seasonal[:3] if has_season else None,
            seasonal_periods=season if has_season else None,
            initialization_method="heuristic",
        )
        with warnings.catch_warnings(action="ignore"):  # of convergence: AICc judges the result
            result = model.fit(disp=False)
    except (ValueError, np.linalg.LinAlgError):
        return np.inf, np.zeros(4)
    named = dict(zip(model.param_names, result.params, strict=True))
    values = [named.get(f"smoothing_{name}", 0.0) for name in ("level", "trend", "seasonal")]
    smoothing = np.round([*values, named.get("damping_trend", 1.0)], DECIMALS)
    # The initial states, too, are estimated from the values.
    k = len(named) + 1 + 1 + (trend != "none") + (season - 1) * has_season
    if not len(x) > k + 1 or np.isnan(result.llf):
        return np.inf, smoothing
    return -2 * result.llf + 2 * k * len(x) / (len(x) - k - 1), smoothing
