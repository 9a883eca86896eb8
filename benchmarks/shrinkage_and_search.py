"""Shift-invariant Haar shrinkage, and trials of the random search."""

from __future__ import annotations

import numpy as np
import pywt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.diffusion import divisions, numpy_rational, numpy_steps
from benchmarks.measuring import AHEAD, Job
from benchmarks.operators import CODE, SHAPE, rng
from stabkit.codes import EdgeCode, NotionCode, SchemeCode
from stabkit.kernels.draws import draw
from stabkit.kernels.haar import haar
from stabkit.kernels.search import worst_of


def haar_shrinkage(name, n):
    f, u = rng().standard_normal((1, n)), np.empty((1, n))
    again = np.empty_like(f)

    def ours():
        haar[CODE[name]](f, u, None, (0.5, 0.0), int(EdgeCode.PERIODIC))
        return u

    def wavelets():
        (low, high), = pywt.swt(f[0], "haar", level=1)
        return pywt.iswt([(low, pywt.threshold(high, 0.5, name))], "haar")[None]

    def copied():
        np.copyto(again, f)

    return Job(f"Haar {name} N={n}", {"stabkit": ours, "PyWavelets": wavelets, "copy": copied}, n,
               1e-13, {"PyWavelets": AHEAD} | ({"copy": 0.9} if n >= 10**6 else {}),
               f"Haar {name}", n)


def trials(n, steps, count=20_000, tau=0.4):
    signals = np.stack([draw(1, trial, n) for trial in range(count)])

    def ours():
        return worst_of(CODE["rational"], SchemeCode.EXPLICIT, n, steps, tau, (None,), SHAPE,
                        NotionCode.EUCLIDEAN, 1, (0, count))[0]

    def with_numpy():
        v = numpy_steps(signals, steps, tau, numpy_rational)
        with np.errstate(invalid="ignore"):
            return np.nanmin(1 - np.sum(v * v, axis=1) / np.sum(signals * signals, axis=1))

    def drawn_and_stepped():
        u = np.random.default_rng(0).uniform(-4, 4, (count, n))
        v = numpy_steps(u, steps, tau, numpy_rational)
        return np.min(1 - np.sum(v * v, axis=1) / np.sum(u * u, axis=1))

    if not abs(ours() - with_numpy()) < 1e-12:
        raise SystemExit("the compiled search and NumPy find different worst margins")
    examples = 200

    @settings(max_examples=examples, database=None, deadline=None,
              suppress_health_check=list(HealthCheck))
    @given(arrays(np.float64, n, elements=st.floats(-4, 4)))
    def property_test(u):
        v = u
        for _ in range(steps):
            s = np.diff(v)
            v = v + tau * np.diff(s / (1 + s * s), prepend=0, append=0)
        assert np.sum(v * v) <= np.sum(u * u) * (1 + 1e-12)

    return Job(f"trials of a random search N={n}, {steps} steps",
               {"stabkit": ours, "NumPy batch": drawn_and_stepped, "Hypothesis": property_test,
                "divisions": divisions(count * n * steps)},
               {"stabkit": count, "NumPy batch": count, "Hypothesis": examples,
                "divisions": count}, None,
               {"NumPy batch": AHEAD, "Hypothesis": AHEAD}
               | ({"divisions": 0.65} if steps > 1 else {}))


def jobs():
    """The jobs of this room, made when they are wanted."""
    for name in ("soft", "hard", "garrote"):
        for n in (10_000, 1_000_000, 10_000_000):
            yield lambda name=name, n=n: haar_shrinkage(name, n)
    for n, steps in ((16, 1), (32, 1), (32, 10), (64, 10)):
        yield lambda n=n, steps=steps: trials(n, steps)
