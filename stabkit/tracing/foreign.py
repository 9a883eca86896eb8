"""Steps of PyTorch and JAX: the graph that the library writes is followed in place of the code."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from stabkit.aliases import Array, Function
from stabkit.tracing.array import Traced, make_array, operand, shape_of
from stabkit.tracing.moving import Pool
from stabkit.tracing.tracer import Tracer

#: Functions of two or fewer arguments that both libraries call alike.
ALIKE: dict[str, Function] = {
    "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative, "abs": np.abs,
    "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sinh": np.sinh, "cosh": np.cosh, "atan": np.arctan, "expm1": np.expm1, "log1p": np.log1p,
    "sign": np.sign, "square": np.square, "gt": np.greater, "ge": np.greater_equal, "lt": np.less,
    "le": np.less_equal, "eq": np.equal, "ne": np.not_equal, "pow": np.power, "add": np.add,
    "rsqrt": lambda a: 1 / np.sqrt(a),
}


class ForeignStep(ABC):
    """A step of another library as a function of NumPy's arrays.

    Numbers are handed to the step itself; symbols follow its graph.
    """

    library = ""
    def __init__(self, function: Function):
        self.function = function
        self.__signature__ = inspect.Signature(parameters_of(function))
        self.__qualname__ = getattr(function, "__qualname__", type(function).__qualname__)

    @property
    def is_single(self) -> bool:
        """Whether it computes in single precision."""
        return False

    @abstractmethod
    def __call__(self, u: np.ndarray, *dt: Any) -> np.ndarray:
        """What the step gives for numbers."""

    @abstractmethod
    def follow(self, tracer: Tracer, u: Array, *dt: Any) -> Array:
        """What its graph gives for symbols."""

    @abstractmethod
    def takes(self, shape: tuple[int, ...], steps: list[float]) -> bool:
        """Whether the function gives an array of the library for arrays of the library."""


def parameters_of(function: Function) -> list[inspect.Parameter]:
    """What a function takes; a module of PyTorch says it of its method forward."""
    return list(inspect.signature(getattr(function, "forward", function)).parameters.values())


def move_by_places(tracer: Tracer, move: Function, args: Any, held: tuple[int, ...]) -> Any:
    """What an operation that only moves entries makes of its arguments, by their places."""
    pool = Pool(tracer)
    return pool.array(move(*(pool.places(arg) if k in held else arg
                             for k, arg in enumerate(args))))


def holds_symbols(value: Any) -> bool:
    """Whether a traced array is among the arguments."""
    if isinstance(value, (list, tuple)):
        return any(map(holds_symbols, value))
    return isinstance(value, Traced)


def to_symbols(tracer: Tracer, value: Array) -> Array:
    """Numbers as a traced array."""
    return value if isinstance(value, Traced) else make_array(tracer, operand(tracer, value),
                                                              shape_of(value))
