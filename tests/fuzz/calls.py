"""The doors for calls from Python: steps, constructors, decide, step_bound, audit, multigrid."""

from fractions import Fraction

import numpy as np
import scipy.sparse
from driving import Door
from files import networks, saved
from hypothesis import strategies as st
from mutations import ODD

import stabkit
from stabkit import decide, fluxes, multigrid, step_bound
from stabkit import testing as drawn
from stabkit.audit import audit as audited
from stabkit.audit.torch_module import read as read_module

NOTIONS = (stabkit.EUCLIDEAN, stabkit.CONTRACTION, stabkit.RANGE, stabkit.SIGN, stabkit.CONTRAST,
           stabkit.MAX_NORM, stabkit.POSITIVITY, stabkit.MEAN, stabkit.VARIATION, stabkit.EXTREMA,
           stabkit.CYCLIC_SIGN, stabkit.POWER_BOUNDED, stabkit.sensitivity(1))
TRIALS = 200
SLACK = 1e-9  # of rounding, where a float step is compared with what is proved of the exact one

# -- steps of a user's -----------------------------------------------------------------------------
_ATOMS = st.sampled_from(["u", "u", "np.roll(u, 1)", "np.roll(u, -1)", "u[::-1]", "dt * u", "0.1",
                          "1", "np.zeros_like(u)", "np.ones(4)", "np.arange(4)", "u[0]", "u[1:]",
                          "np.pad(u, 1, mode='edge')[2:]", "None", "u.mean()", "float('nan')"])


def _larger(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("(u + dt * {})".format, inner), st.builds("(u - dt * {})".format, inner),
        st.builds("np.{}({})".format, st.sampled_from(
            ["abs", "tanh", "exp", "sqrt", "sign", "sort", "cumsum", "mean", "sum", "max", "flip",
             "square", "diff", "isnan", "floor", "argsort", "linalg.norm", "asarray", "gradient",
             "fft.fft", "real", "unique", "nonzero", "median", "log"]), inner),
        st.builds("np.{}({}, {})".format, st.sampled_from(
            ["maximum", "minimum", "dot", "convolve", "outer", "hypot", "append", "power",
             "arctan2", "matmul", "linalg.solve", "take", "einsum", "divide"]), inner, inner),
        st.builds("np.where({} > {}, {}, {})".format, inner, inner, inner, inner),
        st.builds("({} / (1 + {}**2))".format, inner, inner),
        st.builds("np.clip({}, -1, 1)".format, inner))


STEPS = st.recursive(_ATOMS, _larger, max_leaves=6)


def written(text):
    return eval(f"lambda u, dt: {text}", {"np": np})


def steps():
    """A function that is traced and decided; what is proved is tried in floats."""
    def enter(given):
        text, notion, dt = given
        step = written(text)
        with np.errstate(all="ignore"):
            outcome = decide(step, notion, shape=4, dt=dt, trials=TRIALS)
            if outcome.status == "proved" and notion in (stabkit.RANGE, stabkit.MAX_NORM):
                u = np.random.default_rng(0).standard_normal((50, 4))
                for signal in u:
                    v = np.asarray(step(signal.copy(), float(dt)))
                    top, low = signal.max() + SLACK, signal.min() - SLACK
                    if notion is stabkit.MAX_NORM:
                        top = np.abs(signal).max() + SLACK
                        low = -top
                    if not (v.max() <= top and v.min() >= low):
                        raise AssertionError("proved, and floats break it")

    return Door(st.tuples(STEPS, st.sampled_from(NOTIONS), st.sampled_from(
        [Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(1, 10)])), enter, limit=30)


def bounds():
    """The largest step of a function, or of a scheme."""
    schemes = st.builds(lambda K, flux: stabkit.Explicit(K, flux, 1), drawn.operators(4),
                        drawn.fluxes())

    def enter(given):
        what, notion = given
        with np.errstate(all="ignore"):
            if isinstance(what, str):
                step_bound(written(what), notion, shape=4, trials=50, halvings=3)
            else:
                step_bound(what, notion, trials=50, halvings=3)

    return Door(st.tuples(st.one_of(STEPS, schemes), st.sampled_from(NOTIONS)), enter, limit=60)


# -- schemes and what they are made of -------------------------------------------------------------
@st.composite
def schemes(draw):
    K, flux = draw(drawn.operators(4)), draw(st.one_of(drawn.fluxes(), drawn.activations()))
    tau = draw(drawn.rationals(2, 8).map(lambda tau: abs(tau) or Fraction(1, 16)))
    return draw(st.sampled_from([
        lambda: stabkit.Explicit(K, flux, tau), lambda: stabkit.FSI(K, flux, tau, 2),
        lambda: stabkit.Implicit(K, flux, tau), lambda: stabkit.Pointwise(flux, K.shape[1]),
        lambda: stabkit.Linear(K), lambda: stabkit.ResidualBlock(K, K.T, flux, tau),
        lambda: stabkit.repeat(stabkit.Explicit(K, flux, tau), 2)]))


def deciding():
    """A scheme of the package in one of the senses."""
    return Door(st.tuples(schemes(), st.sampled_from(NOTIONS)),
                lambda given: decide(given[0](), given[1], trials=TRIALS), limit=60)


_ANYTHING = st.one_of(st.sampled_from(ODD), st.floats(), st.integers(), st.fractions(),
                      st.lists(st.sampled_from(ODD), max_size=3), drawn.rationals(),
                      st.sampled_from([np.eye(2), np.array("x"), np.ones((0, 3)), np.ones(3, "c8"),
                                       np.array([None, 1]), fluxes.soft(), stabkit.difference(1, 3),
                                       stabkit.PERIODIC, stabkit.RANGE, print, object]),
                      drawn.operators(4), drawn.fluxes())
_MAKERS = {getattr(room, name) for room, names in (
    (stabkit, ("Explicit", "FSI", "Implicit", "Linear", "Pointwise", "FixedPoint", "HaarShrinkage",
               "Regularisation", "ResidualBlock", "Chain", "repeat", "difference", "convolution",
               "from_matrix", "identity", "differential_operator", "norm_squared",
               "operator_norm", "stable_step", "Stable", "AtMost", "NormAtMost", "Not",
               "AllOf", "Calculation", "Identity", "UniqueSolution", "FaceWithin", "Interval",
               "sensitivity", "energy", "Energy", "box", "stays_in", "weighted", "Draw", "decide",
               "step_bound", "senses", "replay", "audit", "make_stable", "load_claims")),
    (fluxes, ("soft", "perona_malik", "garrote", "hard", "rational", "charbonnier", "weickert",
              "leaky_relu", "scaled_identity", "firm", "tukey"))) for name in names}
_TOO_LARGE = 10**5  # a difference of 10^6 samples is meant so, and takes its time


def constructors():
    """Public functions and classes with arguments that mean nothing."""
    def enter(given):
        make, arguments = given
        try:
            make(*arguments)
        except TypeError as error:
            if "positional argument" not in str(error):  # Python's own word for a wrong number
                raise

    makers = st.sampled_from(sorted(_MAKERS, key=lambda make: make.__name__))
    arguments = st.lists(_ANYTHING.filter(_is_small), min_size=1, max_size=4)
    return Door(st.tuples(makers, arguments), enter, limit=30)


def _is_small(value):
    return not isinstance(value, int | float | Fraction) or not _TOO_LARGE < abs(value) < 2**80


# -- audit and multigrid ---------------------------------------------------------------------------
def audits():
    """Networks of npz files that are read, and then audited."""
    return Door(networks, saved(".npz", lambda path: audited(path, budget=0.05)), limit=60)


@st.composite
def systems(draw):
    """Sparse matrices, most of them M-matrices, with a right-hand side and a scale."""
    n = draw(st.sampled_from([1, 2, 3, 10, 40, 150]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["any", "definite", "M-matrix", "M-matrix", "singular"]))
    A = scipy.sparse.random(n, n, min(1.0, 4 / n), random_state=rng,
                            data_rvs=rng.standard_normal).tocsr()
    if kind == "definite":
        A = A @ A.T + scipy.sparse.eye(n)
    elif kind != "any":
        A = abs(A) + abs(A).T
        A = scipy.sparse.diags(np.asarray(A.sum(0)).ravel() + (kind == "M-matrix")) - A
    scale = draw(st.sampled_from([*[1.0] * 8, 1e-5, 1e-300, 1e300, -1.0, 0.0, float("nan")]))
    return (scale * A).tocsr(), rng.standard_normal(n), kind


def solving():
    """A hierarchy of any matrix, a cycle on it, and its convergence."""
    def enter(given):
        A, b, kind = given
        with np.errstate(all="ignore"):
            method = multigrid.Multigrid(multigrid.algebraic(A), multigrid.Cycle(
                multigrid.gauss_seidel()))
            method.solve(b - b.mean() if kind == "singular" else b, max_cycles=10)
            if len(b) <= 10:
                return
            multigrid.energy_bound(method)

    return Door(systems(), enter, limit=30)


# -- modules of PyTorch ----------------------------------------------------------------------------
@st.composite
def modules(draw):
    from torch import manual_seed, nn

    manual_seed(draw(st.integers(0, 999)))
    makers = [lambda: nn.Linear(4, 4), lambda: nn.Linear(4, 3), nn.ReLU, nn.Tanh, nn.GELU, nn.ELU,
              nn.Sigmoid, nn.Softmax, nn.Flatten, lambda: nn.Conv1d(2, 2, 3, padding=1),
              lambda: nn.MaxPool1d(2), lambda: nn.AvgPool1d(2), lambda: nn.BatchNorm1d(2),
              lambda: nn.LayerNorm(4), nn.Dropout, nn.Identity, lambda: nn.Upsample(scale_factor=2),
              lambda: nn.ConvTranspose1d(2, 2, 2), lambda: nn.GroupNorm(1, 2), nn.LeakyReLU,
              lambda: nn.Embedding(3, 3), lambda: nn.Unflatten(1, (2, 2)), nn.Hardtanh]
    chosen = draw(st.lists(st.integers(0, len(makers) - 1), max_size=4))
    shape = draw(st.sampled_from([(4,), (2, 4), (2, 5), (1,), (2, 4, 4)]))
    return nn.Sequential(*(makers[k]() for k in chosen)), shape


def torch():
    return Door(modules(), lambda given: read_module(*given), limit=60)
