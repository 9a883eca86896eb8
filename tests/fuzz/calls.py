"""The doors for calls from Python: steps, constructors, decide, step_bound, audit, multigrid."""

from fractions import Fraction

import numpy as np
import scipy.sparse
from driving import Door
from files import networks, saved
from hypothesis import strategies as st
from mutations import ODD, Pool

import stabkit
from stabkit import decide, fluxes, multigrid, step_bound
from stabkit import testing as drawn
from stabkit.audit import audit as audited
from stabkit.tracing import trace

NOTIONS = (stabkit.EUCLIDEAN, stabkit.CONTRACTION, stabkit.RANGE, stabkit.SIGN, stabkit.CONTRAST,
           stabkit.MAX_NORM, stabkit.POSITIVITY, stabkit.MEAN, stabkit.VARIATION, stabkit.EXTREMA,
           stabkit.CYCLIC_SIGN, stabkit.POWER_BOUNDED, stabkit.sensitivity(1))
TRIALS = 16
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

    texts, dts = Pool(STEPS), [Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(1, 10)]
    return Door(lambda random: (texts(random), random.choice(NOTIONS), random.choice(dts)), enter,
                limit=30)


def traced():
    """The same functions, run on symbols and compared with themselves, which takes a hundredth."""
    texts, dts = Pool(STEPS), [None, Fraction(1, 4), Fraction(1)]

    def enter(given):
        with np.errstate(all="ignore"):
            trace(written(given[0]), given[1], dt=given[2])

    return Door(lambda random: (texts(random), random.choice([4, (4,), (2, 2), 1]),
                                random.choice(dts)), enter, limit=30)


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

    pool = Pool(st.one_of(STEPS, schemes))
    return Door(lambda random: (pool(random), random.choice(NOTIONS)), enter, limit=60)


# -- schemes and what they are made of -------------------------------------------------------------
def schemes():
    """What makes any scheme of the package."""
    operators = Pool(drawn.operators(4))
    nonlinearities = Pool(st.one_of(drawn.fluxes(), drawn.activations()))
    steps = Pool(drawn.rationals(2, 8).map(lambda tau: abs(tau) or Fraction(1, 16)))

    def make(random):
        K, flux, tau = operators(random), nonlinearities(random), steps(random)
        return random.choice([
            lambda: stabkit.Explicit(K, flux, tau), lambda: stabkit.FSI(K, flux, tau, 2),
            lambda: stabkit.Implicit(K, flux, tau), lambda: stabkit.Pointwise(flux, K.shape[1]),
            lambda: stabkit.Linear(K), lambda: stabkit.ResidualBlock(K, K.T, flux, tau),
            lambda: stabkit.repeat(stabkit.Explicit(K, flux, tau), 2)])

    return make


def deciding():
    """A scheme of the package in one of the senses."""
    make = schemes()
    return Door(lambda random: (make(random), random.choice(NOTIONS)),
                lambda given: decide(given[0](), given[1], trials=TRIALS), limit=60)


ANYTHING = st.one_of(st.sampled_from(ODD), st.floats(), st.integers(), st.fractions(),
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

    makers = sorted(_MAKERS, key=lambda make: make.__name__)
    anything = Pool(ANYTHING.filter(is_small))
    return Door(lambda random: (random.choice(makers), [
        anything(random) for _ in range(random.randint(1, 4))]), enter, limit=30)


def is_small(value):
    return not isinstance(value, int | float | Fraction) or not _TOO_LARGE < abs(value) < 2**80


# -- audit and multigrid ---------------------------------------------------------------------------
def audits():
    """Networks of npz files that are read, and then audited."""
    return Door(networks, saved(".npz", lambda path: audited(path, budget=0.05)), limit=60)


def systems(random):
    """Sparse matrices, most of them M-matrices, with a right-hand side and a scale."""
    n = random.choice([1, 2, 2, 3, 3, 5, 5, 10, 10, 20])
    rng = np.random.default_rng(random.getrandbits(32))
    kind = random.choice(["any", "definite", "M-matrix", "M-matrix", "singular"])
    A = scipy.sparse.random(n, n, min(1.0, 4 / n), random_state=rng,
                            data_rvs=rng.standard_normal).tocsr()
    if kind == "definite":
        A = A @ A.T + scipy.sparse.eye(n)
    elif kind != "any":
        A = abs(A) + abs(A).T
        A = scipy.sparse.diags(np.asarray(A.sum(0)).ravel() + (kind == "M-matrix")) - A
    scale = random.choice([*[1.0] * 8, 1e-5, 1e-300, 1e300, -1.0, 0.0, float("nan")])
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

    return Door(systems, enter, limit=30)
