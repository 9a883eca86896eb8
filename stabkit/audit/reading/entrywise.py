"""Operators that act entry by entry: arithmetic with constants, normalisation, activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from stabkit import fluxes
from stabkit.arithmetic.rational import fractions
from stabkit.audit.reading import formulas, masks, reduction
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.folding import FLOATS, in_type
from stabkit.audit.reading.operator import Constant, Masked, Operator, Test
from stabkit.errors import InvalidArgument
from stabkit.fluxes import activations
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers import Activation, Layer, Scaling, Sum
from stabkit.networks.layers.activation import flux_of


# -- arithmetic ------------------------------------------------------------------------------------
def beside(op: Operator, view: View, number: int) -> tuple[View, np.ndarray | float]:
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
    view, values = beside(op, op.signal(int(first)), int(not first))
    return view, values, first


def _both_signals(op: Operator) -> bool:
    return isinstance(op.value(0), View) and isinstance(op.value(1), View)


def add(op: Operator) -> View | Masked:
    """Add and Sub."""
    sign = -1 if op.kind == "Sub" else 1
    for at in (0, 1):
        if sign > 0 and op.masks(at):
            given, kept = masks.finite_sum(op, at)
            return masks.mask(_plus(given, sign), kept)
    return _plus(op, sign)


def _plus(op: Operator, sign: int) -> View:
    if _both_signals(op):
        return sum_of(op, [op.signal(0), op.signal(1)], (1, sign))
    view, values, first = _operands(op)
    if first:
        return op.build.scale(view, float(sign) if sign < 0 else None, values)
    return op.build.scale(view, None, sign * np.asarray(values))


def sum_of(op: Operator, views: list[View], signs: tuple[int, ...]) -> View:
    shape = np.broadcast_shapes(*(view.shape for view in views))
    return op.build.add(Sum(signs), [op.build.broadcast(view, shape) for view in views], shape)


def total(op: Operator) -> View:
    """Sum and Mean of any number of signals and constants."""
    views = [value for value in op.inputs if isinstance(value, View)]
    made = views[0] if len(views) == 1 else sum_of(op, views, (1,) * len(views))
    for value in op.inputs:
        if not isinstance(value, View):
            view, values = beside(replace(op, inputs=[made, value]), made, 1)
            made = op.build.scale(view, None, values)
    return made if op.kind == "Sum" else op.build.scale(made, 1 / len(op.inputs))


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
    return op.build.scale(view, factors.reshape(shape), (bias - factors * mean).reshape(shape))


def keep(op: Operator) -> View | Constant | Masked | Test:
    """Identity, Dropout in inference form, Cast between floats; numbers are real numbers here."""
    value = op.value(0)
    if isinstance(value, Masked) and (op.kind != "Cast" or op.integer("to") in FLOATS):
        return value
    if op.kind == "CastLike" and isinstance(value, Constant):  # to the type of a signal
        return Constant(in_type(op, value.values, op.build.element), value.name)
    if isinstance(value, Test):
        remains = op.kind == "Identity" or (op.kind == "Cast" and op.integer("to") == 9)
        return value if remains else formulas.as_numbers(op, value)
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
    signals = [value.shape for value in op.inputs if isinstance(value, View)]
    if values.size != 1 and (not values.size or (values != values.flat[0]).any() or (
            np.broadcast_shapes(values.shape, *signals) != signals[0])):
        raise op.refuse("bounds that differ between entries")
    bound = float(values.flat[0])
    if np.isnan(bound):
        raise InvalidArgument(f"its input {number} is nan")
    return None if np.isinf(bound) else Fraction(bound)


def clip(op: Operator) -> View:
    """Clip by two numbers; Max by a lower and Min by an upper one, its input 1."""
    if op.kind == "Clip" and op.opset < 11:
        low, high = (_bound(op, "min"), _bound(op, "max"))
    else:
        low = None if op.kind == "Min" else _scalar(op, 1)
        high = _scalar(op, {"Clip": 2, "Min": 1, "Max": 3}[op.kind])
    return _clip_view(op, op.signal(0), low, high)


def _bound(op: Operator, name: str) -> Fraction | None:
    if name not in op.attributes:
        return None
    bound = Fraction(op.number(name, 0.0))
    return None if abs(bound) > 2**127 else bound  # the largest float stands for "none"


def _clip_view(op: Operator, view: View, low: Fraction | None, high: Fraction | None) -> View:
    if low is None and high is None:
        return view
    if low is not None and high is not None and low >= high:
        return op.build.scale(view, 0.0, float(high))
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
    view, values = beside(op, op.signal(0), 1)
    size = activate(op, flux_of(fluxes.leaky_relu, -1), view)
    halves = [_half_of(sign, np.asarray(values)) for sign in (1, -1)]
    return sum_of(op, [op.build.scale(one, half) for one, half in zip(
        (view, size), halves, strict=True)], (1, 1))


def _half_of(sign: int, a: np.ndarray) -> np.ndarray:
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
def factor_and_bias(build: Builder, view: View) -> tuple[int, Fraction, Fraction]:
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


def gate_of(build: Builder, view: View) -> tuple[Flux, str, int, Fraction, Fraction, Fraction,
                                               Fraction] | None:
    """Flux, its name, node of x, and k, c, q, o of a signal q Φ(kx + c) + o."""
    node, outer, beyond = factor_and_bias(build, view)
    if node < 0 or not isinstance(layer := build.nodes[node].layer, Activation):
        return None
    inside = View(build.nodes[node].inputs[0], view.shape)
    if layer.flux.name == "tanh" and (bent := gate_of(build, inside)) is not None and \
            bent[1] == "softplus" and bent[5:] == (1, 0):
        return layer.flux, "tanh of softplus", *bent[2:5], outer, beyond
    inner, k, c = factor_and_bias(build, inside)
    return layer.flux, layer.flux.name, inner, k, c, outer, beyond


def gate_signal(op: Operator) -> View:
    """x times a function of x: SiLU, GELU, hard swish, mish as exporters write them; or a product.
    """
    for first, second in ((0, 1), (1, 0)):
        x, other = op.signal(first), op.signal(second)
        if x.shape != other.shape or not _same_places(x, other):
            continue
        gate = gate_of(op.build, other)
        node, factor, offset = factor_and_bias(op.build, x)
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
        made = _shrinkage(op, x, other)
        if made is not None:
            return made
    return formulas.product(op, first, second)


def _shrinkage(op: Operator, sign: View, size: View) -> View | None:
    """sgn(u) max(|u| − θ, 0) with positive thresholds θ that differ: θ S₁(u/θ) with soft shrinkage.
    """
    made = [_source_of(op.build, view) for view in (sign, size)]
    moved = _source_of(op.build, made[1][1])
    whole = _source_of(op.build, moved[1])
    layers = made[0][0], made[1][0], whole[0]
    if not isinstance(moved[0], Scaling) or moved[0].factors is not None or not np.ndim(
            moved[0].bias if moved[0].bias is not None else 0.0):
        return None
    names = [layer.flux if isinstance(layer, Activation) else None for layer in layers]
    if names[0] is None or names[0].name != "sign" or names[1:] != [
            flux_of(fluxes.relu), flux_of(fluxes.leaky_relu, -1)] or \
            made[0][1].node != whole[1].node or sign.shape != size.shape:
        return None
    thresholds = -np.asarray(moved[0].bias, dtype=float)
    if not (thresholds > 0).all():
        return None
    inner = op.build.scale(whole[1], 1 / thresholds)
    return op.build.scale(activate(op, flux_of(activations.soft_shrinkage, 1), inner), thresholds)


def _source_of(build: Builder, view: View) -> tuple[Layer | None, View]:
    """The layer that makes a signal, and what it is applied to; none where entries are moved."""
    if view.node < 0 or view.places is not None:
        return None, view
    node = build.nodes[view.node]
    return node.layer, View(node.inputs[0], view.shape)


def over_signal(op: Operator) -> View:
    """Div by a signal: times its reciprocal, which has no constant where that comes near 0."""
    above = op.value(0)
    if isinstance(above, View) and (
            made := reduction.divide_by_own_length(op, above, op.signal(1))) is not None:
        return made
    below = formulas.apply_function(op, "Reciprocal", op.signal(1))
    if isinstance(above, View):
        return _times(op, above, below)
    view, values = beside(op, below, 0)
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
