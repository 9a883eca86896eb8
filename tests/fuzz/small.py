"""The dear doors with inputs that take milliseconds: one to three samples, most arguments wrong.

A call is a mapping of arguments that fit each other; all but one of thirty have some replaced.
"""

from fractions import Fraction
from functools import partial

import numpy as np
from calls import ANYTHING, NOTIONS, STEPS, written
from driving import Door
from files import networks, saved
from hypothesis import strategies as st
from mutations import ODD, Pool, one_of

import stabkit
from stabkit import decide, fluxes, step_bound
from stabkit.audit import audit
from stabkit.audit.questions import NOTIONS as AUDITED

_MOST = 12  # trials, halvings, samples: more are meant so, and take their time
_SPOILT = (0, *(2, 3, 4) * 10)  # how many arguments are wrong
_FLUXES = (fluxes.soft(), fluxes.relu(), fluxes.garrote(), fluxes.rational(), fluxes.hard(),
           fluxes.scaled_identity("1/2"), fluxes.charbonnier(), fluxes.tanh())
_STEPS = (Fraction(1, 4), Fraction(1, 2), Fraction(1), Fraction(3), "1/3", 0.1)


def _formulas():
    """Functions of a line; texts, for a find is to be read."""
    return Pool(st.one_of(STEPS.filter(lambda text: len(text) < 40), st.sampled_from([
        "u - dt * u", "u - dt * (u - u[::-1])", "u + dt * np.tanh(-u)", "u - dt * u**3", "u / 2",
        "(1 - dt) * u + dt * np.roll(u, 1)", "np.maximum(u - dt, 0)", "u", "-u", "2 * u"])))


def _scheme(random):
    n, flux, tau = random.choice([2, 2, 3]), random.choice(_FLUXES), random.choice(_STEPS)
    K = stabkit.difference(1, n)
    return random.choice([
        lambda: stabkit.Explicit(K, flux, tau), lambda: stabkit.Linear(stabkit.identity(n)),
        lambda: stabkit.Pointwise(flux, n), lambda: stabkit.ResidualBlock(K, K.T, flux),
        lambda: stabkit.Linear(stabkit.from_matrix([["1/2", tau], [0, "-1/2"]]))])()


def _spoil(random, call, anything):
    """The call, or one with two to four arguments replaced or left out."""
    call = dict(call)
    for _ in range(random.choice(_SPOILT)):
        if not call:
            break
        name, value = random.choice(sorted(call)), anything(random)
        if random.random() < 0.1 and name != "budget":
            del call[name]
        elif not _is_long(value):
            call[name] = value
    return call


def _is_long(value):
    """Whether it may be a number, or hold one, for which more is done than the time allows."""
    return any(_MOST < each < 2**80 for each in (value if isinstance(value, list) else [value])
               if isinstance(each, int | float | Fraction))


def _calls(calls):
    anything = Pool(ANYTHING)
    return lambda random: _spoil(random, calls(random), anything)


def _enter(function, call, texts=("what", "scheme", "model")):
    """Make the call; a text that stands for a function is the function."""
    call = dict(call)
    for name in texts:
        if isinstance(call.get(name), Formula):
            call[name] = written(call[name])
    with np.errstate(all="ignore"):
        try:
            function(**call)
        except TypeError as error:
            if "required positional argument" not in str(error):  # Python's own word
                raise


class Formula(str):
    """The text of a step, as an argument."""

    __slots__ = ()


def deciding():
    """A scheme or a function in one of the senses."""
    formulas = _formulas()

    def function(random):
        return {"what": Formula(formulas(random)), "notion": random.choice(NOTIONS),
                "shape": random.choice([1, 2, 3, (2,), (1, 2)]), "dt": random.choice(_STEPS),
                "trials": 4, "seed": 0}

    def scheme(random):
        return {"what": _scheme(random), "notion": random.choice(NOTIONS), "trials": 4,
                "seed": random.randint(0, 9), "signals": [[1, 0, 0]]}

    return Door(_calls(one_of(function, scheme)), partial(_enter, decide), limit=60)


def bounds():
    """For which steps a function, or a scheme, is stable."""
    formulas = _formulas()

    def function(random):
        return {"scheme": Formula(formulas(random)), "notion": random.choice(NOTIONS),
                "shape": random.choice([1, 1, 2]), "trials": 1, "halvings": 1, "start": 1}

    def scheme(random):
        return {"scheme": _scheme(random), "notion": random.choice(NOTIONS), "trials": 1,
                "halvings": 1, "start": random.choice(_STEPS)}

    return Door(_calls(one_of(function, function, function, scheme)), partial(_enter, step_bound),
                limit=60)


def audits():
    """Networks in npz files, functions and schemes, with a budget of nearly nothing."""
    formulas = _formulas()
    contents = [networks(np_random) for np_random in map(_random, range(300))]

    def options(random):
        return {"notions": random.choice([None, [random.choice(tuple(AUDITED))]]),
                "at_most": random.choice([None, 1, "3/2"]), "around": None, "radius": None,
                "output": None, "rounding": "exact", "budget": 1e-6, "seed": 0}

    def network(random):
        return {**options(random), "model": random.choice(contents), "shape": None}

    def function(random):
        return {**options(random), "model": Formula(formulas(random)), "shape": 2}

    def enter(call):
        if isinstance(call.get("model"), bytes):
            saved(".npz", lambda path: _enter(audit, {**call, "model": path}))(call["model"])
        else:
            _enter(audit, call)

    return Door(_calls(one_of(network, network, function)), enter, limit=60)


def _random(number):
    from random import Random

    return Random(number)


def torch_export():
    """Modules of PyTorch's own with shapes that mostly do not fit; one in fifty is exported."""
    from torch import nn

    from stabkit.audit.torch_module import read

    made = [nn.Linear(2, 2), nn.Linear(3, 1), nn.Conv1d(1, 1, 3), nn.MaxPool1d(2), nn.LayerNorm(2),
            nn.BatchNorm1d(2), nn.ConvTranspose1d(1, 1, 2), nn.Unflatten(1, (2, 2)), nn.GLU(),
            nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), nn.Bilinear(2, 2, 2),
            nn.Embedding(3, 3), nn.LSTM(2, 2), nn.MultiheadAttention(2, 1), nn.PixelShuffle(2),
            nn.Module(), nn.ModuleList(), nn.Fold(2, 1), nn.Linear(2, 2).half(), nn.Linear(0, 2)]
    sizes = (*range(-1, 5), 2**31, 2**62, 10**30, 1.5, "2", None, True)

    def fits(module, shape):
        import torch

        try:
            return isinstance(shape, tuple) and all(type(n) is int and 0 < n < 9 for n in shape) \
                and isinstance(module(torch.zeros(1, *shape)), torch.Tensor)
        except (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError):
            return False

    known = {}

    def make(random):
        while True:
            module = random.choice([*made, *ODD]) if random.random() < 0.9 else None
            shape = random.choice([None, 2, "2", tuple(random.choices(sizes, k=random.randint(
                0, 4))), tuple(random.choices(range(1, 5), k=random.randint(1, 3)))])
            place = (id(module), repr(shape))
            if place not in known:
                known[place] = fits(module, shape) if isinstance(module, nn.Module) else False
            if not known[place] or random.random() < 0.02:
                return module, shape

    return Door(make, lambda given: read(*given), limit=60)
