"""A signal times a diffusivity of itself: the fluxes of the dictionary as frameworks write them.

PyTorch has no operator for s/√(1 + s²): its exporter writes the square, the sum, the root and the
quotient one by one.  They are read together, as Φ(s) = g(s) s where g is a function of a + b s².
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import isqrt

from stabkit import fluxes
from stabkit.audit.reading import entrywise
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.entrywise import activate, flux_of, unscaled
from stabkit.audit.reading.operator import Bend, Constant, Operator
from stabkit.fluxes.flux import Flux
from stabkit.networks.layers import Activation, Product

PLAIN, ROOT, EXPONENTIAL, LARGER = "a + b s^2", "its root", "its exponential", "at least a"


def square_root(op: Operator) -> Bend:
    """√(a + b s²)."""
    return replace(_bend(op, op.signal(0)), kind=ROOT)


def exponential(op: Operator) -> Bend:
    """exp(a + b s²)."""
    return replace(_bend(op, op.signal(0)), kind=EXPONENTIAL)


def reciprocal(op: Operator) -> Bend:
    """1/(a + b s²), or one over its root."""
    value = op.value(0)
    bend = value if isinstance(value, Bend) else _bend(op, op.signal(0))
    return replace(bend, inverse=not bend.inverse)


def power(op: Operator) -> View:
    """s²."""
    view, exponent = op.signal(0), op.weights(1)
    if exponent is None or exponent.size != 1 or float(exponent.item()) != 2:
        raise op.refuse("a power other than the square")
    return op.build.add(Product(), [view, view], view.shape)


def multiply(op: Operator) -> View:
    """Mul, where one factor may be a diffusivity."""
    for first, second in ((0, 1), (1, 0)):
        gate = op.value(second)
        if isinstance(gate, Bend):
            return _flux(op, op.signal(first), gate)
    return entrywise.multiply(op)


def divide(op: Operator) -> View | Bend:
    """Div, where the divisor may be one over a diffusivity."""
    divisor = op.value(1)
    if isinstance(divisor, Constant) or divisor is None:
        return entrywise.divide(op)
    bend = divisor if isinstance(divisor, Bend) else _bend(op, op.signal(1))
    bend = replace(bend, inverse=not bend.inverse)
    dividend = op.value(0)
    if isinstance(dividend, Constant):
        if dividend.values.size != 1 or float(dividend.values.item()) != 1:
            raise op.refuse("a number other than 1 divided by a signal")
        return bend
    return _flux(op, op.signal(0), bend)


def _bend(op: Operator, view: View) -> Bend:
    """a + b s², or the larger of a and b s², as far as a signal is one."""
    build = op.build
    node, factor, offset = unscaled(build, view)
    layer = build.nodes[node].layer if node >= 0 else None
    if isinstance(layer, Activation) and layer.flux.name == "clip" and factor == 1 and \
            offset == 0 and list(layer.flux.parameters) == ["lower"]:
        least = Fraction(layer.flux.parameters["lower"])
        inner = _bend(op, View(build.nodes[node].inputs[0], view.shape))
        if least > 0 and inner.kind == PLAIN and inner.a == 0 and inner.b > 0:
            return replace(inner, kind=LARGER, a=least)
    if isinstance(layer, Product):
        one, two = build.nodes[node].inputs
        ratio = _ratio(build, two, one, view)
        if ratio is not None:
            return Bend(one, PLAIN, offset, factor * ratio)
    what = {"Sqrt": "the root of", "Exp": "the exponential of"}.get(op.kind, "a division by")
    raise op.refuse(f"{what} a signal that is not of the form a + b s^2")


def _ratio(build: Builder, node: int, base: int, view: View) -> Fraction | None:
    """c, where the result of a node is c times that of another one."""
    (one, f, shift), (two, g, other) = (unscaled(build, View(n, view.shape)) for n in (node, base))
    return f / g if one == two and shift == other == 0 and g else None


def _flux(op: Operator, view: View, gate: Bend) -> View:
    """s times its gate."""
    node = op.build.settle(view)
    ratio = _ratio(op.build, node, gate.node, view)
    made = None if ratio is None else _named(gate)
    if made is None or ratio is None or op.build.shape_of(gate.node) != op.build.shape_of(node):
        raise op.refuse("a signal times a function of another one, or one that is no diffusivity")
    flux, factor = made
    done = activate(op, flux, View(gate.node, view.shape))
    return op.build.scale(done, float(ratio * factor))


def _named(gate: Bend) -> tuple[Flux, Fraction] | None:
    """The flux, and the number before it."""
    a, b = gate.a, gate.b
    if gate.kind == EXPONENTIAL and not gate.inverse and a == 0 and b < 0:
        contrast = _root(-1 / (2 * b))
        return None if contrast is None else (flux_of(fluxes.perona_malik, contrast), Fraction(1))
    if not gate.inverse or a <= 0 or b <= 0 or (contrast := _root(a / b)) is None:
        return None
    if gate.kind == ROOT:
        size = _root(a)
        return None if size is None else (flux_of(fluxes.charbonnier, contrast), 1 / size)
    make = {PLAIN: fluxes.rational, LARGER: fluxes.garrote}.get(gate.kind)
    return None if make is None else (flux_of(make, contrast), 1 / a)


def _root(square: Fraction) -> Fraction | None:
    """The root of a positive fraction, where it is one."""
    root = Fraction(isqrt(square.numerator), isqrt(square.denominator))
    return root if root**2 == square else None
