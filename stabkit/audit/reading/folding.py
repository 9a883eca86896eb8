"""Operators on constants only: the arithmetic of shapes and weights, done as the file says it.

Numbers are computed in the type that they have in the file, with NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from math import prod

import numpy as np

from stabkit.audit.reading import memory
from stabkit.audit.reading.movement import shape_of
from stabkit.audit.reading.operator import Constant, Operator, Value, within
from stabkit.errors import UNFIT, InvalidArgument

_DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32,
           7: np.int64, 9: np.bool_, 10: np.float32, 11: np.float64, 12: np.uint32,
           13: np.uint64, 16: np.float32}
FLOATS = (1, 10, 11, 16)


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind not in "iu":
        return a / b
    if not np.all(b):
        raise InvalidArgument("an integer is divided by zero")
    quotient = a // b  # ONNX rounds towards zero
    return quotient + ((a % b != 0) & ((a < 0) != (b < 0)))


ENTRYWISE: dict[str, Callable] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Neg": np.negative,
    "Abs": np.abs, "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Floor": np.floor,
    "Ceil": np.ceil,
    "Min": lambda *given: reduce(np.minimum, given),
    "Max": lambda *given: reduce(np.maximum, given),
    "Equal": np.equal, "Greater": np.greater, "Less": np.less, "And": np.logical_and,
    "GreaterOrEqual": np.greater_equal, "LessOrEqual": np.less_equal, "Or": np.logical_or,
    "Not": np.logical_not, "Where": np.where, "Reciprocal": lambda a: 1 / a, "Identity": np.array,
    "Sigmoid": lambda a: 1 / (1 + np.exp(-a)), "Tanh": np.tanh, "Relu": lambda a: np.maximum(a, 0),
    "Sum": lambda *all_: sum(all_[1:], all_[0]),
}
_REDUCTIONS: dict[str, Callable] = {
    "ReduceSum": np.sum, "ReduceProd": np.prod, "ReduceMax": np.max, "ReduceMin": np.min,
    "ReduceMean": np.mean,
    "ReduceL2": lambda a, axis, keepdims: np.sqrt(np.sum(a * a, axis=axis, keepdims=keepdims)),
    "ReduceL1": lambda a, axis, keepdims: np.sum(np.abs(a), axis=axis, keepdims=keepdims),
    "ReduceSumSquare": lambda a, axis, keepdims: np.sum(a * a, axis=axis, keepdims=keepdims),
}


def _entrywise(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    return _broadcast(op, ENTRYWISE[op.kind], arrays)


def _broadcast(op: Operator, function: Callable, arrays: list[np.ndarray]) -> np.ndarray:
    op.build.spend(prod(np.broadcast_shapes(*(array.shape for array in arrays))))
    return function(*arrays)


def _reduce(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    op.build.spend(arrays[0].size)
    axes = op.sizes(1) if op.has(1) else op.integers("axes")
    if not axes and op.integer("noop_with_empty_axes", 0):
        return arrays[0]
    rank = arrays[0].ndim
    over = tuple(within(axis, rank) for axis in axes) if axes else tuple(range(rank))
    return _REDUCTIONS[op.kind](arrays[0], axis=over, keepdims=bool(op.integer("keepdims", 1)))


def _matmul(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    a, b = arrays
    if not a.ndim or not b.ndim:
        raise op.refuse("a product of a matrix and a number")
    many = prod(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]))
    rows, inner = a.shape[-2:] if a.ndim > 1 else (1, a.shape[0])
    columns = b.shape[-1] if b.ndim > 1 else 1
    op.build.spend(many * rows * columns * (1 + inner // 64) + a.size + b.size)
    return np.matmul(a, b)


def _gemm(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    """α A′ B′ + β C, in the type of the arrays: the first step of a cell whose state is 0."""
    a, b = (array.T if op.integer(name, 0) else array
            for name, array in zip(("transA", "transB"), arrays, strict=False))
    kind = arrays[0].dtype.type
    made = kind(op.number("alpha", 1.0)) * _matmul(op, [a, b])
    return made if len(arrays) < 3 else made + kind(op.number("beta", 1.0)) * arrays[2]


def _power(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    """In the type of the base, whatever that of the exponent is."""
    return _broadcast(op, np.power, arrays).astype(arrays[0].dtype)


def _remainder(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    """With the sign of the divisor, or with `fmod` of the dividend."""
    return _broadcast(op, np.fmod if op.integer("fmod", 0) else np.mod, arrays)


def _cumulative(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    """CumSum; exporters write its axis as a list of one, too."""
    values, axis = arrays[0], within(int(arrays[1].item()), arrays[0].ndim)
    op.build.spend(values.size)
    turned = np.flip(values, axis) if op.integer("reverse", 0) else values
    made = np.cumsum(turned, axis, dtype=values.dtype)
    made = made - turned if op.integer("exclusive", 0) else made
    return np.flip(made, axis) if op.integer("reverse", 0) else made


def _cast(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    op.build.spend(arrays[0].size)
    if op.kind == "CastLike":
        return arrays[0].astype(arrays[1].dtype)
    return in_type(op, arrays[0], op.integer("to"))


def in_type(op: Operator, values: np.ndarray, kind: int) -> np.ndarray:
    """Values rounded to an element type by its number, those of 16 bits held as float32."""
    if kind not in _DTYPES:
        raise op.refuse(f"a cast to type number {kind}")
    if kind == 10:
        return values.astype(np.float16).astype(np.float32)
    made: np.ndarray = values.astype(_DTYPES[kind])
    if kind == 16:  # to the nearest, of two the one whose last bit is 0
        bits = made.view(np.uint32)
        made = ((bits + 0x7FFF + (bits >> 16 & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return made


def _constant(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    given = list(op.attributes)
    if given == ["value"] and op.attributes["value"].type == 4:
        return op.tensor(op.attributes["value"].t)
    if given == ["value_int"]:
        return np.array(op.integer("value_int"), np.int64)
    if given == ["value_ints"]:
        return np.array(op.integers("value_ints"), np.int64)
    attribute = op.attributes[given[0]] if len(given) == 1 else None
    if attribute is not None and given[0] == "value_float" and attribute.type == 1:
        return np.array(attribute.f, np.float32)
    if attribute is not None and given[0] == "value_floats" and attribute.type == 6:
        return np.array(attribute.floats, np.float32)
    raise op.refuse(f"a constant given by {given}")


def _constant_of_shape(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    shape = op.sizes(0) or []
    if min(shape, default=0) < 0:
        raise InvalidArgument(f"shape {shape} is none")
    op.build.spend(prod(shape))
    memory.require(8 * prod(shape), f"a constant of shape {tuple(shape)}")
    value = op.tensor(op.attributes["value"].t).reshape(()) if "value" in op.attributes \
        else np.float32(0)
    return np.full(shape, value)


def _range(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    start, stop, step = (array.item() for array in arrays)
    if step == 0:
        raise InvalidArgument("its step is zero")
    count = max(0, -int(-(stop - start) // step))
    op.build.spend(count)
    return (start + step * np.arange(count)).astype(arrays[0].dtype)


def _dequantize(op: Operator, arrays: list[np.ndarray]) -> np.ndarray:
    values, scale = arrays[0], arrays[1]
    zero = arrays[2] if len(arrays) > 2 else np.zeros_like(scale, dtype=np.int64)
    if op.integer("block_size", 0) or scale.ndim > 1 or values.dtype.kind not in "iu" or \
            values.dtype.itemsize > 2 or scale.dtype != np.float32:
        raise op.refuse("weights quantised in blocks")
    op.build.spend(values.size)
    if scale.ndim == 1 and scale.size > 1:
        axis = op.axis(values.ndim, 1)
        new = [1] * values.ndim
        new[axis] = -1
        scale, zero = scale.reshape(new), zero.reshape(new)
    elif scale.ndim == 1:
        scale, zero = scale.reshape(()), zero.reshape(())
    # An integer of 8 or 16 bits times a float32 is exact in float64.
    return (values.astype(np.int64) - zero.astype(np.int64)) * scale.astype(np.float64)


_FOLDS: dict[str, Callable[[Operator, list[np.ndarray]], np.ndarray]] = {
    **dict.fromkeys(ENTRYWISE, _entrywise), **dict.fromkeys(_REDUCTIONS, _reduce),
    "CumSum": _cumulative, "Pow": _power, "Mod": _remainder, "MatMul": _matmul, "Gemm": _gemm,
    "Cast": _cast, "CastLike": _cast, "Constant": _constant,
    "ConstantOfShape": _constant_of_shape, "Range": _range, "DequantizeLinear": _dequantize,
}


_BY_REFERENCE = {
    "ArgMax", "ArgMin", "Atan", "BatchNormalization", "Clip", "Conv", "Cos", "Einsum",
    "Elu", "Erf",
    "EyeLike", "GatherElements", "GatherND", "Gelu", "HardSigmoid", "HardSwish",
    "LayerNormalization",
    "LeakyRelu", "LogSoftmax", "Mish", "NonZero", "OneHot", "PRelu", "QuantizeLinear", "Round",
    "ScatterElements", "ScatterND", "Selu", "Sign", "Sin", "Softmax", "Softplus", "Softsign",
    "Trilu"}


def _by_reference(op: Operator, arrays: Sequence[np.ndarray | None]) -> np.ndarray:
    """What ONNX's own reference computes."""
    from onnx import AttributeProto, helper
    from onnx.reference import ReferenceEvaluator

    if any(attribute.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS)
           for attribute in op.attributes.values()):
        raise op.refuse("a subgraph on constants")
    names = [f"i{number}" if array is not None else "" for number, array in enumerate(arrays)]
    given = {name: array for name, array in zip(names, arrays, strict=True) if array is not None}
    op.build.spend(64 * sum(array.size for array in given.values()))
    node = helper.make_node(op.kind, names, ["y"])
    node.attribute.extend(op.attributes.values())
    kinds = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype),
                                           array.shape)
             for name, array in given.items()]
    graph = helper.make_graph([node], "constants", kinds, [
        helper.make_tensor_value_info("y", 0, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", op.opset)])
    try:
        return ReferenceEvaluator(model).run(None, given)[0]  # type: ignore[index]  # a list of one
    except UNFIT as error:  # whatever the reference raises of what a file holds
        raise InvalidArgument(f"on constants: {type(error).__name__}: {error}") from None


FOLDED = frozenset(_FOLDS) | _BY_REFERENCE


def fold(op: Operator) -> list[Value] | None:
    """The outputs of an operator on constants, or None if it is not one that is folded."""
    given = [value for value in op.inputs if isinstance(value, Constant)]
    if len(given) < sum(value is not None for value in op.inputs):
        return None
    if op.kind in _BY_REFERENCE and given and op.outputs == 1:
        made = _by_reference(op, [value.values if isinstance(value, Constant) else None
                                  for value in op.inputs])
        return [Constant(np.asarray(made), given[0].name)]
    if op.kind not in _FOLDS:
        return None
    with np.errstate(all="ignore"):  # what is not finite is refused where it is used
        result = _FOLDS[op.kind](op, [value.values for value in given])
    return [Constant(np.asarray(result), given[0].name if given else op.build.name)]


def shape_constant(op: Operator) -> list[Value]:
    """Shape, of signals too: a batch of unknown size counts as one sample."""
    shape = shape_of(op.value(0))
    start, end = op.integer("start", 0), op.integer("end", len(shape))
    return [Constant(np.array(shape[start:end], np.int64), op.build.name)]


def size_constant(op: Operator) -> list[Value]:
    return [Constant(np.array(prod(shape_of(op.value(0))), np.int64), op.build.name)]
