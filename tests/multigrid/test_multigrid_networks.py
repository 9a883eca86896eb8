"""MgNet and the classic network forms, in exact arithmetic."""

from fractions import Fraction

import numpy as np
import pytest
import scipy

from stabkit.errors import InvalidArgument
from stabkit.multigrid import (
    LINEAR_ELEMENTS,
    NEUMANN,
    PERIODIC,
    ChebyshevStep,
    Convolution,
    Cycle,
    Dense,
    DenseBlock,
    Exact,
    Grid,
    Jacobi,
    MaxPooling,
    Multigrid,
    MultiStep,
    SingleStep,
    Stage,
    Transfer,
    TransposedConvolution,
    average_pooling,
    backslash_mg,
    chain,
    channelwise,
    chebyshev_omegas,
    classic_network,
    extractor,
    geometric,
    iresnet_step,
    iresnet_transition,
    linear,
    matrix_of,
    mg0,
    mg_features,
    mgnet,
    negated,
    nothing,
    parameters,
    poisson,
    post_activated_step,
    pre_activated_step,
    relu,
    resnet_step,
    resnet_transition,
    sigma_resnet_step,
    v_mg,
    v_mgnet,
)

HALF = Fraction(1, 2)


def rationals(shape, seed=0):
    rng = np.random.default_rng(seed)
    out = np.empty(shape, dtype=object)
    for index in np.ndindex(*np.shape(out)):
        out[index] = Fraction(int(rng.integers(-9, 10)), int(rng.integers(1, 5)))
    return out


def same(a, b):
    return np.shape(a) == np.shape(b) and bool(np.all(a == b))


# -- convolutions ----------------------------------------------------------------------------------
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_convolution_is_scipy_s_correlation(stride):
    rng = np.random.default_rng(0)
    kernel, f = rng.standard_normal((3, 2, 3, 5)), rng.standard_normal((2, 8, 9))
    ours = Convolution(kernel, stride, bias=np.arange(3.0))(f)
    full = [sum(scipy.signal.correlate2d(f[c], kernel[k, c], "same") for c in range(2)) + k
            for k in range(3)]
    np.testing.assert_allclose(ours, np.array(full)[:, ::stride, ::stride], atol=1e-12)
    assert ours.shape == (3, *Convolution(kernel, stride).output_shape((8, 9)))


def test_periodic_convolution_in_1d():
    f = rationals((1, 6))
    K = Convolution(np.array([[[Fraction(1), Fraction(2), Fraction(5)]]]), boundary=PERIODIC)
    assert same(K(f)[0], np.roll(f[0], 1) + 2 * f[0] + 5 * np.roll(f[0], -1))


def test_transposed_convolution_is_the_adjoint():
    K = Convolution(rationals((2, 3, 3, 3)), stride=2)
    f, v = rationals((3, 5, 7), 1), rationals((2, 3, 4), 2)
    assert np.sum(K(f) * v) == np.sum(f * TransposedConvolution(K, (5, 7))(v))
    with pytest.raises(InvalidArgument, match="v"):
        TransposedConvolution(K, (5, 7))(f)


@pytest.mark.parametrize("weights", [linear(2), LINEAR_ELEMENTS])
def test_restriction_is_a_strided_convolution(weights):
    kernel = np.zeros((1, 1, 3, 3), dtype=object)
    for (i, j), value in weights.taps:
        kernel[0, 0, i + 1, j + 1] = value
    P, R = Transfer(weights).matrices((9, 5), NEUMANN, object)
    K = Convolution(kernel, stride=2)
    assert Exact(matrix_of(K, (1, 9, 5))) == R
    assert Exact(matrix_of(TransposedConvolution(K, (9, 5)), (1, 5, 3))) == P
    assert P.T == R


def test_poolings():
    f = np.arange(16.0).reshape(1, 4, 4)
    assert same(MaxPooling()(f), [[[5, 7], [13, 15]]])
    assert same(average_pooling(f), [7.5])


# -- MgNet is multigrid ----------------------------------------------------------------------------
def extraction_of(sweep):
    """B of a sweep that starts at 0."""
    return lambda r: sweep(0 * r, r)


def grids_of(method, pre, post, Pi=None):
    """The maps of a hierarchy, as MgNet takes them."""
    levels = method.hierarchy.levels
    grids = []
    for number, level in enumerate(levels):
        A = level.A
        B = extraction_of(Jacobi(Fraction(2, 3)).on(A))
        pool = Pi[number] if Pi and number < len(levels) - 1 else nothing
        last = number == len(levels) - 1
        grids.append(Grid(
            lambda u, A=A: A @ u, SingleStep((B,) * pre[number]),
            R=None if last else lambda r, R=level.R: R @ r, Pi=pool,
            P=None if last else lambda v, P=level.P: P @ v,
            post=SingleStep((B,) * post[number])))
    return grids


@pytest.fixture(scope="module")
def method():
    return Multigrid(geometric(poisson((15,)), levels=3, dtype=object),
                     Cycle(Jacobi(Fraction(2, 3))))


@pytest.fixture(scope="module")
def pools():
    first, second = Exact(rationals((7, 15))), Exact(rationals((3, 7)))
    return [lambda u: first @ u, lambda u: second @ u]


def test_mgnet_is_multigrid(method, pools):
    f = rationals(15)
    grids = grids_of(method, (2, 1, 3), (0, 0, 0), pools)
    plain, tilde = mg0(f, grids), mgnet(f, grids)
    for one, other, grid in zip(plain, tilde, grids, strict=True):
        assert same(other.f, one.f + grid.A(other.first))
        for u, v in zip(one.features, other.features, strict=True):
            assert same(u, v - other.first)
    assert not same(plain[-1].last, tilde[-1].last)


def test_v_mgnet_is_the_v_cycle(method, pools):
    f = rationals(15)
    grids = grids_of(method, (2, 1, 3), (1, 2, 0), pools)
    assert same(v_mgnet(f, grids), v_mg(f, grids))
    no_post = grids_of(method, (2, 1, 3), (0, 0, 0), pools)
    assert same(v_mgnet(f, no_post), backslash_mg(f, no_post))


def test_algorithm_4_is_the_solver_s_cycle(pools):
    from stabkit.multigrid import Smoothed
    smoother = Jacobi(Fraction(2, 3))
    made = geometric(poisson((15,)), levels=3, dtype=object)
    cycle = Multigrid(made, Cycle(smoother, coarsest=Smoothed(smoother)))
    f = rationals(15)
    assert same(v_mgnet(f, grids_of(cycle, (1, 1, 1), (1, 1, 0), pools)), cycle.step(0 * f, f))


def test_nonlinear_operators_break_the_identity():
    one = lambda r: r  # noqa: E731
    grids = [Grid(lambda u: 2 * u, SingleStep((one,)), R=one, Pi=one),
             Grid(relu, SingleStep((one, one)))]
    f = Fraction(1)
    plain, tilde = mg0(f, grids), mgnet(f, grids)
    assert plain[1].last == -2
    assert tilde[1].last - tilde[1].first == -1


def test_multi_step_residuals():
    A, Bs = Exact(rationals((3, 3))), [Exact(rationals((3, 3), k)) for k in range(3)]
    f, u = rationals(3, 5), rationals(3, 6)
    weights = ((1,), (HALF, HALF), (Fraction(1, 3),) * 3)
    maps = tuple(tuple((lambda r, B=Bs[j]: B @ r) for j in range(i + 1)) for i in range(3))
    features = MultiStep(weights, maps)(lambda v: A @ v, f, u)
    r = [f - A @ v for v in features]
    for i in range(1, 4):
        assert same(r[i], sum(weights[i - 1][j] * (r[j] - A @ (Bs[j] @ r[j])) for j in range(i)))


def test_chebyshev_steps_are_chebyshev_polynomials():
    rho, x = Fraction(3, 4), Fraction(1, 5)
    # A = 1 − x and B = 1, so X = I − AB = x; f = 0 and u⁰ = 1 give residuals −(1 − x) p_k(x).
    maps = (lambda r: r,) * 5
    u = ChebyshevStep(chebyshev_omegas(rho, 5), maps)(lambda v: (1 - x) * v, Fraction(0),
                                                       Fraction(1))
    for k, value in enumerate(u):
        t = np.polynomial.chebyshev.Chebyshev.basis(k).convert(kind=np.polynomial.Polynomial).coef
        T = [sum(Fraction(float(c)) * z**j for j, c in enumerate(t)) for z in (x / rho, 1 / rho)]
        assert value == T[0] / T[1]


def test_sweeps_of_wrong_lengths_are_refused():
    with pytest.raises(InvalidArgument, match="weights"):
        MultiStep(((1, 2),), ((relu,),))
    with pytest.raises(InvalidArgument, match="omegas"):
        ChebyshevStep((Fraction(3, 2),), (relu,))
    with pytest.raises(InvalidArgument, match="omegas"):
        ChebyshevStep((), (relu,))
    with pytest.raises(InvalidArgument, match="kernel"):
        Convolution(np.ones((2, 2, 2)))
    with pytest.raises(InvalidArgument, match="u: must have 2 channels"):
        Convolution(np.ones((2, 2, 3)))(np.ones((1, 3)))


# -- classic forms ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def blocks():
    xi = Convolution(rationals((2, 3, 3, 3), 1))
    etas = [Convolution(rationals((3, 2, 3, 3), seed)) for seed in (2, 3, 4)]
    return xi, etas


@pytest.mark.slow
def test_mgnet_is_iresnet(blocks):
    xi, etas = blocks
    f = rationals((2, 4, 4))
    states = mgnet(f, [Grid(xi, mg_features(tuple(etas)))],
                   start=lambda f: np.zeros((3, *f.shape[1:]), dtype=object))
    data = [f - xi(u) for u in states[0].features]
    for before, after, eta in zip(data, data[1:], etas, strict=False):
        assert same(after, iresnet_step(xi, eta)(before))
        assert same(after, before - xi(extractor(eta)(before)))


def test_resnet_is_sigma_resnet_with_matching_signs(blocks):
    xi, etas = blocks
    f, tilde = rationals((2, 4, 4), 8), []
    for eta in etas:
        tilde.append(f - xi(relu(eta(f))))
        f = resnet_step(xi, eta)(f)
        assert same(f, relu(tilde[-1]))
    for before, after, eta in zip(tilde, tilde[1:], etas[1:], strict=False):
        assert same(after, sigma_resnet_step(xi, eta)(before))


def test_every_classic_layer_is_an_mg_resnet_step():
    c = 2
    chi = Convolution(rationals((c, c, 3, 3)))
    delta = np.zeros((c, c, 3, 3), dtype=object)
    delta[:, :, 1, 1] = np.eye(c, dtype=int)
    eta = Convolution(np.concatenate([chi.kernel - delta, delta - chi.kernel]))
    # Not the printed δ̂ of (8.16): −[id, −id] recovers the layer.
    xi = Convolution(np.concatenate([-delta, delta], axis=1))
    f = rationals((c, 5, 5), 4)
    assert same(sigma_resnet_step(xi, eta)(f), pre_activated_step(chi)(f))
    assert same(resnet_step(xi, eta)(f), post_activated_step(chi)(f))


def test_dense_block_is_a_multi_step_without_activation():
    c, taps = 2, [rationals((2, 2 * i, 1, 1), i) for i in (1, 2)]
    f = rationals((c, 3, 3))
    out = DenseBlock(tuple(map(Convolution, taps)), sigma=lambda x: x)(f)
    first = Convolution(taps[0])(f)
    parts = Convolution(taps[1][:, :c])(f) + Convolution(taps[1][:, c:])(first)
    assert same(out, np.concatenate([f, first, parts]))


def test_networks_run_and_count():
    def conv(out, into, stride=1):
        return Convolution(np.full((out, into, 3, 3), 0.01), stride)

    f = np.random.default_rng(0).standard_normal((3, 8, 8))
    lenet = classic_network(conv(4, 3), (
        Stage((pre_activated_step(conv(4, 4)),), MaxPooling()),
        Stage((post_activated_step(conv(6, 4)),))), chain(average_pooling, Dense(np.ones((10, 6)))))
    assert lenet(f).shape == (10,)
    assert parameters(lenet) == 9 * (4 * 3 + 4 * 4 + 6 * 4) + 60
    xi = conv(4, 4)
    for step, transition in ((resnet_step, resnet_transition), (iresnet_step, iresnet_transition)):
        down = transition(channelwise(np.array([[1.0]]), 4, stride=2), conv(4, 4, 2))
        net = classic_network(chain(conv(4, 3), relu), (
            Stage((step(xi, conv(4, 4)), step(negated(xi), conv(4, 4))), down),), average_pooling)
        assert net(f).shape == (4,)
        # One ξ for both steps counts once.
        assert parameters(net) == 9 * (4 * 3 + 3 * 16 + 16) + 16


def test_parameter_counts_of_the_ledger():
    # Per grid with c channels and ν steps: 2ν·9c² (iResNet), (1 + ν)·9c², 2·9c² (MgNet).
    c, steps = 256, 2
    def conv():
        return Convolution(np.broadcast_to(np.float32(0), (c, c, 3, 3)))
    A, constant = conv(), conv()
    variable = Grid(A, mg_features(tuple(conv() for _ in range(steps))))
    assert parameters(variable) == 1769472
    assert parameters(Grid(A, mg_features((constant,) * steps))) == 1179648
    assert parameters(tuple(iresnet_step(conv(), conv()) for _ in range(steps))) == 2359296
