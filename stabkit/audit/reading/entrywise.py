"""Operators that act entry by entry: arithmetic with constants, normalisation, activations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.audit.reading import formulas, masks, reduction
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.folding import FLOATS
from stabkit.audit.reading.operator import Comparison, Constant, Masked, Operator
from stabkit.errors import InvalidArgument
from stabkit.fluxes import activations
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers import Activation, Scaling, Sum
from stabkit.networks.layers.activation import flux_of


# -- arithmetic ------------------------------------------------------------------------------------
def _beside(op: Operator, view: View, number: int) -> tuple[View, np.ndarray | float]:
    """The signal, and the constant input that meets it, without the batch axis."""
    values = op.weights(number)
    if values is None:
        raise InvalidArgument(f"its input {number} is missing; a constant is needed")
    if values.size == 1 and values.ndim <= len(view.shape):
        return view, float(values.item())
    shape = np.broadcast_shapes(view.shape, values.shape)
    view = op.build.broadcast(view, shape)
    if not op.build.has_batch(shape):
        return view, values
    if values.ndim == len(shape):
        if len(values) > 1 and (values != values[:1]).any():
            raise op.refuse("a constant that differs between the samples of a batch")
        values = values[0]
    return view, values


def _operands(op: Operator) -> tuple[View, np.ndarray | float, bool]:
    """The signal, the constant, and whether the constant stands first."""
    first = isinstance(op.value(0), Constant)
    view, values = _beside(op, op.signal(int(first)), int(not first))
    return view, values, first


def _both_signals(op: Operator) -> bool:
    return isinstance(op.value(0), View) and isinstance(op.value(1), View)


def add(op: Operator) -> View | Masked:
    """Add and Sub."""
    sign = -1 if op.kind == "Sub" else 1
    for at in (0, 1):
        if sign > 0 and op.masks(at):
            given, kept = masks.add_under_mask(op, at)
            return masks.mask(_plus(given, sign), kept)
    return _plus(op, sign)


def _plus(op: Operator, sign: int) -> View:
    if _both_signals(op):
        return _sum(op, [op.signal(0), op.signal(1)], (1, sign))
    view, values, first = _operands(op)
    if first:
        return op.build.scale(view, float(sign) if sign < 0 else None, values)
    return op.build.scale(view, None, sign * np.asarray(values))


def _sum(op: Operator, views: list[View], signs: tuple[int, ...]) -> View:
    shape = np.broadcast_shapes(*(view.shape for view in views))
    return op.build.add(Sum(signs), [op.build.broadcast(view, shape) for view in views], shape)


def total(op: Operator) -> View:
    """Sum of any number of signals."""
    views = [op.signal(number) for number in range(len(op.inputs))]
    return views[0] if len(views) == 1 else _sum(op, views, (1,) * len(views))


def multiply(op: Operator) -> View:
    """Mul: by a constant, or of a signal and a gate that is computed from it."""
    if _both_signals(op):
        return gate_signal(op)
    view, values, _ = _operands(op)
    return op.build.scale(view, values)


def divide(op: Operator) -> View:
    """Div by a signal, or by a constant: the factors are then quotients in double precision."""
    if isinstance(op.value(1), View):
        return over_signal(op)
    view, values, _ = _operands(op)
    if not np.all(values):
        raise InvalidArgument("a signal is divided by zero")
    return op.build.scale(view, 1.0 / np.asarray(values, dtype=np.float64))


def negate(op: Operator) -> View:
    return op.build.scale(op.signal(0), -1.0)


def batch_normalization(op: Operator) -> View:
    """f x + b with f = γ/√(σ² + ε), b = β − f μ, rounded to double precision."""
    view = op.signal(0)
    parts = [part for number in range(1, 5) if (part := op.weights(number)) is not None]
    if op.integer("training_mode", 0) or op.outputs > 1 or not op.integer("spatial", 1):
        raise op.refuse("normalisation in training form; export the network in eval mode")
    channels = view.shape[1] if len(view.shape) > 1 else 0
    if len(parts) < 4 or any(part.shape != (channels,) for part in parts):
        raise InvalidArgument(f"its parameters do not fit {channels} channels")
    scale, bias, mean, variance = (part.astype(np.float64) for part in parts)
    variance = variance + op.number("epsilon", 1e-5)
    if (variance <= 0).any():
        raise InvalidArgument(f"channel {int(np.argmin(variance))} has the variance "
                              f"{variance.min()} with its epsilon; it must be positive")
    factors = scale / np.sqrt(variance)
    shape = (channels, *(1 for _ in view.shape[2:]))
    if not op.build.has_batch(view.shape):
        raise op.refuse("normalisation of a signal without a batch axis")
    return op.build.scale(view, factors.reshape(shape), (bias - factors * mean).reshape(shape))


def keep(op: Operator) -> View | Constant | Masked:
    """Identity, Dropout in inference form, Cast between floats; numbers are real numbers here."""
    value = op.value(0)
    if isinstance(value, Masked) and (op.kind != "Cast" or op.integer("to") in FLOATS):
        return value
    if op.kind == "CastLike" and isinstance(value, Constant):
        return value
    if isinstance(value, Comparison) and op.kind == "Cast" and op.integer("to") in FLOATS:
        return formulas.as_numbers(op, value)
    if op.kind == "Cast" and op.integer("to") not in FLOATS:
        raise op.refuse("a signal cast to something else than floats")
    if op.kind == "Dropout" and op.has(2) and op.constant(2).any():
        raise op.refuse("dropout in training form; export the network in eval mode")
    return op.signal(0)


# -- activations -----------------------------------------------------------------------------------
def activate(op: Operator, flux: Flux, view: View | None = None) -> View:
    view = op.signal(0) if view is None else view
    return op.build.add(Activation(flux), [view], view.shape)


def _number(op: Operator, name: str, default: float) -> Fraction:
    return Fraction(op.number(name, default))


def _scalar(op: Operator, number: int) -> Fraction | None:
    values = op.constant(number) if op.has(number) else None
    if values is None:
        return None
    if values.size != 1:
        raise op.refuse("bounds that differ between entries")
    bound = float(values.item())
    if np.isnan(bound):
        raise InvalidArgument(f"its input {number} is nan")
    return None if np.isinf(bound) else Fraction(bound)


def clip(op: Operator) -> View:
    """Clip, and Min and Max with one constant."""
    if op.kind == "Clip" and op.opset < 11:
        low, high = (_bound(op, "min"), _bound(op, "max"))
    elif op.kind == "Clip":
        low, high = _scalar(op, 1), _scalar(op, 2)
    else:
        if len(op.inputs) != 2:
            raise op.refuse("of signals and several constants")
        first = isinstance(op.value(0), Constant)
        bound = _scalar(op, int(not first))
        low, high = (bound, None) if op.kind == "Max" else (None, bound)
        return _clip_view(op, op.signal(int(first)), low, high)
    return _clip_view(op, op.signal(0), low, high)


def _bound(op: Operator, name: str) -> Fraction | None:
    if name not in op.attributes:
        return None
    bound = Fraction(op.number(name, 0.0))
    return None if abs(bound) > 2**127 else bound  # the largest float stands for "none"


def _clip_view(op: Operator, view: View, low: Fraction | None, high: Fraction | None) -> View:
    if low is None and high is None:
        return view
    if low == 0 and high is None:
        return activate(op, flux_of(fluxes.relu), view)
    if high is not None and low == -high:
        return activate(op, flux_of(fluxes.soft, high), view)
    return activate(op, flux_of(activations.clip, low, high), view)


def hard_sigmoid(op: Operator) -> View:
    """max(0, min(1, αx + β))."""
    alpha, beta = op.number("alpha", 0.2), op.number("beta", 0.5)
    return activate(op, flux_of(activations.clip, 0, 1),
                    op.build.scale(op.signal(0), alpha, beta))


def prelu(op: Operator) -> View:
    """max(x, 0) + a min(x, 0); where a differs between channels, (1 + a) x/2 + (1 − a)|x|/2."""
    slope = op.weights(1)
    if slope is None:
        raise InvalidArgument("its slopes are missing")
    if (slope == slope.flat[0]).all():
        return activate(op, flux_of(fluxes.leaky_relu, Fraction(float(slope.flat[0]))))
    view, values = _beside(op, op.signal(0), 1)
    size = activate(op, flux_of(fluxes.leaky_relu, -1), view)
    halves = [_halved(sign, np.asarray(values)) for sign in (1, -1)]
    return _sum(op, [op.build.scale(one, half) for one, half in zip(
        (view, size), halves, strict=True)], (1, 1))


def _halved(sign: int, a: np.ndarray) -> np.ndarray:
    """(1 ± a)/2, exactly: in floats where they hold it."""
    exact = (1 + sign * fractions(a)) / 2
    near = (1 + sign * a.astype(np.float64)) / 2
    return near if (fractions(near) == exact).all() else exact


def scale_elu(op: Operator) -> View:
    """Selu: γ elu(x), and Celu: α elu₁(x/α)."""
    if op.kind == "Selu":
        inner = activate(op, flux_of(activations.elu, _number(
            op, "alpha", float(np.float32(1.67326324)))))
        return op.build.scale(inner, op.number("gamma", float(np.float32(1.05070098))))
    alpha = op.number("alpha", 1.0)
    if alpha <= 0:
        raise InvalidArgument(f"alpha must be positive, got {alpha}")
    inner = activate(op, flux_of(activations.elu), op.build.scale(op.signal(0), 1 / alpha))
    return op.build.scale(inner, alpha)


def gelu(op: Operator) -> View:
    if op.text("approximate", "none") != "none":
        return formulas.tanh_gelu(op)
    return activate(op, flux_of(activations.gelu))


FLUXES: dict[str, Callable[[Operator], Flux]] = {
    "Relu": lambda op: flux_of(fluxes.relu), "Tanh": lambda op: flux_of(fluxes.tanh),
    "LeakyRelu": lambda op: flux_of(
        fluxes.leaky_relu, _number(op, "alpha", float(np.float32(0.01)))),
    "Sigmoid": lambda op: flux_of(activations.sigmoid),
    "Softplus": lambda op: flux_of(activations.softplus),
    "Elu": lambda op: flux_of(activations.elu, _number(op, "alpha", 1.0)),
    "Erf": lambda op: flux_of(activations.error_function),
    "Mish": lambda op: flux_of(activations.mish),
    "HardSwish": lambda op: flux_of(activations.hard_swish),
    "Abs": lambda op: flux_of(fluxes.leaky_relu, -1),
    "Softsign": lambda op: flux_of(activations.softsign),
    "Swish": lambda op: flux_of(activations.silu, _number(op, "alpha", 1.0)),
}


# -- a signal times a gate -------------------------------------------------------------------------
def _factor_and_bias(build: Builder, view: View) -> tuple[int, Fraction, Fraction]:
    """The node, f and b of a signal f x + b, where f and b are numbers."""
    node, factor, offset = view.node, Fraction(1), Fraction(0)
    while node >= 0 and isinstance(layer := build.nodes[node].layer, Scaling):
        parts = [default if part is None else part
                 for part, default in ((layer.factors, 1.0), (layer.bias, 0.0))]
        if any(np.ndim(part) for part in parts):
            break
        f, b = (Fraction(float(part)) for part in parts)
        offset, factor = offset + factor * b, factor * f
        node = build.nodes[node].inputs[0]
    return node, factor, offset


def _gate(build: Builder, view: View) -> tuple[Flux, str, int, Fraction, Fraction, Fraction,
                                               Fraction] | None:
    """Flux, its name, node of x, and k, c, q, o of a signal q Φ(kx + c) + o."""
    node, outer, beyond = _factor_and_bias(build, view)
    if node < 0 or not isinstance(layer := build.nodes[node].layer, Activation):
        return None
    inside = View(build.nodes[node].inputs[0], view.shape)
    if layer.flux.name == "tanh" and (bent := _gate(build, inside)) is not None and \
            bent[1] == "softplus" and bent[5:] == (1, 0):
        return layer.flux, "tanh of softplus", *bent[2:5], outer, beyond
    inner, k, c = _factor_and_bias(build, inside)
    return layer.flux, layer.flux.name, inner, k, c, outer, beyond


def gate_signal(op: Operator) -> View:
    """x times a function of x: SiLU, GELU, hard swish, mish as exporters write them; or a product.
    """
    for first, second in ((0, 1), (1, 0)):
        x, other = op.signal(first), op.signal(second)
        if x.shape != other.shape or not _same_places(x, other):
            continue
        gate = _gate(op.build, other)
        node, factor, offset = _factor_and_bias(op.build, x)
        if gate is None or offset or gate[2] != node:
            continue
        made = _product(*gate[:2], *gate[3:])
        if made is not None:
            flux, more = made
            done = activate(op, flux, View(node, x.shape, x.places))
            return op.build.scale(done, float(more * factor))
    return _times(op, op.signal(0), op.signal(1))


def _times(op: Operator, first: View, second: View) -> View:
    for x, other in ((first, second), (second, first)):
        made = reduction.divide_by_own_size(op, x, other)
        if made is not None:
            return made
        if x.node >= 0 and x.places is None and isinstance(
                scaling := op.build.nodes[x.node].layer, Scaling) and scaling.bias is None:
            inner = View(op.build.nodes[x.node].inputs[0], x.shape)
            made = reduction.divide_by_own_size(op, inner, other)
            if made is not None:
                return op.build.scale(made, scaling.factors)
    return formulas.product(op, first, second)


def over_signal(op: Operator) -> View:
    """Div by a signal: times its reciprocal, which has no constant where that comes near 0."""
    below = formulas.apply_function(op, "Reciprocal", op.signal(1))
    above = op.value(0)
    if isinstance(above, View):
        return _times(op, above, below)
    view, values = _beside(op, below, 0)
    return op.build.scale(view, values)


def _same_places(a: View, b: View) -> bool:
    return a.places is b.places or (a.places is not None and b.places is not None
                                    and np.array_equal(a.places, b.places))


def _product(flux: Flux, name: str, k: Fraction, c: Fraction, q: Fraction, o: Fraction
             ) -> tuple[Flux, Fraction] | None:
    """x (q Φ(kx + c) + o) as a multiple of a known flux."""
    if k <= 0 or q == 0:
        return None
    if name == "tanh of softplus" and (k, c, o) == (1, 0, 0):
        return activations.mish(), q
    if name == "sigmoid" and c == 0 == o:
        return activations.silu(k), q
    if name == "error_function" and c == 0 and o == q:
        return activations.gelu(1 / (2 * k * k)), 2 * q
    if name == "clip" and o == 0 and flux.parameters.get("lower") == 0 and \
            flux.parameters.get("upper"):
        top = Fraction(flux.parameters["upper"])
        return activations.hard_swish(k / top, c / top), q * top
    return None


# -- where a signal is large -----------------------------------------------------------------------
def where(op: Operator) -> View | Masked:
    """A choice by a comparison.

    The switch in PyTorch's softplus, x itself where βx > 20, ln(1 + exp(βx))/β elsewhere, is read
    as softplus: the two differ by less than 2.1e-9/β, below the resolution of float32 at 20.
    """
    test = op.value(0)
    if isinstance(test, Comparison) and test.relation == ">" and \
            test.threshold >= 20 and _both_of(op, 1, 2):
        base, beta, shift = _factor_and_bias(op.build, test.view)
        x, factor, offset = _factor_and_bias(op.build, op.signal(1))
        gate = _gate(op.build, op.signal(2))
        if shift == 0 == offset and x == base and factor == 1 and gate is not None and \
                gate[1] == "softplus" and gate[2:5] == (base, beta, 0) and beta > 0 and \
                abs(gate[5] * beta - 1) <= Fraction(1, 2**52) and gate[6] == 0:
            return op.signal(2)
    if isinstance(test, Comparison):
        return formulas.choose(op, test)
    if isinstance(test, Constant) and test.values.dtype == bool:
        for at, taken in ((1, test.values), (2, ~test.values)):
            if op.masks(at):
                given, kept = masks.choose_under_mask(op, at, taken)
                return masks.mask(_mask_view(given, test.values), kept)
        return _mask_view(op, test.values)
    raise op.refuse("a choice by something else than a comparison of a signal with a number")


def _mask_view(op: Operator, mask: np.ndarray) -> View:
    """Where with a mask that is known: a signal, or two, times zeros and ones."""
    parts = []
    for number, kept in ((1, mask), (2, ~mask)):
        value = op.value(number)
        if isinstance(value, View):
            shape = np.broadcast_shapes(value.shape, mask.shape)
            parts.append((op.build.broadcast(value, shape), kept))
    first, *rest = parts
    known = None if rest else (op.weights(1 if first[1] is not mask else 2), ~first[1])
    scaled = []
    for view, kept in parts:
        factors = _of_one(op, np.broadcast_to(kept.astype(float), view.shape))
        bias = None if known is None or known[0] is None else _of_one(
            op, np.broadcast_to(np.where(known[1], known[0], 0.0), view.shape))
        scaled.append(op.build.scale(view, factors, bias))
    return scaled[0] if not rest else _sum(op, scaled, (1, 1))


def _of_one(op: Operator, values: np.ndarray) -> np.ndarray:
    """A constant of a signal's shape, for one sample."""
    if not op.build.has_batch(values.shape):
        return values
    if (values != values[:1]).any():
        raise op.refuse("a constant that differs between the samples of a batch")
    return values[0]


def _both_of(op: Operator, *numbers: int) -> bool:
    return all(isinstance(op.value(number), View) for number in numbers)
