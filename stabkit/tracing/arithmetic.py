"""Arithmetic of traced entries: what is linear is done at once, what is not becomes a node."""

from __future__ import annotations

from typing import Any

import numpy as np

from stabkit.aliases import Array, Function, Operand
from stabkit.tracing.array import Traced, make_array, operand, shape_of
from stabkit.tracing.numbers import holds_truths
from stabkit.tracing.tracer import PARTIAL, Tracer

#: Functions that are not linear and stay nodes.
_ELEMENTWISE = (
    np.exp, np.log, np.sqrt, np.tanh, np.sin, np.cos, np.arctan,
    np.absolute, np.fabs, np.sign, np.maximum, np.minimum, np.fmax, np.fmin,
    np.hypot, np.expm1, np.log1p, np.sinh, np.cosh,
)
_CONDITIONS = (
    np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal,
    np.logical_and, np.logical_or, np.logical_not,
)
_TRUTHS = {ufunc.__name__ for ufunc in _CONDITIONS} | {"isfinite", "isnan", "isinf"}
_KEEPING = {"multiply", "absolute", "maximum", "minimum", "fmax", "fmin"}  # truth values as such


def elementwise(tracer: Tracer, name: str, *inputs: Any) -> Array:
    """A function of entries that is not linear."""
    shape = np.broadcast_shapes(*map(shape_of, inputs))
    parts = [operand(tracer, part, shape) for part in inputs]
    factors = []
    for k in {"multiply": (0, 1), "divide": (0,)}.get(name, ()):
        parts[k], factor = parts[k].without_step()
        factors += [factor] if factor is not None else []
    values = tracer.node(name, parts)
    for factor in factors:
        values = values.times(factor)
    if name in _TRUTHS or (name in _KEEPING and all(map(holds_truths, inputs))):
        return make_array(tracer, values, shape, bool)
    return make_array(tracer, values, shape)


def _sum(tracer: Tracer, a: Array, b: Array) -> Array:
    if holds_truths(a) and holds_truths(b):
        return elementwise(tracer, "logical_or", a, b)  # as NumPy adds them
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    return make_array(tracer, operand(tracer, a, shape) + operand(tracer, b, shape), shape)


def _difference(tracer: Tracer, a: Array, b: Array) -> Array:
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    return make_array(tracer, operand(tracer, a, shape) + -operand(tracer, b, shape), shape)


def _product(tracer: Tracer, a: Array, b: Array) -> Array:
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    x, y = operand(tracer, a), operand(tracer, b)
    if x.is_constant:
        (a, x), (b, y) = (b, y), (a, x)
    if not y.is_constant:
        return elementwise(tracer, "multiply", a, b)
    x = operand(tracer, a, shape)
    return make_array(tracer, x.times(y if y.count == 1 else operand(tracer, b, shape)), shape)


def _quotient(tracer: Tracer, a: Array, b: Array) -> Array:
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    divisor = operand(tracer, b)
    if not divisor.is_constant:
        return elementwise(tracer, "divide", a, b)
    try:
        inverse = make_array(tracer, divisor.reciprocals(), shape_of(b))
    except ZeroDivisionError:
        tracer.stop("a division by 0")
    return make_array(tracer, operand(tracer, a, shape).times(operand(tracer, inverse, shape)),
                      shape)


def _power(tracer: Tracer, a: Array, exponent: Operand) -> Array:
    if isinstance(exponent, Traced) or np.ndim(exponent) or exponent != int(exponent) or \
            exponent < 0:
        return elementwise(tracer, "power", a, exponent)
    result: Array = np.ones(shape_of(a), dtype=int)
    for _ in range(int(exponent)):
        result = _product(tracer, result, a)
    return result if isinstance(result, Traced) else \
        make_array(tracer, operand(tracer, result), shape_of(a))


def _matmul(tracer: Tracer, a: Array, b: Array) -> Array:
    if max(np.ndim(a), np.ndim(b)) > 2:
        tracer.stop("np.matmul of stacks of matrices is not followed")
    return np.dot(a, b)


def _has_value(tracer: Tracer, a: Array) -> bool:
    """Whether all entries are numbers, whatever the input and the step: so guards are passed."""
    form = operand(tracer, a)
    return len(form.denominator) == 1 and (
        ((not form.columns.size or int(form.columns.max()) <= tracer.inputs)
        and not tracer.loses_values)
        or not any(node.name in (*PARTIAL, "solve") for node in tracer.nodes))


def _guard(ufunc: Any, answer: bool) -> Function:
    """np.isfinite and the like, whose answer is known where all entries are numbers."""
    def run(tracer: Tracer, a: Array) -> Array:
        return np.full(shape_of(a), answer)[()] if _has_value(tracer, a) else \
            elementwise(tracer, ufunc.__name__, a)
    return run


def _nan_to_num(tracer: Tracer, a: Array, *args: object, **options: object) -> Array:
    if not _has_value(tracer, a):
        tracer.stop("np.nan_to_num of what may be no number is not followed")
    return a.copy()


def _node(ufunc: Any) -> Function:
    return lambda tracer, *inputs: elementwise(tracer, ufunc.__name__, *inputs)


ARITHMETIC: dict[Any, Function] = {
    **{ufunc: _node(ufunc) for ufunc in (*_ELEMENTWISE, *_CONDITIONS)},
    np.isfinite: _guard(np.isfinite, True), np.isnan: _guard(np.isnan, False),
    np.isinf: _guard(np.isinf, False), np.nan_to_num: _nan_to_num, np.matmul: _matmul,
    np.add: _sum, np.subtract: _difference, np.multiply: _product, np.divide: _quotient,
    np.negative: lambda tracer, a: make_array(tracer, -operand(tracer, a), shape_of(a)),
    np.positive: lambda tracer, a: a.copy(), np.power: _power, np.float_power: _power,
    np.square: lambda tracer, a: _power(tracer, a, 2),
}
