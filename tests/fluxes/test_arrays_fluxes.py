"""Every face of every flux in every array library: the numbers of NumPy, special ones included."""

import numpy as np
import pytest
from array_libraries import agree

from stabkit import fluxes
from stabkit.fluxes import activations
from stabkit.fluxes.flux import (
    Facts,
    from_activation,
    from_diffusivity,
    from_regulariser,
    from_shrinkage,
)

# Written with + − · / √, comparisons and squares only, all correctly rounded: equal bits anywhere.
ARITHMETIC = [
    fluxes.identity(), fluxes.scaled_identity("-1/3"), fluxes.charbonnier("3/2"),
    fluxes.soft("1/2"), fluxes.garrote(2), fluxes.hard("1/2"), fluxes.rational("3/2"),
    fluxes.firm(1, 3), fluxes.tukey(2), fluxes.relu(), fluxes.leaky_relu("1/10"),
    activations.clip("-1/2", 2), activations.hard_swish(),
]
# With exp, tanh, erf or higher powers, which libraries round differently.
OTHERS = [
    fluxes.perona_malik("3/2"), fluxes.weickert(2), fluxes.tanh(), fluxes.cubic(),
    activations.sigmoid(), activations.softplus(), activations.elu("1/2"), activations.silu(),
    activations.gelu(), activations.mish(), activations.error_function(),
]
FACTS = Facts(True, (0, 1), (0, 1))
OWN = [
    from_activation(lambda s: s / np.sqrt(1 + s**2), FACTS, diffusivity_at_zero=1),
    from_diffusivity(lambda s: 1 / (1 + s**2), FACTS),
    from_shrinkage(lambda r: r / (1 + r**2), FACTS),
    from_regulariser(lambda s: np.log(1 + s**2), FACTS),
]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, 1e-30, -1e30, 1e300, 0.5, -0.5, 1.0, 2.0,
           3.0, -3.0]


def arguments(dtype):
    rng = np.random.default_rng(4)
    with np.errstate(over="ignore"):
        return np.concatenate([SPECIAL, 3 * rng.standard_normal(17)]).astype(dtype)


def faces(flux):
    closed = all(piece.regulariser for piece in flux.pieces)
    return ["activation", "diffusivity", "slope", "shrinkage", *["regulariser"] * closed]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("flux", [*ARITHMETIC, *OTHERS], ids=str)
def test_faces(xp, flux, dtype):
    """The faces at 0, −0, ±∞, NaN, breakpoints, the smallest and huge numbers and random ones."""
    s = arguments(dtype)
    for face in faces(flux):
        with np.errstate(all="ignore"):
            reference = getattr(flux, face)(s)
            mine = xp.host(getattr(flux, face)(xp.array(s)))
        exact = flux in ARITHMETIC and face != "regulariser"
        agree(mine, reference, exactly=exact or xp.computes_like_numpy())


@pytest.mark.parametrize("flux", OWN, ids=["activation", "diffusivity", "shrinkage", "regulariser"])
def test_fluxes_from_one_face(xp, flux):
    s = arguments(float)
    with np.errstate(all="ignore"):
        for face in ("activation", "diffusivity"):
            reference = getattr(flux, face)(s)
            agree(xp.host(getattr(flux, face)(xp.array(s))), reference,
                  exactly=xp.computes_like_numpy())


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (0, 3), (2, 3), (2, 0, 2), ()], ids=str)
def test_shapes(xp, shape):
    s = np.random.default_rng(5).standard_normal(shape)
    s = np.asarray(s)
    reference = np.asarray(fluxes.soft("1/2")(s))
    agree(np.asarray(xp.host(fluxes.soft("1/2")(xp.array(s)))), reference, exactly=True)


def test_views(xp):
    """Transposed and strided arrays; the argument is left alone."""
    s = np.random.default_rng(6).standard_normal((6, 8)).T[::2, ::-1]
    before = s.copy()
    for flux in (fluxes.rational(), fluxes.firm()):
        agree(xp.host(flux(xp.array(s))), flux(s), exactly=True)
    assert (s == before).all()


def test_a_regulariser_without_closed_form_is_integrated_on_the_host(xp):
    """Ψ of Weickert's flux by quadrature: the same numbers, home in the library of its argument."""
    s = np.array([-2.0, 0.0, 0.5, 3.0])
    flux = fluxes.weickert()
    agree(xp.host(flux.regulariser(xp.array(s))), flux.regulariser(s), exactly=True)
