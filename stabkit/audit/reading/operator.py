"""One operator of an ONNX graph: its inputs and attributes, each asked for by its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stabkit.aliases import Record
from stabkit.audit.reading.builder import Builder, View
from stabkit.audit.reading.tensors import finite
from stabkit.errors import InvalidArgument


@dataclass(frozen=True, eq=False)
class Constant:
    """An array that does not depend on the network's input."""

    values: np.ndarray
    name: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """Where a signal is larger or smaller than a number: ``>``, ``<``, ``>=`` or ``<=``."""

    view: View
    threshold: float
    relation: str = ">"


@dataclass(frozen=True, eq=False)
class Tests:
    """Where both of two tests hold, or either of them."""

    first: Test
    second: Test
    both: bool

    @property
    def view(self) -> View:
        """One of the signals that are compared."""
        return self.first.view


Test = Comparison | Tests


@dataclass(frozen=True, eq=False)
class Masked:
    """A signal some of whose entries are −∞, before a softmax.

    Attributes
    ----------
    view : View
    kept : ndarray of bool, in the shape of the signal
        Where it is not.
    """

    view: View
    kept: np.ndarray


Array = View | Constant
Value = Array | Test | Masked | list[Array]


@dataclass(frozen=True, eq=False)
class Operator:
    """What a handler may ask of a node.

    Attributes
    ----------
    kind : str
    opset : int
    inputs : list
        Values; ``None`` where an optional one is left out.
    attributes : dict
        ONNX's AttributeProto by name.
    outputs : int
    build : Builder
    tensor : callable
        Reads a TensorProto.
    subgraph : callable
        The outputs of a GraphProto within the file, of values for its inputs.
    decimals : bool
        Whether attributes stand for the doubles of their shortest decimals, not for themselves.
    """

    kind: str
    opset: int
    inputs: Sequence[Value | None]
    attributes: Record
    outputs: int
    build: Builder
    tensor: Callable[[Any], np.ndarray]
    subgraph: Callable[[Any, Sequence[Value]], list[Value]]
    decimals: bool = False

    # -- inputs --------------------------------------------------------------------------------
    def value(self, number: int) -> Value | None:
        return self.inputs[number] if number < len(self.inputs) else None

    def has(self, number: int) -> bool:
        return self.value(number) is not None

    def signal(self, number: int = 0) -> View:
        value = self.value(number)
        if isinstance(value, Masked):
            raise self.refuse("anything but a softmax of a signal with entries of -inf")
        if not isinstance(value, View):
            what = "missing" if value is None else "no signal that depends on the network's input"
            raise InvalidArgument(f"its input {number} is {what}")
        return value

    def array(self, number: int) -> Array:
        value = self.value(number)
        if not isinstance(value, View | Constant):
            raise InvalidArgument("its input is missing or no array")
        return value

    def constant_input(self, number: int) -> Constant:
        value = self.value(number)
        if not isinstance(value, Constant):
            what = "missing" if value is None else "computed from the network's input"
            raise InvalidArgument(f"its input {number} is {what}; a constant is needed")
        return value

    def constant(self, number: int) -> np.ndarray:
        """An input that is known, such as a shape."""
        return self.constant_input(number).values

    def weights(self, number: int) -> np.ndarray | None:
        """An input that holds finite numbers, as floats; ``None`` if it is left out."""
        if not self.has(number):
            return None
        known = self.constant_input(number)
        return finite(known.values, known.name)

    def one_number(self, number: int, beside: tuple[int, ...]) -> float | None:
        """The number that a constant input is, in all its entries, beside a signal of some shape.

        None where it has other entries, or makes the signal larger.
        """
        values = self.weights(number)
        if values is None or not values.size or (values != values.flat[0]).any() or (
                values.size > 1 and np.broadcast_shapes(beside, values.shape) != beside):
            return None
        return float(values.flat[0])

    def masks(self, number: int) -> bool:
        """Whether an input is a constant some of whose entries are −∞, and the others finite."""
        value = self.value(number)
        return isinstance(value, Constant) and value.values.dtype.kind == "f" and bool(
            np.isneginf(value.values).any()) and bool(
            (np.isneginf(value.values) | np.isfinite(value.values)).all())

    def sizes(self, number: int) -> list[int] | None:
        """An input that is a list of integers, or a single one."""
        if not self.has(number):
            return None
        values = self.constant(number)
        if values.dtype.kind not in "iu" or values.ndim > 1:
            raise InvalidArgument(f"its input {number} must be a list of integers")
        return [int(x) for x in values.reshape(-1)]

    # -- attributes ----------------------------------------------------------------------------
    def _attribute(self, name: str, kinds: tuple[int, ...]) -> Any:
        attribute = self.attributes.get(name)
        if attribute is not None and (attribute.type not in kinds or attribute.ref_attr_name):
            raise InvalidArgument(f"its attribute {name!r} is of the wrong type")
        return attribute

    def integer(self, name: str, default: int | None = None) -> int:
        attribute = self._attribute(name, (2,))
        if attribute is not None:
            return int(attribute.i)
        if default is None:
            raise InvalidArgument(f"its attribute {name!r} is missing")
        return default

    def number(self, name: str, default: float) -> float:
        attribute = self._attribute(name, (1,))
        value = default if attribute is None else self._float(attribute.f)
        if not np.isfinite(value):
            raise InvalidArgument(f"its attribute {name!r} is {value}")
        return value

    def text(self, name: str, default: str) -> str:
        attribute = self._attribute(name, (3,))
        return default if attribute is None else attribute.s.decode("utf-8", "replace")

    def numbers(self, name: str) -> list[float]:
        attribute = self._attribute(name, (6,))
        return [] if attribute is None else [self._float(x) for x in attribute.floats]

    def _float(self, single: float) -> float:
        return float(str(np.float32(single))) if self.decimals else float(single)

    def graph(self, name: str) -> Any:
        attribute = self._attribute(name, (5,))
        if attribute is None:
            raise InvalidArgument(f"its attribute {name!r} is missing")
        return attribute.g

    def texts(self, name: str) -> list[bytes]:
        attribute = self._attribute(name, (6, 8))
        return [] if attribute is None else [*attribute.strings, *attribute.floats]

    def integers(self, name: str) -> list[int] | None:
        attribute = self._attribute(name, (7,))
        return None if attribute is None else [int(x) for x in attribute.ints]

    def per_axis(self, name: str, count: int, default: int) -> tuple[int, ...]:
        """One positive integer per axis."""
        values = tuple(self.integers(name) or (default,) * count)
        if len(values) != count or min(values, default=1) < 1:
            raise InvalidArgument(f"its attribute {name!r} must be {count} positive integers, got "
                                  f"{list(values)}")
        return values

    def of_kind(self, kind: str) -> Operator:
        """The same inputs and attributes for another operator."""
        return replace(self, kind=kind)

    def axis(self, rank: int, default: int | None = None, name: str = "axis") -> int:
        return within(self.integer(name, default), rank)

    def refuse(self, reason: str) -> InvalidArgument:
        return InvalidArgument(f"not supported: {reason}")


def within(axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < max(rank, 1):
        raise InvalidArgument(f"axis {axis} is not one of {rank}")
    return axis % max(rank, 1)
