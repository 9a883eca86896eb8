"""Steps of JAX, by their jaxpr."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stabkit.aliases import Argument, Array, Foreign, Function, Record
from stabkit.errors import UNFIT, in_words
from stabkit.tracing.array import shape_of
from stabkit.tracing.foreign import ALIKE, ForeignStep, holds_symbols, move_by_places, to_symbols
from stabkit.tracing.tracer import Tracer

# Operations that move entries, and which of their arguments hold entries.
_MOVING = dict.fromkeys(("slice", "reshape", "squeeze", "broadcast_in_dim", "rev", "transpose",
                         "gather", "dynamic_slice", "expand_dims", "split", "unstack", "tile",
                         "copy", "copy_p"), (0,)) | {
                             "pad": (0, 1), "dynamic_update_slice": (0, 1), "scatter": (0, 2)}
_LONG = 10**6  # a denominator that a number in double precision would hardly be meant to have
_LOOKED = 100  # entries of an array
_INNER = ("jaxpr", "call_jaxpr", "fun_jaxpr")  # what an operation that calls others names them


def _double() -> Any:
    """Double precision, for as long as it is entered."""
    return jax.enable_x64(True) if hasattr(jax, "enable_x64") else \
        jax.experimental.enable_x64()


class JaxStep(ForeignStep):
    """A function of JAX, in double precision."""

    library = "JAX"

    def takes(self, shape: tuple[int, ...], steps: list[float]) -> bool:
        try:
            with _double():
                found = self.function(jnp.ones(shape), *steps)
        except UNFIT:
            return False
        return isinstance(found, jax.Array)

    def __call__(self, u: np.ndarray, *dt: Any) -> np.ndarray:
        with _double():
            return np.array(self.function(jnp.asarray(np.asarray(u, dtype=float)),
                                          *map(float, dt)))

    def follow(self, tracer: Tracer, u: Array, *dt: Any) -> Array:
        with _double():
            try:
                closed = jax.make_jaxpr(self.function)(jnp.ones(u.shape), *[0.5] * len(dt))
            except UNFIT as error:  # JAX raises its own kinds for what depends on the data
                tracer.stop(f"JAX makes no jaxpr of it: {in_words(error)}")
            return _run(tracer, closed, [u, *dt])[0]


def _run(tracer: Tracer, closed: Any, inputs: list[Array]) -> list[Array]:
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, map(_as_written, closed.consts), strict=True))
    known |= dict(zip(jaxpr.invars, inputs, strict=True))

    def value(name: Any) -> Array:
        return _as_written(name.val) if hasattr(name, "val") else known[name]

    for equation in jaxpr.eqns:
        found = _apply(tracer, equation, [value(name) for name in equation.invars])
        known |= dict(zip(equation.outvars, found, strict=True))
    return [value(name) for name in jaxpr.outvars]


def _as_written(value: Any) -> np.ndarray:
    """Numbers of a jaxpr, in single precision where JAX has made doubles of such."""
    value = np.asarray(value)
    if value.dtype == np.float64 and (value.astype(np.float32) == value).all() and any(
            Fraction(x).denominator > _LONG for x in value.ravel()[:_LOOKED].tolist()):
        return value.astype(np.float32)
    return value


def _apply(tracer: Tracer, equation: Foreign, args: list[Array]) -> list[Array]:
    name, params = equation.primitive.name, equation.params
    if not holds_symbols(args):
        return _as_list(_in_jax(equation, *args))
    inner = next((params[key] for key in _INNER if key in params), None)
    if name == "scan":
        return _scan(tracer, inner, args, params)
    if inner is not None and name not in ("while", "cond"):
        return _run(tracer, inner, args)
    if name in _MOVING:
        return _as_list(move_by_places(tracer, partial(_in_jax, equation), args, _MOVING[name]))
    if name in ("concatenate", "stack"):
        axis = params["dimension"] if "dimension" in params else params["axis"]
        return [getattr(np, name)([to_symbols(tracer, arg) for arg in args], axis)]
    if name == "scatter-add":
        return [_scatter(tracer, equation, *args)]
    if name not in _FOLLOWED:
        tracer.stop(f"JAX's operation {name} is not followed")
    return [_FOLLOWED[name](tracer, *args, **params)]


def _in_jax(equation: Foreign, *args: Argument) -> Any:
    """An operation of JAX on arrays of NumPy; places are doubles, as the entries were."""
    of_entries = _MOVING.get(equation.primitive.name, ())
    given = [jnp.asarray(arg, dtype=float if k in of_entries else None)
             for k, arg in enumerate(args)]
    found = _bound(equation)(*given)
    made = [np.asarray(part) for part in _as_list(found)]
    if of_entries and _hold_places(args, of_entries):
        made = [part.astype(np.int64) for part in made]
    return made if equation.primitive.multiple_results else made[0]


def _bound(equation: Foreign) -> Function:
    """The operation with its parameters; some versions of JAX keep functions beside them."""
    found = equation.primitive.get_bind_params(equation.params)
    functions, params = found if isinstance(found, tuple) else ((), found)
    return partial(equation.primitive.bind, *functions, **params)


def _hold_places(args: Any, of_entries: tuple[int, ...]) -> bool:
    """Whether the entries are places, which are integers."""
    return all(np.asarray(args[k]).dtype.kind == "i" for k in of_entries)


def _as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]


# -- operations ------------------------------------------------------------------------------------
def _scatter(tracer: Tracer, equation: Foreign, a: Array, places: Array, more: Array) -> Array:
    """Sums at some places, each of which gets one term at most."""
    add_up = _bound(equation)

    def add(start: np.ndarray, terms: np.ndarray) -> np.ndarray:
        return np.asarray(add_up(jnp.asarray(start, dtype=float), jnp.asarray(places),
                                 jnp.asarray(terms, dtype=float)))

    shape, width = shape_of(a), shape_of(more)
    if (add(np.zeros(shape), np.ones(width)) > 1).any():
        tracer.stop("several terms are added at one place")
    number = np.arange(1, 1 + int(np.prod(width))).reshape(width)
    taken = add(np.zeros(shape), number).astype(np.int64)
    terms = np.concatenate([to_symbols(tracer, np.zeros(1)), np.ravel(to_symbols(tracer, more))])
    return a + np.reshape(terms[taken.ravel()], shape)


def _scan(tracer: Tracer, inner: Any, args: list[Array], params: Record) -> list[Array]:
    """A loop of fixed length, turn by turn."""
    constants, carried = params["num_consts"], params["num_carry"]
    fixed, state = args[:constants], args[constants:constants + carried]
    rows, turns = args[constants + carried:], range(params["length"])
    found = []
    for k in reversed(turns) if params["reverse"] else turns:
        made = _run(tracer, inner, [*fixed, *state, *(row[k] for row in rows)])
        state = made[:carried]
        found.append(made[carried:])
    found = found[::-1] if params["reverse"] else found
    return [*state, *(np.stack([to_symbols(tracer, part) for part in parts])
                      for parts in zip(*found, strict=True))]


def _product(tracer: Tracer, a: Array, b: Array, dimension_numbers: Any, **params: object) -> Array:
    (left, right), batches = dimension_numbers
    if any(batches) or len(left) != 1 or max(len(shape_of(a)), len(shape_of(b))) > 2:
        tracer.stop("a product of stacks of matrices is not followed")
    a = np.moveaxis(a, left[0], -1)
    return np.dot(a, np.moveaxis(b, right[0], 0))


def _sum(tracer: Tracer, a: Array, cumulative: bool = False, **params: Argument) -> Array:
    if not cumulative:
        return np.sum(a, axis=tuple(params["axes"]))
    axis = params["axis"]
    if params.get("reverse"):
        return np.flip(np.cumsum(np.flip(a, axis), axis=axis), axis)
    return np.cumsum(a, axis=axis)


def _as_float(tracer: Tracer, a: Array, new_dtype: Any, **params: object) -> Array:
    if np.dtype(new_dtype).kind != "f":
        tracer.stop(f"a change to {new_dtype} is not followed")
    return a


def _plainly(func: Function) -> Function:
    return lambda tracer, *args, **params: func(*args)


_FOLLOWED: dict[str, Function] = {
    **{name: _plainly(func) for name, func in ALIKE.items()},
    "max": _plainly(np.maximum), "min": _plainly(np.minimum), "and": _plainly(np.logical_and),
    "or": _plainly(np.logical_or), "not": _plainly(np.logical_not),
    "integer_pow": lambda tracer, a, y, **params: np.power(a, y) if y >= 0 else 1 / np.power(a, -y),
    "select_n": lambda tracer, which, *cases, **params: np.where(which, cases[1], cases[0]),
    "clamp": lambda tracer, low, a, high, **params: np.clip(a, low, high),
    "logistic": lambda tracer, a, **params: 1 / (1 + np.exp(-a)),
    "convert_element_type": _as_float, "dot_general": _product, "reduce_sum": _sum,
    "cumsum": partial(_sum, cumulative=True), "stop_gradient": lambda tracer, a, **params: a,
    "add_any": _plainly(np.add),
}
