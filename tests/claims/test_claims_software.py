"""The claims of public software: every verdict, and the packages themselves on the same inputs."""

from fractions import Fraction

import numpy as np
import pytest

from stabkit import EUCLIDEAN, RANGE, Explicit, InvalidArgument, Stable, decide, fluxes, registry
from stabkit.arithmetic.rational import fractions, is_psd
from stabkit.claims.settle import settle
from stabkit.claims.software.filters import itk_step
from stabkit.claims.software.images import EIGHT, fed_steps
from stabkit.claims.software.terrain import NEGATIVE, VARYING
from stabkit.operators import (
    channel_convolution,
    grid_differences,
    grid_gradient,
    tangential_differences,
)
from stabkit.replay import check
from stabkit.schemes import IsotropicExplicit

CLAIMS = {name.partition(".")[2]: claim for name, claim in registry(["software"]).items()}

# Wrong as documented, each with a counterexample; everything else is proved.
REFUTED = """
medpy_gamma_up_to_a_quarter_keeps_the_range
medpy_gamma_up_to_a_quarter_keeps_the_range_for_every_spacing
itk_time_steps_that_give_a_warning_are_unstable itk_default_curvature_step_is_the_maximum
opencv_alpha_between_0_and_1_keeps_the_range opencv_fed_reordering_is_a_permutation
skimage_tv_step_meets_the_condition_of_chambolle
xarray_spatial_accepted_diffusivities_keep_the_range xarray_spatial_guard_bounds_the_norm
landlab_dynamic_time_step_keeps_the_range fipy_largest_stable_time_step_keeps_the_range
pyamg_estimate_is_within_the_tolerance pyamg_estimate_is_an_upper_bound
torch_spectral_norm_makes_convolutions_nonexpansive
keras_spectral_normalization_makes_convolutions_nonexpansive
torch_orthogonal_makes_convolutions_nonexpansive
""".split()  # noqa: SIM905
PROVED = sorted(set(CLAIMS) - set(REFUTED))


@pytest.mark.parametrize("name", REFUTED)
def test_what_is_wrong_has_a_counterexample_that_replays(name):
    verdict = settle(CLAIMS[name], 512, 0)
    assert verdict.status == verdict.expected == "refuted"
    assert all(check(evidence) is None for evidence in verdict.evidence)


@pytest.mark.slow
@pytest.mark.parametrize("name", PROVED)
def test_what_is_right_is_proved_and_fails_just_beyond(name):
    """Every configuration has a certificate; where a bound is said to be sharp, a step 0.1 % (or
    as listed) beyond it is refuted."""
    claim = CLAIMS[name]
    assert claim.expected == "proved"
    for configuration in claim.configurations():
        assert decide(claim(**configuration), trials=128).status == "proved", configuration
    if claim.beyond:
        first = next(claim.configurations(beyond=True))
        assert decide(claim(**first), trials=128).status == "refuted"


def test_every_documented_claim_quotes_its_source_with_a_version():
    for claim in CLAIMS.values():
        assert claim.reading == "corrected" or claim.quote, claim.name
        assert any(character.isdigit() for character in claim.location), claim.name


def test_a_refuted_claim_has_its_corrected_twin_or_a_bound():
    alone = [name for name in REFUTED if f"{name}_corrected" not in CLAIMS]
    assert set(alone) == {
        "skimage_tv_step_meets_the_condition_of_chambolle",  # skimage_tv_step_is_nonexpansive
    }


@pytest.mark.parametrize("name, wrong", [
    ("medpy_gamma_up_to_a_quarter_keeps_the_range_corrected",
     dict(shape=(3, 3), flux=fluxes.rational(), ratio=Fraction(10001, 10000))),
    ("itk_range_bound", dict(spacing=("1", "1"), flux=fluxes.perona_malik(),
                             ratio=Fraction(10001, 10000))),
    ("opencv_alpha_between_0_and_1_keeps_the_range_corrected",
     dict(shape=(3, 3), flux=fluxes.perona_malik(), ratio=Fraction(10001, 10000))),
    ("xarray_spatial_guard_keeps_the_range", dict(alpha=("1",) * 9, ratio=Fraction(10001, 10000))),
    ("fipy_largest_stable_time_step", dict(n=3, ratio=Fraction(10001, 10000))),
    ("fipy_largest_stable_time_step_keeps_the_range_corrected",
     dict(n=3, ratio=Fraction(10001, 10000))),
    ("landlab_dynamic_time_step_keeps_the_range_corrected",
     dict(courant="251/1000", place="a pit")),
    ("pyamg_jacobi_bears_an_estimate_from_below", dict(n=4, part=Fraction(6666, 10000))),
    ("pyamg_chebyshev_bears_an_estimate_from_below", dict(reach=Fraction(11334, 10000))),
])
def test_a_constant_that_is_slightly_wrong_is_refuted(name, wrong):
    assert decide(CLAIMS[name](**wrong)).status == "refuted"


# -- the isotropic scheme -------------------------------------------------------------------------
def loop_itk(u, tau, contrast, spacing):
    """Edge by edge: flux exp(−|∇u|²/(2λ²)) δ/s, with |∇u|² from δ/s and from the means of the
    central differences at both ends of the edge, samples repeated at the boundary."""
    padded = np.pad(u, 1, mode="edge")
    central = [(np.roll(padded, -1, a) - np.roll(padded, 1, a))[(slice(1, -1),) * u.ndim]
               / (2 * spacing[a]) for a in range(u.ndim)]
    out = u.copy()
    for p in np.ndindex(u.shape):
        for a in range(u.ndim):
            q = tuple(c + (i == a) for i, c in enumerate(p))
            if q[a] >= u.shape[a]:
                continue
            delta = (u[q] - u[p]) / spacing[a]
            size = delta**2 + sum(((central[j][p] + central[j][q]) / 2) ** 2
                                  for j in range(u.ndim) if j != a)
            flow = tau * np.exp(-size / (2 * contrast**2)) * delta
            out[p] += flow
            out[q] -= flow
    return out


@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 4, 3)])
def test_the_isotropic_step_is_the_loop(shape):
    u = np.random.default_rng(0).standard_normal(shape)
    step = IsotropicExplicit(grid_gradient(shape), fluxes.perona_malik(2), "1/9",
                             tangential_differences(shape))
    assert step(u.ravel()) == pytest.approx(
        loop_itk(u, 1 / 9, 2, (1,) * u.ndim).ravel(), abs=1e-13)


def test_the_isotropic_step_is_the_explicit_one_in_one_dimension():
    """Without other axes |∇u| = |K u|, exactly."""
    u = fractions(["1", "-1/2", "3", "0"])
    K, flux = grid_gradient(4), fluxes.rational()
    assert (IsotropicExplicit(K, flux, "1/3")(u) == Explicit(K, flux, "1/3")(u)).all()


def test_no_certificate_of_the_explicit_step_is_borrowed():
    """The coupled step is no gradient step of Σ Ψ, and differences may grow: at τ = 1/4 on 3 x 3
    pixels the range and the norm are certified, contraction is refuted."""
    from stabkit import CONTRACTION
    step = itk_step(("1", "1"), fluxes.charbonnier(), Fraction(1, 4))
    assert [decide(Stable(step, notion)).status for notion in (RANGE, EUCLIDEAN)] == ["proved"] * 2
    assert decide(Stable(step, CONTRACTION), trials=256).status != "proved"


def test_operators_across_must_fit():
    with pytest.raises(InvalidArgument, match="across"):
        IsotropicExplicit(grid_gradient((2, 2)), fluxes.identity(), 1, [grid_gradient((2, 3))])


# -- the packages ---------------------------------------------------------------------------------
def witness(what):
    """The exact input that a decision found, and its decision."""
    found = decide(what)
    assert found.status == "refuted"
    return np.array([float(Fraction(entry)) for entry in found.evidence[0].data["given"]["u"]])


def leaves_its_range(before, after):
    return after.min() < before.min() or after.max() > before.max()


@pytest.mark.parametrize("option, flux, kappa", [
    (1, fluxes.perona_malik(), 2**0.5), (2, fluxes.rational(), 1.0),
    (3, fluxes.tukey(), 2**-0.5)])
@pytest.mark.parametrize("shape, spacing", [((7,), None), ((4, 5), None), ((3, 4, 3), None),
                                            ((5,), (0.25,)), ((4, 3), (4.0, 4.0))])
def test_medpy_is_its_model(option, flux, kappa, shape, spacing):
    """One step on a random image, to single precision; a spacing s divides the flux once."""
    medpy = pytest.importorskip("medpy.filter.smoothing", reason="needs medpy")
    u = np.random.default_rng(1).standard_normal(shape)
    h = 1 if spacing is None else Fraction(spacing[0] ** 0.5)
    found = medpy.anisotropic_diffusion(u, 1, kappa, 0.2, spacing, option)
    K = grid_gradient(shape)
    model = u.ravel() - 0.2 / float(h) ** 2 * (K.T @ flux(K @ u.ravel()))
    assert found.ravel() == pytest.approx(model, abs=1e-5)


@pytest.mark.parametrize("option, flux, kappa", [(1, fluxes.perona_malik(), 2**0.5),
                                                 (2, fluxes.rational(), 1.0)])
def test_medpy_leaves_the_range_on_the_witness_in_3d(option, flux, kappa):
    medpy = pytest.importorskip("medpy.filter.smoothing", reason="needs medpy")
    u = witness(Stable(Explicit(grid_gradient((3, 3, 3)), flux, "1/4"), RANGE)).reshape(3, 3, 3)
    step = medpy.anisotropic_diffusion
    assert leaves_its_range(u, step(u, 1, kappa, 0.25, None, option))
    assert not leaves_its_range(u, step(u, 1, kappa, 1 / 6, None, option))
    assert not leaves_its_range(u[1], step(u[1], 1, kappa, 0.25, None, option))


def test_medpy_blows_up_in_3d_at_a_quarter():
    """Not one step only: a checkerboard of 8 x 8 x 8 voxels, κ large, grows 300-fold in 10 steps;
    the factor of the step is 1 − γ · 12 cos²(π/16) < −1.88."""
    medpy = pytest.importorskip("medpy.filter.smoothing", reason="needs medpy")
    u = np.cos(np.pi * (np.arange(8) + 0.5) * 7 / 8)
    u = u[:, None, None] * u[:, None] * u
    out = medpy.anisotropic_diffusion(u, 10, 1e4, 0.25)
    assert np.abs(out).max() > 300 * np.abs(u).max()


def test_medpy_with_a_small_spacing():
    medpy = pytest.importorskip("medpy.filter.smoothing", reason="needs medpy")
    u = np.array([0.0, 1.0, 0.0])
    assert medpy.anisotropic_diffusion(u, 1, 1e4, 0.25, (0.25,)) == pytest.approx([1, -1, 1])
    assert medpy.anisotropic_diffusion(u, 1, 1e4, 0.125, (0.25,)) == pytest.approx([.5, 0, .5])


def itk(u, name, tau, conductance, spacing=None):
    sitk = pytest.importorskip("SimpleITK", reason="needs SimpleITK")
    image = sitk.GetImageFromArray(u.astype(np.float64))
    if spacing is not None:
        image.SetSpacing(spacing[::-1])
    return sitk.GetArrayFromImage(getattr(sitk, name)(image, tau, conductance, 1, 1))


@pytest.mark.parametrize("shape, spacing", [((4, 5), None), ((3, 4, 3), None),
                                            ((4, 5), (0.25, 1.0))])
def test_itk_is_its_model(shape, spacing):
    """One step of GradientAnisotropicDiffusion; λ² = conductance² · mean |∇u|² from central
    differences."""
    u = np.random.default_rng(2).standard_normal(shape)
    s = spacing or (1.0,) * u.ndim
    padded = np.pad(u, 1, mode="edge")
    inner = (slice(1, -1),) * u.ndim
    square = sum(((np.roll(padded, -1, a) - np.roll(padded, 1, a))[inner] / (2 * s[a])) ** 2
                 for a in range(u.ndim)).mean()
    found = itk(u, "GradientAnisotropicDiffusion", 0.05, 3.0, spacing)
    assert found == pytest.approx(loop_itk(u, 0.05, 3 * square**0.5, s), abs=1e-6)


@pytest.mark.parametrize("N", [2, 3])
def test_itk_keeps_the_range_up_to_its_true_bound(N):
    """A spike among zeros, nearly without conductance: 1/2^(N+1) is warned about, 1/(2N) keeps the
    range, 1 % more does not."""
    u = np.zeros((7,) * N)
    u[(3,) * N] = 1
    for ratio, leaves in ((1.0, False), (1.01, True)):
        out = itk(u, "GradientAnisotropicDiffusion", ratio / (2 * N), 1e4)
        assert (out.min() < -1e-3) == leaves


def test_itk_curvature_filter():
    """A spike falls to 1 − τ(2N)^(3/2): to 0 at the default 1/8 in 2-D; in 3-D 0.068 is still
    safe, 0.069 is not."""
    for N, tau, left in ((2, 0.125, 0.0), (3, 0.0625, 1 - 0.0625 * 6**1.5), (3, 0.068, None),
                         (3, 0.0690, 1 - 0.069 * 6**1.5)):
        u = np.zeros((7,) * N)
        u[(3,) * N] = 1
        out = itk(u, "CurvatureAnisotropicDiffusion", tau, 1e4)
        assert leaves_its_range(u, out.round(5)) == (tau == 0.069)
        assert left is None or out[(3,) * N] == pytest.approx(left, abs=1e-4)


def test_skimage_takes_the_step_of_the_model():
    """Two iterations of denoise_tv_chambolle are one dual step p = −τ∇f/(1 + τ|∇f|/w) from p = 0,
    and u = f − div*: with τ = 1/(2 ndim)."""
    restoration = pytest.importorskip("skimage.restoration", reason="needs scikit-image")
    f = np.random.default_rng(3).standard_normal((5, 6))
    g = np.zeros((2, 5, 6))
    g[0, :-1], g[1, :, :-1] = np.diff(f, axis=0), np.diff(f, axis=1)
    p = -g / 4 / (1 + np.sqrt((g**2).sum(axis=0)) / 4 / 0.3)
    K = grid_gradient((5, 6))
    flat = np.concatenate([p[0, :-1].ravel(), p[1, :, :-1].ravel()])
    found = restoration.denoise_tv_chambolle(f, 0.3, 0.0, 2)
    assert found.ravel() == pytest.approx(f.ravel() + K.T @ flat, abs=1e-12)


def test_fed_steps_in_single_precision():
    """τ_k = τ_max/(2 cos²(π(2k + 1)/(4n + 2))) and Σ τ_k = τ_max n(n + 1)/3 (Grewenig et al.)."""
    for n in (1, 4, 9):
        taus = [float(tau) for tau in fed_steps(n, Fraction(1))]
        exact = 0.125 / np.cos(np.pi * (2 * np.arange(n) + 1) / (4 * n + 2)) ** 2
        assert taus == pytest.approx(exact, rel=1e-4)
        assert sum(taus) == pytest.approx(n * (n + 1) / 12, rel=1e-4)
    assert max(fed_steps(9, Fraction(1))) > 4


def test_a_cycle_with_a_wrong_step_is_refuted():
    """Steps for τ_max = 1/4 on a spectrum up to 8 · 1.5: ratio 3/2 amplifies."""
    claim = CLAIMS["opencv_fed_cycle_does_not_increase_the_norm"]
    assert decide(claim(n=4, ratio=Fraction(3, 2))).status == "refuted"


def test_opencv_contrib_leaves_the_range_on_the_witness():
    """Grey, one pixel brighter by 40, K large: α = 1 puts it at 0; α = 1/8 is a mean."""
    cv2 = pytest.importorskip("cv2", reason="needs opencv-contrib-python-headless")
    if not hasattr(cv2, "ximgproc"):
        pytest.skip("needs opencv-contrib-python-headless: this cv2 has no ximgproc")
    image = np.full((9, 9, 3), 100, np.uint8)
    image[4, 4] = 140
    model = Explicit(grid_differences((9, 9), EIGHT), fluxes.identity(), "1/8")
    mean = model(image[..., 0].astype(float).ravel()).reshape(9, 9)
    found = cv2.ximgproc.anisotropicDiffusion(image, 1.0, 1e3, 1)[..., 0]
    assert found.min() == 0 and found[3, 3] == 140
    assert (np.abs(cv2.ximgproc.anisotropicDiffusion(image, 0.125, 1e3, 1)[..., 0] - mean)
            <= 0.5).all()


def test_pyamg_estimates_from_below():
    """The witness diag(1, 2) with the guess (1, 0); and on [−1 2 −1] of size 30 an estimate by five
    steps from a random guess that is below ρ, decided exactly: some eigenvalue exceeds it."""
    linalg = pytest.importorskip("pyamg.util.linalg", reason="needs pyamg")
    assert linalg.approximate_spectral_radius(
        np.diag([1.0, 2.0]), initial_guess=np.array([[1.0], [0.0]])) == 1.0
    np.random.seed(0)
    n = 30
    matrix = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    estimate = Fraction(float(linalg.approximate_spectral_radius(matrix, maxiter=5, restart=0)))
    exact = fractions(matrix.astype(int))
    assert not is_psd(estimate * np.eye(n, dtype=int) - exact)
    assert estimate < 2 + 2 * np.cos(np.pi / (n + 1)) <= 1.2 * float(estimate)


def test_pyamg_chebyshev_polynomial_is_that_of_the_claim():
    """|C(t)| = 1 at t = a + b, where a = ρ/30 and b = 1.1ρ, and larger beyond."""
    chebyshev = pytest.importorskip("pyamg.relaxation.chebyshev", reason="needs pyamg")
    c = chebyshev.chebyshev_polynomial_coefficients(1 / 30, 1.1, 3)
    assert abs(np.polyval(c, 34 / 30)) == pytest.approx(1, abs=1e-9)
    assert abs(np.polyval(c, 1.14)) > 1


@pytest.mark.slow  # loads PyTorch, as the next ones do
@pytest.mark.parametrize("size", [3, 1])
def test_torch_spectral_norm_stretches_the_constant_image(size):
    """Equal taps: reshaped norm 1, and the constant image is multiplied by √t = k; a 1 x 1 kernel
    is a matrix, and is right."""
    torch = pytest.importorskip("torch", reason="needs torch")
    layer = torch.nn.Conv2d(1, 1, size, padding=size // 2, padding_mode="circular", bias=False)
    torch.nn.init.constant_(layer.weight, 0.7)
    layer = torch.nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=20).eval()
    u = torch.ones(1, 1, 4, 4)
    assert float(layer(u).detach().norm() / u.norm()) == pytest.approx(size, rel=1e-5)


@pytest.mark.slow
def test_torch_orthogonal_acts_on_each_kernel():
    torch = pytest.importorskip("torch", reason="needs torch")
    layer = torch.nn.Conv2d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(3))
    layer = torch.nn.utils.parametrizations.orthogonal(layer)
    u = torch.ones(1, 1, 4, 4)
    kernel = layer.weight.detach()[0, 0]
    assert torch.allclose(kernel @ kernel.T, torch.eye(3), atol=1e-5)
    assert float(layer(u).detach().norm() / u.norm()) == pytest.approx(3, rel=1e-5)


def test_the_corrected_bound_holds_for_random_kernels_of_torch():
    """‖K‖² <= t σ² by dense singular values, for several channels and both paddings."""
    rng = np.random.default_rng(4)
    for c_out, c_in in ((1, 1), (2, 3)):
        weights = rng.integers(-4, 5, (c_out, c_in, 3, 3))
        K = channel_convolution(weights, (4, 5)).sparse().toarray()
        sigma = np.linalg.norm(weights.reshape(c_out, -1), 2)
        assert np.linalg.norm(K, 2) <= 3 * sigma * (1 + 1e-12)


@pytest.mark.slow
def test_keras_stretches_the_constant_image(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="needs torch")
    keras = pytest.importorskip("keras", reason="needs keras")
    layer = keras.layers.SpectralNormalization(
        keras.layers.Conv2D(1, 3, use_bias=False, kernel_initializer="ones"), power_iterations=20)
    out = layer(np.ones((1, 8, 8, 1), "float32"), training=True)
    assert float(np.abs(keras.ops.convert_to_numpy(out)).max()) == pytest.approx(3, rel=1e-4)


def test_landlab_leaves_the_range_on_the_witness():
    """The core node between 2 (west, south) and 0 (east, north) rises to 4."""
    landlab = pytest.importorskip("landlab", reason="needs landlab")
    from landlab.components import TaylorNonLinearDiffuser
    grid = landlab.RasterModelGrid((3, 3))
    z = grid.add_zeros("topographic__elevation", at="node")
    z[[1, 3]] = 2
    TaylorNonLinearDiffuser(grid, slope_crit=1.0, dynamic_dt=True).soilflux(0.2)
    assert z[4] == pytest.approx(4)


def test_fipy_leaves_the_range_on_the_witness():
    """The first cell at 1, everything else at 0, Δt = Δx²/(2D): 1 − 3/2."""
    fipy = pytest.importorskip("fipy", reason="needs fipy")
    mesh = fipy.Grid1D(nx=3, dx=1.0)
    phi = fipy.CellVariable(mesh=mesh, value=[1.0, 0, 0])
    phi.constrain(0, mesh.facesLeft)
    phi.constrain(0, mesh.facesRight)
    (fipy.TransientTerm() == fipy.ExplicitDiffusionTerm(coeff=1.0)).solve(var=phi, dt=0.5)
    assert np.array(phi.value) == pytest.approx([-0.5, 0.5, 0])


def test_xarray_spatial_on_the_models():
    """A negative diffusivity passes and takes a spike out of its range; an oversized step does
    not pass."""
    diffusion = pytest.importorskip("xrspatial.diffusion", reason="needs xarray-spatial >= 0.9")
    import xarray
    u = xarray.DataArray(np.zeros((3, 3)))
    u[1, 1] = 1
    alpha = xarray.DataArray(np.array(NEGATIVE, float).reshape(3, 3))
    assert float(diffusion.diffuse(u, alpha, boundary="nearest")[1, 1]) == 2
    varying = np.array([float(Fraction(a)) for a in VARYING]).reshape(3, 3)
    out = diffusion.diffuse(u, xarray.DataArray(varying), boundary="nearest")
    assert 0 <= float(out.min()) <= float(out.max()) <= 1
    with pytest.raises(ValueError, match="CFL"):
        diffusion.diffuse(u, 1.0, dt=0.26, boundary="nearest")
