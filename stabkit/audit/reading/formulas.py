"""Functions of one number that files apply entry by entry, choices between them, and products."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np

from stabkit.arithmetic.rational import Constant
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.fusion import Choice, formulas_behind
from stabkit.audit.reading.operator import Comparison, Operator, Test, Tests
from stabkit.audit.reading.operator import Constant as Known
from stabkit.audit.reading.recognition import flux_of_formula
from stabkit.errors import InvalidArgument
from stabkit.fluxes.expression import VARIABLE, Expression
from stabkit.networks.layers import Activation, Layer, Product

_POWERS = 8  # up to which a power is written out

FORMULAS: dict[str, Callable[[Expression], Expression]] = {
    "Exp": np.exp, "Log": np.log, "Sqrt": np.sqrt, "Sin": np.sin, "Cos": np.cos, "Tan": np.tan,
    "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh, "Sign": np.sign, "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": lambda s: np.ceil((2 * s - 1) / 4) + np.floor((2 * s + 1) / 4),  # of two the even one
    "Reciprocal": lambda s: 1 / s, "Abs": abs,
    "Asinh": lambda s: Expression.where(  # without cancellation on either side
        s > 0, np.log(s + np.sqrt(s * s + 1)), -np.log(np.sqrt(s * s + 1) - s)),
    "Atanh": lambda s: np.log((1 + s) / (1 - s)) / 2,
}


def apply_function(op: Operator, kind: str, view: View) -> View:
    """One of the functions by name."""
    return _activate_formula(op, view, FORMULAS[kind](VARIABLE), kind.lower())


def _activate_formula(op: Operator, view: View, formula: Expression, name: str) -> View:
    return op.build.add(Activation(flux_of_formula(formula, name)), [view], view.shape)


def function(op: Operator) -> View:
    """An operator that is one of the functions."""
    return apply_function(op, op.kind, op.signal(0))


def threshold_relu(op: Operator) -> View:
    """ThresholdedRelu: x where x > α, 0 elsewhere."""
    edge = Constant(Fraction(op.number("alpha", 1.0)))
    return _activate_formula(op, op.signal(0),
                             Expression.where(edge < VARIABLE, VARIABLE,
                                              0 * VARIABLE), "thresholded_relu")


def tanh_gelu(op: Operator) -> View:
    """x (1 + tanh(√(2/π) (x + 0.044715 x³)))/2, with √(2/π) as a float of double precision."""
    k = Constant(Fraction(float(np.sqrt(2 / np.pi))))
    m = Constant(Fraction(44715, 10**6))
    s = VARIABLE
    return _activate_formula(op, op.signal(0), s * (1 + np.tanh(k * (s + m * s * s * s))) / 2,
                             "gelu_tanh")


# -- powers and quotients --------------------------------------------------------------------------
def power(op: Operator) -> View:
    """A signal to a power in quarters, or a constant to the power of a signal.

    The latter with the logarithm of the constant as a float of double precision.
    """
    if isinstance(op.value(0), Known):
        base = op.weights(0)
        if base is None or base.size != 1 or base.item() <= 0:
            raise op.refuse("powers of constants other than one positive number")
        rise = float(np.log(float(base.item())))
        return apply_function(op, "Exp", op.build.scale(op.signal(1), rise))
    given = op.weights(1)
    if given is None or given.size != 1 or (4 * given.item()) % 1 or abs(given.item()) > _POWERS:
        raise op.refuse("a power other than one whole number or some quarters")
    exponent = Fraction(given.item())
    if exponent == 0:
        return op.build.scale(op.signal(0), 0.0, 1.0)
    if exponent == 2:
        return op.build.add(Product(), [op.signal(0)] * 2, op.signal(0).shape)
    root = VARIABLE
    for _ in range(exponent.denominator.bit_length() - 1):
        root = np.sqrt(root)
    formula = root**abs(exponent.numerator)
    return _activate_formula(op, op.signal(0), formula if exponent > 0 else 1 / formula, "power")


def is_square(layer: Layer) -> bool:
    return isinstance(layer, Activation) and layer.flux.formula() == "x ** 2"


def product(op: Operator, view: View, other: View) -> View:
    """A signal times another one, entry by entry."""
    shape = np.broadcast_shapes(view.shape, other.shape)
    return op.build.add(Product(), [op.build.broadcast(each, shape) for each in (view, other)],
                        shape)


def formulas_of(build: Builder, node: int) -> Iterator[tuple[int, Expression]]:
    """Nodes that a node is a function of, and the formula."""
    return formulas_behind(build.nodes, node) if node >= 0 else iter(())


# -- choices ---------------------------------------------------------------------------------------
_RELATIONS = {"Greater": ">", "Less": "<", "GreaterOrEqual": ">=", "LessOrEqual": "<="}
COMPARISONS = (*_RELATIONS, "Equal")
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_OPPOSITE = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}


def compare(op: Operator) -> Test:
    """Where a signal is larger or smaller than one number, or than another signal, or equal."""
    if op.kind == "Equal":
        return Tests(_compare(op, ">="), _compare(op, "<="), True)
    return _compare(op, _RELATIONS[op.kind])


def _compare(op: Operator, relation: str) -> Comparison:
    if isinstance(op.value(0), View) and isinstance(op.value(1), View):
        return Comparison(op.build.minus(op.signal(0), op.signal(1)), 0.0, relation)
    first = isinstance(op.value(0), Known)
    view = op.signal(int(first))
    bound = op.one_number(int(not first), view.shape)
    if bound is None:
        raise op.refuse("a comparison with anything but one number")
    return Comparison(view, bound, _TURNED[relation] if first else relation)


def _test(op: Operator, number: int) -> Test:
    test = op.value(number)
    if not isinstance(test, Test):
        raise op.refuse("of something else than comparisons of signals")
    return test


def negate(op: Operator) -> Test:
    return _opposite(_test(op, 0))


def _opposite(test: Test) -> Test:
    if isinstance(test, Tests):
        return Tests(_opposite(test.first), _opposite(test.second), not test.both)
    return Comparison(test.view, test.threshold, _OPPOSITE[test.relation])


def join_tests(op: Operator) -> Test:
    """And, and Or."""
    return Tests(_test(op, 0), _test(op, 1), op.kind == "And")


def choice(op: Operator, test: Test, yes: View, no: View) -> View:
    """One of two signals, as a test holds or not."""
    if isinstance(test, Tests):
        inner = choice(op, test.second, yes, no)
        return choice(op, test.first, *((inner, no) if test.both else (yes, inner)))
    if not np.isfinite(test.threshold):
        raise InvalidArgument("a signal is compared with what is no number")
    if test.relation in ("<", "<="):
        yes, no = no, yes
    strict = test.relation in (">", "<=")
    shape = np.broadcast_shapes(test.view.shape, yes.shape, no.shape)
    return op.build.add(Choice(test.threshold, strict), [
        op.build.broadcast(view, shape) for view in (test.view, yes, no)], shape)


def as_numbers(op: Operator, test: Test) -> View:
    """1 where a test holds, 0 elsewhere."""
    one, nothing = (op.build.scale(test.view, 0.0, value) for value in (1.0, 0.0))
    return choice(op, test, one, nothing)


def choose(op: Operator, test: Test) -> View:
    """Where, with a signal or one number on either side."""
    sides = []
    for place in (1, 2):
        value = op.value(place)
        if isinstance(value, View):
            sides.append(value)
            continue
        known = op.one_number(place, test.view.shape)
        if known is None:
            raise op.refuse("a choice between a signal and several constants")
        sides.append(op.build.scale(test.view, 0.0, known))
    return choice(op, test, *sides)
