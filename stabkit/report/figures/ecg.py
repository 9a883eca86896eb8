"""A recorded electrocardiogram, denoised by each scheme beside what is certified about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from matplotlib.figure import Figure

from stabkit import fluxes
from stabkit.aliases import Signal
from stabkit.errors import InvalidArgument
from stabkit.installation import install
from stabkit.operators import NATURAL, difference
from stabkit.report.figures.style import BLUE, GREY, canvas, in_style
from stabkit.schemes import FSI, Explicit, HaarShrinkage, Implicit, Scheme, repeat
from stabkit.stability.decide import decide
from stabkit.stability.notions import EUCLIDEAN, RANGE, SIGN
from stabkit.stability.property import Stable

_CERTIFIED = 6
_CONTRAST = "1/25"

#: Per scheme: how it is made for n samples, and how many steps are taken (time about 4).
SCHEMES: Mapping[str, tuple[Callable[[int], Scheme], int]] = {
    r"explicit, soft, $\tau = 1/4$": (
        lambda n: Explicit(difference(1, n), fluxes.soft(_CONTRAST), "1/4"), 16),
    r"FSI, frozen soft, $\tau = 1/2$, $n = 4$": (
        lambda n: FSI(difference(1, n), fluxes.soft(_CONTRAST), "1/2", 4, frozen=True), 1),
    r"implicit, Charbonnier, $\tau = 4$": (
        lambda n: Implicit(difference(1, n), fluxes.charbonnier(_CONTRAST), "4"), 1),
    r"Haar shrinkage, soft, $\tau = 1/4$": (
        lambda n: HaarShrinkage(fluxes.soft(_CONTRAST), n), 16),
    r"fourth order, soft, $\tau = 1/8$": (
        lambda n: Explicit(difference(2, n, 1, NATURAL), fluxes.soft(_CONTRAST), "1/8"), 16),
}


@in_style
def ecg(samples: int = 400, noise: float = 0.05, seed: int = 0) -> Figure:
    """An electrocardiogram with added noise, denoised by each scheme.

    The recording is that of PyWavelets (the extra ``report``).  What stands beside
    the curves is decided for the same scheme on six samples.

    Parameters
    ----------
    samples : int
        How much of the recording is shown.
    noise : float
        Standard deviation of the added noise over the recording's largest value.
    seed : int
        Of the noise.
    """
    clean = recording()[:samples]
    noisy = clean + noise * np.random.default_rng(seed).standard_normal(len(clean))
    figure, panels = canvas(7.4, 1.18 * (len(SCHEMES) + 1), len(SCHEMES) + 1, 1, sharex=True,
                            sharey=True)
    panels[0].plot(noisy, color=GREY, linewidth=0.9)
    panels[0].set_title(f"with noise, error {_error(noisy, clean):.3f}", fontsize=8.5)
    for axes, (label, (make, steps)) in zip(panels[1:], SCHEMES.items(), strict=True):
        cleaned = repeat(make(len(clean)), steps)(noisy)
        axes.plot(clean, color=GREY, linewidth=0.8)
        axes.plot(cleaned, color=BLUE, linewidth=1.1)
        axes.set_title(f"{label}, {steps} ×: error {_error(cleaned, clean):.3f}.   "
                       f"{certificate(make)}", fontsize=8)
    panels[-1].set_xlabel("sample")
    figure.supylabel("electrocardiogram / its largest value", fontsize=8.5)
    return figure


def recording() -> np.ndarray:
    """The electrocardiogram of PyWavelets, its largest value 1 and its mean taken off."""
    try:
        import pywt.data
    except ImportError as error:
        raise InvalidArgument("ecg: the recording is part of PyWavelets; "
                              f"{install('report')}") from error
    values = pywt.data.ecg().astype(float)
    values -= values.mean()
    return values / np.abs(values).max()


def certificate(make: Callable[[int], Scheme]) -> str:
    """What is decided about one step of a scheme on a few samples, notion by notion."""
    told: dict[str, list[str]] = {}
    for notion in (EUCLIDEAN, RANGE, SIGN):
        status = decide(Stable(make(_CERTIFIED), notion), trials=2000).status
        told.setdefault(str(status), []).append(notion.name)
    return "; ".join(f"{status}: {', '.join(names)}" for status, names in told.items())


def _error(u: Signal, clean: np.ndarray) -> float:
    return float(np.sqrt(np.mean((u - clean) ** 2)))
