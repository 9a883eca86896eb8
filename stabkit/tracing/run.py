"""One run of a step on symbols, and the comparison of what it leaves with the step itself."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np
from scipy.sparse.linalg import spsolve

from stabkit.aliases import Array, Function
from stabkit.arithmetic.exact import Exact, exactly
from stabkit.arithmetic.rational import Constant
from stabkit.errors import (
    UNFIT,
    InvalidArgument,
    StabkitError,
    TracingStopped,
    in_words,
    limits_in_words,
)
from stabkit.tracing.array import Traced, make_array, operand, shape_of
from stabkit.tracing.evaluation import apply_forms, matrix_at
from stabkit.tracing.foreign import parameters_of
from stabkit.tracing.form import VANISHED, Form, step, trim, unknowns, weighted_sums
from stabkit.tracing.functions import FUNCTIONS
from stabkit.tracing.libraries import on_symbols
from stabkit.tracing.state import refuse_state
from stabkit.tracing.tracer import Node, Tracer

_TRIED = 3  # random inputs and steps
_CLOSE = 1e-9  # how far, relatively, rounding may take the function from its trace
_SINGLE = 1e-4  # the same where it computes in single precision
_EXACT = 1024  # entries up to which the function is also run on fractions
_TWICE = 1 << 16  # entries up to which it is run on symbols again
_BYTES = 400  # that a trace takes for an entry, roughly
_LARGEST = 1 << 26  # entries


@dataclass(frozen=True, eq=False)
class Trace:
    """A step as forms of its input, for one shape.

    Attributes
    ----------
    function : callable
    shape : tuple of int
    form : Form
        The output, of the inputs 1, ..., n in flat order, and of the values of the nodes.
    nodes : tuple of Node
        What is not linear, in order.
    takes_step : bool
        Whether the function has a second argument, the step.
    compared : str
        How the forms were compared with the function.
    rounding : str
        What reading floats as they were meant has changed.
    in_place : bool
        Whether the function changes its input.
    dt : Fraction or None
        The step that it was run with, where it was not left open.
    close : float
        How far, relatively, rounding may take the function from the forms.
    unit : Fraction
        In the last place of floats of which no short number is known to be meant; 0 without any.
    """

    function: Function
    shape: tuple[int, ...]
    form: Form
    nodes: tuple[Node, ...] = ()
    takes_step: bool = True
    compared: str = ""
    rounding: str = ""
    in_place: bool = False
    close: float = _CLOSE
    unit: Fraction = Fraction(0)
    dt: Fraction | None = None
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", prod(self.shape))

    @property
    def is_linear(self) -> bool:
        """Whether the output is affine in the input."""
        return not self.form.columns.size or int(self.form.columns.max()) <= self.size

    @property
    def solves(self) -> bool:
        """Whether it solves a linear system."""
        return any(node.name == "solve" for node in self.nodes)

    def check_linear(self) -> None:
        """TracingStopped with the line of the first node that does more than solve a system."""
        for node in self.nodes:
            if node.name != "solve":
                raise TracingStopped(f"the step is not linear: np.{node.name} ({node.line})")

    def call_function(self, u: np.ndarray, dt: Fraction) -> Array:
        """What the function itself gives for floats."""
        return self.function(u, float(dt)) if self.takes_step else self.function(u)


def trace(function: Function, shape: Any, seed: int = 0, dt: Fraction | None = None) -> Trace:
    """Run a step on symbols, and compare what it leaves with the function at random inputs.

    Parameters
    ----------
    function : callable
        ``step(u, dt)`` or ``step(u)``, in NumPy; it is given an array of `shape`.
    shape : int or tuple of int
    seed : int
        Of the random inputs.
    dt : Fraction, optional
        A number for the step, which is left open otherwise: so ``float(dt)``, comparisons with dt
        and systems whose matrix depends on it can be followed.

    Raises
    ------
    TracingStopped
        If the function does something that cannot be followed, with the line; or if it is not what
        its trace says.
    InvalidArgument
        If it returns no array of the shape of its input.
    """
    shape = as_shape(shape)
    takes = takes_step(function)
    tracer, result = _run(function, shape, takes, dt)
    form = _output(function, tracer, result, shape)
    if form.count <= _TWICE:
        again, other = _run(function, shape, takes, dt)
        if not same(form, _output(function, again, other, shape)):
            raise TracingStopped("the function is not the same at every call")
    is_single = tracer.reading.is_single or getattr(function, "is_single", False)
    found = Trace(function, shape, form, tuple(tracer.nodes), takes,
                  rounding=tracer.reading.words(), dt=dt, close=_SINGLE if is_single else _CLOSE,
                  unit=tracer.reading.unit)
    return compare_with_function(found, seed)


def as_shape(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of positive integers."""
    given = tuple(shape) if isinstance(shape, (tuple, list)) or np.ndim(shape) == 1 else (shape,)
    if not given or not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0
                            for n in given):
        raise InvalidArgument(f"shape: must be a positive integer or a tuple of such, got "
                              f"{shape!r}; it is the shape of the array that the step is given")
    shape = tuple(map(int, given))
    if prod(shape) > _LARGEST:
        raise InvalidArgument(f"shape: {shape} has {prod(shape)} entries, and a trace would need "
                              f"about {prod(shape) * _BYTES / 2**30:.0f} GiB; take a smaller one, "
                              "as the kinds of rows are soon all there")
    return shape


def takes_step(function: Function) -> bool:
    """Whether a function is to be given a step beside the array."""
    try:
        parameters = parameters_of(function)
    except (TypeError, ValueError):
        return True
    kinds = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in kinds if p.default is p.empty]
    if len(needed) > 2 or not kinds:
        raise InvalidArgument(f"step: must be a function of the array and the step, step(u, dt), "
                              f"and needs {len(needed)} arguments; fix the others, as in "
                              "lambda u, dt: step(u, dt, ...)")
    return len(needed) == 2 or (len(kinds) >= 2 and kinds[1].name in ("dt", "tau", "t", "h", "c"))


def _run(function: Function, shape: tuple[int, ...], takes: bool,
         dt: Fraction | None = None) -> tuple[Tracer, Any]:
    tracer = Tracer(prod(shape), functions=FUNCTIONS)
    try:
        return tracer, _run_on(tracer, function, shape, takes, dt)
    except TracingStopped as reason:
        if not tracer.fills_numbers:
            raise
        tracer = Tracer(prod(shape), functions=FUNCTIONS)
        try:  # it may be an array of the function's own that it writes into
            return tracer, _run_on(tracer, function, shape, takes, dt, True)
        except TracingStopped:
            raise reason from None


def _run_on(tracer: Tracer, function: Function, shape: tuple[int, ...], takes: bool,
            dt: Fraction | None, buffers: bool = False) -> Any:
    u = make_array(tracer, unknowns(prod(shape)), shape)
    open_step = make_array(tracer, step(), ()) if dt is None else Constant(dt)
    args = (u, open_step) if takes else (u,)
    watch = VANISHED.set(tracer.vanished)
    try:
        with limits_in_words():
            result = on_symbols(function, tracer, buffers)(*args)
    except StabkitError:
        raise
    except UNFIT as error:
        told = f"; before that: {tracer.stops[0]}" if tracer.stops else ""
        raise TracingStopped(f"it raises {in_words(error)} on symbols{told}") from error
    finally:
        VANISHED.reset(watch)
    if tracer.stops:  # the function went on after a look at a value
        raise TracingStopped(tracer.stops[0])
    return result


def _output(function: Function, tracer: Tracer, result: Array, shape: tuple[int, ...]) -> Form:
    name = getattr(function, "__qualname__", repr(function))
    if result is None:
        raise InvalidArgument(f"step: {name} returns nothing; add return to it, of the array "
                              "itself if it works in place")
    try:
        if isinstance(result, (list, tuple)) and any(isinstance(part, Traced) for part in result):
            result = np.stack(result)
        returned = shape_of(result)
    except ValueError as error:
        raise InvalidArgument(f"step: {name} must return one array of the shape of its input "
                              f"{shape}, and returns parts that make none ({error})") from None
    if returned != shape:
        raise InvalidArgument(f"step: {name} must return an array of the shape of its input "
                              f"{shape}, and returns {returned}")
    return tracer.refuse_losses(operand(tracer, result))


def at_step(found: Trace, dt: Fraction) -> Trace:
    """The trace with a number in place of the open step."""
    nodes = tuple(replace(node, parts=tuple(evaluate_at(part, dt) for part in node.parts))
                  for node in found.nodes)
    return replace(found, form=evaluate_at(found.form, dt), nodes=nodes)


def evaluate_at(form: Form, dt: Fraction) -> Form:
    """A form with a number in place of the open step."""
    divisor = sum((c * dt**k for k, c in enumerate(form.denominator)), Fraction(0))
    if divisor == 0:
        raise InvalidArgument(f"dt: the step divides by 0 at dt = {dt}")
    if form.numerators.shape[1] == 1 and len(form.denominator) == 1:
        return form
    powers = [dt**k / divisor for k in range(form.numerators.shape[1])]
    whole = int(np.lcm.reduce(np.array([p.denominator for p in powers], dtype=object)))
    weights = np.array([int(p * whole) for p in powers], dtype=object)
    values = weighted_sums(form.numerators, weights).reshape(-1, 1)
    return trim(form.count, form.rows, form.columns, values, (whole,))


def same(a: Form, b: Form) -> bool:
    """Whether two forms are equal."""
    return a.count == b.count and a.denominator == b.denominator and all(
        np.array_equal(x, y) for x, y in ((a.rows, b.rows), (a.columns, b.columns),
                                          (a.numerators, b.numerators)))


def compare_with_function(found: Trace, seed: int) -> Trace:
    """The trace, once the function has given the same values."""
    rng, in_place = np.random.default_rng([seed, 7]), False
    if found.close == _CLOSE and _is_short(found):
        raise TracingStopped("the function returns single precision, which rounds what it computes")
    for number in range(_TRIED):
        dt = found.dt or Fraction(int(rng.integers(1, 1000)), 1000 * 10**int(rng.integers(0, 4)))
        u = rng.standard_normal(found.shape) * 10.0**rng.integers(-1, 2)
        u = np.abs(u) if number == 1 else u
        given = u.copy()
        with np.errstate(all="ignore"):
            made_by = _floats(found, given, dt)
            twice = _floats(found, u.copy(), dt)
        in_place |= not np.array_equal(given, u)
        if not np.array_equal(made_by, twice, equal_nan=True):
            raise InvalidArgument("step: the function is not deterministic: it gave two outputs "
                                  "for one input")
        expected, scale = evaluate(found, u.ravel(), dt)
        if np.isnan(made_by).any() and not np.isnan(expected).any():
            raise InvalidArgument("step: the function gives nan for finite numbers")
        made = made_by.ravel()
        apart = np.flatnonzero(~(np.abs(made - expected) <= found.close * scale))
        if apart.size:
            raise TracingStopped(_difference(found, u.ravel(), dt, made, int(apart[0])))
    if found.nodes:
        _compare_on_even_signals(found)
    refuse_state(found.function, lambda: _floats(found, u.copy(), dt))
    exact = found.is_linear and found.size <= _EXACT and not found.rounding and _agrees(found, rng)
    how = "exactly, in fractions" if exact else "within rounding"
    return replace(found, in_place=in_place,
                   compared=f"equal to the function at {_TRIED} random inputs and steps {how}")


def _compare_on_even_signals(found: Trace) -> None:
    """Of one value, and of a single pixel: there quotients of differences have no value."""
    dt, pixel = found.dt or Fraction(1, 7), np.zeros(found.size)
    pixel[found.size // 2] = 1
    for u in (np.ones(found.size), pixel):
        expected, scale = evaluate(found, u, dt)
        try:
            with np.errstate(all="ignore"):
                made = _floats(found, u.reshape(found.shape).copy(), dt).ravel()
        except StabkitError as error:
            raise TracingStopped(f"of an even signal {error}") from None
        apart = np.flatnonzero(np.isfinite(expected) & ~(
            np.abs(made - expected) <= found.close * scale))
        if apart.size:
            raise TracingStopped(_difference(found, u, dt, made, int(apart[0])))


def _is_short(found: Trace) -> bool:
    """Whether doubles come back in a shorter precision."""
    with np.errstate(all="ignore"):
        try:
            result = found.call_function(np.ones(found.shape), found.dt or Fraction(1, 64))
        except UNFIT:  # told where it is looked at
            return False
    return getattr(result, "dtype", None) in (np.float32, np.float16)


def _floats(found: Trace, u: np.ndarray, dt: Fraction) -> np.ndarray:
    try:
        with limits_in_words():
            result = np.asarray(found.call_function(u, dt), dtype=float)
    except StabkitError:
        raise
    except UNFIT as error:
        raise InvalidArgument(f"step: it raises {in_words(error)} for an array of shape "
                              f"{found.shape} and dt = {dt}") from error
    if result.shape != found.shape:
        raise InvalidArgument(f"step: must return an array of the shape of its input "
                              f"{found.shape}, and returns {result.shape}")
    return result


def _refusals() -> tuple[type[Exception], ...]:
    """What code says of fractions, and Numba, where it is loaded."""
    numba = sys.modules.get("numba.core.errors")
    return (*UNFIT, StabkitError, *(() if numba is None else (numba.NumbaError,)))


def _agrees(found: Trace, rng: np.random.Generator) -> bool:
    """Whether fractions can be put in; an error if they come out otherwise."""
    dt = found.dt or Fraction(int(rng.integers(1, 50)), 97)
    u = np.array([Fraction(int(k), 8) for k in rng.integers(-99, 99, found.size)], dtype=object)
    try:
        signal = exactly(u).reshape(found.shape)
        result = np.asarray(found.function(signal, Exact(dt)) if found.takes_step else
                            found.function(signal))
        values = [Fraction(entry) for entry in result.ravel().tolist()]  # not NumPy's integers
    except _refusals():
        return False
    expected = list(apply_forms(found.form, u, dt))
    largest = max(map(abs, [*expected, *u.tolist(), Fraction(1)]))
    if any(abs(a - b) > Fraction(_CLOSE) * largest for a, b in zip(values, expected, strict=True)):
        raise TracingStopped("the function does not do on fractions what it did on symbols")
    return values == expected


def evaluate(found: Trace, u: np.ndarray, dt: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """What the trace says in floats, and the size of the terms it is made of."""
    values = _all_values(found, u, dt)
    with np.errstate(all="ignore"):
        matrix = matrix_at(found.form, float(dt), values.size)
        largest = np.abs(values[np.isfinite(values)]).max()
        return matrix @ values, abs(matrix) @ np.abs(values) + largest


def _all_values(found: Trace, u: np.ndarray, dt: Fraction) -> np.ndarray:
    """1, the inputs, and the values of all nodes."""
    values = np.zeros(1 + found.size + sum(node.count for node in found.nodes))
    values[0], values[1:1 + found.size] = 1, u
    with np.errstate(all="ignore"):
        for node in found.nodes:
            values[node.first:node.first + node.count] = _value_of(node, float(dt), values)
    return values


def _difference(found: Trace, u: np.ndarray, dt: Fraction, made: np.ndarray, place: int) -> str:
    """In words: where the function and its trace part, or have no value."""
    if np.isnan(made[place]):
        values = _all_values(found, u, dt)
        for node in found.nodes:
            if np.isnan(values[node.first:node.first + node.count]).any():
                return f"np.{node.name} has no value at some numbers ({node.line})"
    return "the function does not do on numbers what it did on symbols: at " \
           f"place {place} it gives {made[place]!r}"


def _value_of(node: Node, dt: float, values: np.ndarray) -> np.ndarray:
    if node.name == "solve":
        n = node.parts[0].count
        matrix = matrix_at(node.parts[0], dt, 1 + n)[:, 1:]
        right = matrix_at(node.parts[1], dt, values.size) @ values
        return np.asarray(spsolve(matrix.tocsc(), right.reshape(n, -1))).reshape(-1)
    parts = [matrix_at(part, dt, values.size) @ values for part in node.parts]
    return np.where(parts[0] != 0, *parts[1:]) if node.name == "where" else \
        getattr(np, node.name)(*parts)
