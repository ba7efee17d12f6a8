"""The captions of the figures: by name, the text for who cannot see it, and the text below it."""

CAPTIONS = {
    "hero": (
        "Free runs of two networks on one unseen sine in noise, and the truth",
        "One sine that no network has seen. Both networks are given the past (dots), then their "
        "own outputs (lines). The periods until the error exceeds 0.4 of the amplitude are the "
        "median of all test sequences.",
    ),
    "horizons": (
        "RMSE of the free run against the horizon, for each task of sines",
        "The RMSE of the free run over all steps up to the horizon, all test sequences pooled. "
        "Networks are solid lines, methods without a network are dashed. The dotted line is the "
        "Cramér–Rao bound: the least error that the noisy past allows.",
    ),
    "series": (
        "The last test forecast of each measured series, and MASE by step ahead",
        "Left: the end of the series (dots), the values that came (grey), and the forecasts of the "
        "best network and of the best method without one. The shaded intervals are the network's. "
        "Right: the MASE at each step ahead, over all test origins. Dashed lines are methods "
        "without a network; the seasonal naive is black.",
    ),
    "data": (
        "Sequences of each dataset, and the distributions of their parameters",
        "Some training sequences of each dataset of sines: dots are the values, lines the sines "
        "without noise. Beside them: how the training sequences spread over phase, frequency and "
        "amplitude. A measured series is shown whole, with its validation and test parts shaded.",
    ),
    "memory": (
        "One-step predictions with the hidden state kept, and wiped at every step",
        "Why a network has a hidden state. With h(t-1) wiped at every step (crosses) the "
        "prediction depends on x(t) alone. But x(t) does not determine whether the sine rises or "
        "falls.",
    ),
    "hidden": (
        "Hidden units over two periods, and their orbit in two principal components",
        "Left: hidden units h(t) under the true past. Right: the same h(t) in its first two "
        "principal components, where a periodic state is a closed orbit (grey). The line is the "
        "free run from the dot on. A line that leaves the grey orbit is another wave than the "
        "truth.",
    ),
    "inferred": (
        "A memory unit over the warm-up, and against the frequency of each test sequence",
        "The memory of the innovation cell. Left: it settles during the warm-up. Right: its value "
        "after the warm-up is a smooth function of the frequency, which is not an input. In the "
        "free run it is constant to the last bit.",
    ),
    "hard": (
        "The error of each test sequence over the plane of frequency and amplitude",
        "Which sines are hard. Each dot is a test sequence; its colour is the RMSE of the free run "
        "over ten periods.",
    ),
    "stability": (
        "Multipliers of the closed loop, and errors one step ahead and at the horizon",
        "Left: a multiplier is the factor by which a small disturbance of the free run grows in a "
        "period. One multiplier is 1: a shift in phase neither grows nor decays. Where all others "
        "are below 1, the free run is a stable orbit. Right: a small error one step ahead does not "
        "imply a small error at the horizon.",
    ),
    "training": (
        "Loss against training steps seen, by kind of phase",
        "The loss of each trained model, in a panel for each kind of phase. Training steps seen "
        "measure the work, alike on every machine. Each phase and each attempt begins a new line, "
        "as its loss averages other residuals. Dashes differ by task. Losses near 1 are of residuals divided by their "
        "running RMS.",
    ),
}
