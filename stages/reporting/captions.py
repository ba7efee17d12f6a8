"""The captions of the figures, in the order of the page: a short one, and the text below."""

CAPTIONS = {
    "hero": (
        "Free runs of two networks on one unseen sine, and the truth",
        "One sine that no network has seen. Both networks are given the past (dots), then their "
        "own outputs (lines). The periods in the legend are the median of all test sequences: how "
        "long the error stays below 0.4 of the amplitude.",
    ),
    "horizons": (
        "RMSE of the free run against the horizon, for each task of sines",
        "The RMSE of the free run up to the horizon, all test sequences pooled. Networks are "
        "solid lines, methods without a network dashed ones. The dotted line is the Cramér–Rao "
        "bound: the least error that the noisy past allows.",
    ),
    "series": (
        "The last test forecast of each measured series, and MASE by step ahead",
        "Left: the end of the series (dots) and the true values (grey). The forecasts are those of "
        "the best network, with its intervals, and of the best method without one. Right: the MASE "
        "at each step ahead, over all test origins. Methods without a network are dashed. The "
        "seasonal naive is black.",
    ),
    "data": (
        "Sequences of each dataset, and the distributions of their parameters",
        "Training sequences of sines: dots are the values, lines the sines without noise. Beside "
        "them: how all training sequences spread over phase, frequency and amplitude. A measured "
        "series is shown whole, its validation and test parts shaded.",
    ),
    "memory": (
        "One-step predictions with the hidden state kept, and wiped at every step",
        "Why a network has a hidden state. With h(t-1) wiped at every step (crosses) the "
        "prediction depends on x(t) alone. But x(t) does not determine whether the sine rises or "
        "falls.",
    ),
    "hidden": (
        "Hidden units over two periods, and their orbit in two principal components",
        "Left: hidden units under the true past. Right: the same h(t) in two principal "
        "components, where a periodic state is a closed orbit (grey). The line is the free run, "
        "from the dot on. A free run that leaves the grey orbit has a different waveform.",
    ),
    "inferred": (
        "A memory unit over the warm-up, and against the frequency of each test sequence",
        "The memory of the innovation cell. Left: it settles during the warm-up. Right: its value "
        "after the warm-up is a smooth function of the frequency, which is not an input of the "
        "network. In the free run the memory is constant to the last bit.",
    ),
    "hard": (
        "The error of each test sequence over the plane of frequency and amplitude",
        "Which sines are hard. A dot is a test sequence, its colour the RMSE over ten periods.",
    ),
    "stability": (
        "Multipliers of the closed loop, and errors one step ahead and at the horizon",
        "Left: a multiplier is the factor by which a small disturbance of the free run grows in a "
        "period. One multiplier is 1, as a shift in phase neither grows nor decays. Where all "
        "others are below 1, the orbit is stable. Right: a small error one step ahead does not "
        "imply a small error at the horizon.",
    ),
    "training": (
        "Loss against training steps seen, by kind of phase",
        "The loss of each trained model, a panel for each kind of phase. Each phase and attempt "
        "begins a new line, as its loss averages other residuals. Losses near 1 are of residuals "
        "divided by their running RMS. Dashes differ by task. Training steps seen measure the "
        "work, alike on every machine.",
    ),
}
