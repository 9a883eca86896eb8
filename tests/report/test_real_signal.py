"""Every scheme on a recorded signal: the electrocardiogram that PyWavelets ships, 1024 samples."""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
import pywt

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.errors import InvalidArgument
from stabkit.operators import MIRRORED, NATURAL, PERIODIC, difference, stable_step
from stabkit.schemes import (
    FSI,
    Chain,
    Explicit,
    FixedPoint,
    HaarShrinkage,
    Implicit,
    Linear,
    Pointwise,
    Regularisation,
    ResidualBlock,
    cycle_spun_haar,
    repeat,
)
from stabkit.stability.decide import decide
from stabkit.stability.notions import CONTRACTION, CONTRAST, EUCLIDEAN, RANGE, SIGN, Energy, energy
from stabkit.stability.property import Stable
from stabkit.stability.verdict import PROVED

RECORDED = pywt.data.ecg()
N = RECORDED.size
# Thousandths of the median-free recording, so that it changes sign; exact and in floats.
EXACT = fractions((RECORDED - int(np.median(RECORDED))).tolist())
ECG = EXACT.astype(float)
SHIFTED = np.roll(ECG, 7) + 0.5
K, SECOND = difference(1, N), difference(2, N, 1, NATURAL)
HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
LAMBDA = 20  # the jumps of the recording have sizes from 0 to about 200

FLUXES = {
    "identity": fluxes.identity(), "charbonnier": fluxes.charbonnier(LAMBDA),
    "soft": fluxes.soft(LAMBDA), "perona_malik": fluxes.perona_malik(LAMBDA),
    "garrote": fluxes.garrote(LAMBDA), "rational": fluxes.rational(LAMBDA),
    "hard": fluxes.hard(LAMBDA), "weickert": fluxes.weickert(LAMBDA),
    "firm": fluxes.firm(LAMBDA, 3 * LAMBDA), "relu": fluxes.relu(),
    "leaky_relu": fluxes.leaky_relu(), "tanh": fluxes.tanh(),
}
CONTINUOUS = [name for name, flux in FLUXES.items() if flux.facts.continuous]


def holds(scheme, notion, *signals):
    """The margin of float signals is not negative beyond rounding (relative to their size)."""
    parts = [part[None] for signal in signals for part in scheme.pair(signal)]
    return float(notion.margins(*parts)[0]) >= -1e-12


def test_the_recording():
    """1024 integers, which change sign after the median is taken off."""
    assert RECORDED.shape == (1024,) and RECORDED.dtype.kind == "i"
    assert np.ptp(ECG) > 100 and (np.sign(ECG) == -1).any() and (np.sign(ECG) == 1).any()


@pytest.mark.parametrize("name", CONTINUOUS)
def test_explicit_steps_inside_their_bounds(name):
    """‖·‖ at 2/(L‖K‖²), energy likewise, range at 1/(2 sup g), signs at 1/(4 sup g)."""
    flux = FLUXES[name]
    within = Explicit(K, flux, stable_step(K, flux.facts.lipschitz))
    assert holds(within, EUCLIDEAN, ECG)
    if flux.facts.odd and name not in ("weickert", "firm", "tanh"):  # a closed form of Ψ
        assert holds(within, energy(Energy(K, flux)), ECG)
    top = flux.facts.sup_diffusivity
    assert holds(Explicit(K, flux, 1 / (2 * top)), RANGE, ECG)
    assert holds(Explicit(K, flux, 1 / (4 * top)), SIGN, ECG)
    if flux.facts.monotone:
        assert holds(within, CONTRACTION, ECG, SHIFTED)
        assert holds(Explicit(K, flux, HALF), CONTRAST, ECG)


@cache
def step_of_second():
    """2/‖K‖² of the second difference, whose norm is bounded by eigenvalues: seconds of work."""
    return stable_step(SECOND)


SCHEMES = {
    "FSI": lambda: FSI(K, FLUXES["identity"], stable_step(K), 12),
    "FSI frozen": lambda: FSI(K, FLUXES["perona_malik"], stable_step(K), 12, frozen=True),
    "FixedPoint": lambda: FixedPoint(K, FLUXES["garrote"], stable_step(K) / 2, 5),
    "Implicit monotone": lambda: Implicit(K, FLUXES["soft"], 30),
    "Implicit": lambda: Implicit(K, FLUXES["perona_malik"], 5),
    "HaarShrinkage": lambda: HaarShrinkage(FLUXES["garrote"], N),
    "HaarShrinkage periodic": lambda: HaarShrinkage(FLUXES["hard"], N, PERIODIC),
    "ResidualBlock": lambda: ResidualBlock(K, -QUARTER * K.T, FLUXES["soft"]),
    "repeat": lambda: repeat(Explicit(K, FLUXES["garrote"], HALF), 50),
    "Linear": lambda: Linear(difference(0, N)),
}
OF_SECOND_ORDER = {
    "FSI frozen": lambda: FSI(SECOND, FLUXES["charbonnier"], step_of_second(), 8, frozen=True),
    "Explicit": lambda: Explicit(SECOND, FLUXES["garrote"], step_of_second()),
    "Chain": lambda: Chain([Explicit(K, FLUXES["rational"], HALF), Pointwise(FLUXES["relu"], N),
                            Explicit(SECOND, FLUXES["soft"], step_of_second())]),
}


@pytest.mark.parametrize("make", [
    *(pytest.param(make, id=name) for name, make in SCHEMES.items()),
    *(pytest.param(make, id=f"{name} of second order", marks=pytest.mark.slow)
      for name, make in OF_SECOND_ORDER.items())])
def test_every_scheme_keeps_the_norm(make):
    """Inside its bound no scheme lengthens the recording; float32 agrees; a batch is its rows."""
    scheme = make()
    out = scheme(ECG)
    assert np.isfinite(out).all() and np.linalg.norm(out) <= np.linalg.norm(ECG) * (1 + 1e-12)
    single = scheme(ECG.astype(np.float32))
    assert single.dtype == np.float32
    assert np.linalg.norm(single - out) <= 1e-2 * np.linalg.norm(ECG)
    assert np.abs(scheme(np.stack([ECG, SHIFTED]))[0] - out).max() <= 1e-8 * np.abs(out).max()


@pytest.mark.parametrize("name", ["identity", "soft", "garrote", "hard", "firm", "relu"])
def test_notions_in_exact_arithmetic(name):
    """The integers of the recording through one step in fractions: margins without rounding."""
    flux = FLUXES[name]
    up = Explicit(K, flux, HALF)(EXACT)
    assert EUCLIDEAN.margin(EXACT, up) >= 0 and RANGE.margin(EXACT, up) >= 0
    assert SIGN.margin(EXACT, Explicit(K, flux, QUARTER)(EXACT)) >= 0
    assert sum(up) == sum(EXACT)  # the mean is kept
    assert np.abs(Explicit(K, flux, HALF)(ECG) - up.astype(float)).max() < 1e-10


def test_steps_beyond_their_bounds_fail_on_the_recording():
    """At τ = 3/2 a step of linear diffusion leaves the range; at 1 the norm of noise grows."""
    assert not holds(Explicit(K, FLUXES["identity"], Fraction(3, 2)), RANGE, ECG)
    noise = ECG + 100 * (-1.0) ** np.arange(N)
    assert not holds(Explicit(K, FLUXES["identity"], 1), EUCLIDEAN, noise)


@pytest.mark.parametrize("mode", ["soft", "garrote", "hard"])
@pytest.mark.parametrize("threshold", [5, 20, 80])
def test_shrinkage_is_what_pywavelets_computes(mode, threshold):
    """Shift-invariant Haar shrinkage on the finest scale: swt, threshold at q/√2, iswt; also from
    the wavelet side, and as one explicit step with τ = 1/4."""
    flux = getattr(fluxes, mode)(threshold)
    ((low, high),) = pywt.swt(ECG, "haar", level=1)
    theta = threshold / np.sqrt(2)
    # Differences of integers never meet the threshold θ√2 = q by rounding alone, but may equal it.
    high = np.where(np.abs(np.abs(high) - theta) < 1e-9, 0, pywt.threshold(high, theta, mode))
    wanted = pywt.iswt([(low, high)], "haar")
    found = HaarShrinkage(flux, N, PERIODIC)(ECG)
    assert np.abs(found - wanted).max() <= 1e-9
    if mode != "hard":  # it jumps where rounding decides
        spun = cycle_spun_haar(ECG, flux.shrinkage)
        assert np.abs(found - spun).max() <= 1e-9
    step = Explicit(difference(1, N, 1, PERIODIC), flux, QUARTER)(ECG)
    assert np.abs(found - step).max() <= 1e-9
    mirrored = HaarShrinkage(flux, N, MIRRORED)(ECG)
    assert np.abs(mirrored - Explicit(K, flux, QUARTER)(ECG)).max() <= 1e-9


def test_regularisation_of_the_recording():
    """The minimiser of E beats the recording and its neighbours, and solves the implicit step."""
    model = Regularisation(K, FLUXES["charbonnier"], 10)
    u = model.minimise(ECG)
    assert np.abs(model.gradient(u, ECG)).max() <= 1e-8 * np.abs(ECG).max()
    assert np.abs(u - Implicit(K, FLUXES["charbonnier"], 10)(ECG)).max() <= 1e-9
    rng = np.random.default_rng(0)
    for v in (ECG, SHIFTED, *(u + rng.standard_normal((5, N)))):
        assert model.energy(v, ECG) > model.energy(u, ECG)
    assert ECG.min() <= u.min() and u.max() <= ECG.max()


def test_the_recording_takes_part_in_deciding():
    """Windows of the recording are tried first; a proved statement stays proved."""
    windows = ECG[:1000].reshape(-1, 8)
    step = Explicit(difference(1, 8), FLUXES["garrote"], HALF)
    assert decide(Stable(step, EUCLIDEAN), signals=windows).status is PROVED
    for window in windows[:40]:
        assert holds(step, EUCLIDEAN, window) and holds(step, RANGE, window)


def test_integers_are_refused_with_advice():
    """The recording is an array of integers; the message says how to convert it."""
    with pytest.raises(InvalidArgument, match=r"u: dtype .* convert with u.astype\(float\)"):
        Explicit(K, FLUXES["soft"], QUARTER)(RECORDED)
