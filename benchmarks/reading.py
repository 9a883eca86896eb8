"""What of ONNX's own test models is read: ``python -m benchmarks.reading [TEXT]``.

Those are the models by which the package onnx tests backends, most of them one operator.  Of the
inputs all but the first of floats are set to the values of the test.  What is read is compared with
onnx.reference at three random inputs; TEXT selects models by their names.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from stabkit.audit.onnx_file import read_model
from stabkit.errors import InvalidArgument
from stabkit.networks.graph import Graph, evaluate

TYPES = {TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16,
         TensorProto.DOUBLE: np.float64, TensorProto.BFLOAT16: np.float32}
SCALES = (1.0, 3.0, 0.1)  # of the random inputs
READ, DIFFERS, UNREAD = "read, as the reference", "read, the reference differs", "not read"
ALONE = "read, and not compared"


# -- the models ------------------------------------------------------------------------------------
def models() -> Iterator[tuple[str, Any]]:
    """Every test model from floats to floats, with a name; the "real" ones lie on a server."""
    from onnx.backend.test.case.node import collect_testcases

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data"
    found = [(str(path.parent.relative_to(folder)), onnx.load(path))
             for path in sorted(folder.glob("*/*/model.onnx")) if path.parts[-3] != "real"]
    cases = sorted(collect_testcases(None), key=lambda case: case.name)
    found += [(case.name, with_one_input(case.model, case.data_sets[0][0])) for case in cases
              if case.data_sets]
    for name, model in found:
        known = [type_of(output) for output in model.graph.output if of_tensor(output)]
        if any(type_of(entry) in TYPES for entry in open_inputs(model)) and (
                not known or any(kind in TYPES for kind in known)):
            yield name, model


def of_tensor(entry: Any) -> bool:
    return entry.type.HasField("tensor_type")


def type_of(entry: Any) -> int | None:
    return entry.type.tensor_type.elem_type if of_tensor(entry) else None


def open_inputs(model: Any) -> list[Any]:
    """The inputs that are no weights."""
    weights = {tensor.name for tensor in model.graph.initializer}
    return [entry for entry in model.graph.input if entry.name not in weights]


def with_one_input(model: Any, given: Sequence | dict) -> Any:
    """The model with all inputs but the first of floats set; as it is where that cannot be."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    values = dict(zip([entry.name for entry in made.graph.input],
                      given.values() if isinstance(given, dict) else given, strict=False))
    kept = next((entry for entry in made.graph.input if type_of(entry) in TYPES), None)
    if kept is None or len(made.graph.input) < 2 or not all(map(of_tensor, made.graph.input)):
        return model
    if kept.name not in values:
        return model
    shape = weight(values[kept.name], kept.name).dims
    left = [entry for entry in made.graph.input if entry.name not in values]
    made.graph.initializer.extend(weight(value, name)
                                  for name, value in values.items() if name != kept.name)
    first = helper.make_tensor_value_info(kept.name, type_of(kept), shape)
    del made.graph.input[:]
    made.graph.input.extend([first, *left])
    made.ir_version = max(made.ir_version, 4)  # before, weights were inputs too
    return made


def weight(value: Any, name: str) -> Any:
    """A value of the test as a tensor of this name."""
    if not isinstance(value, TensorProto):
        return numpy_helper.from_array(np.asarray(value), name)
    made = TensorProto()
    made.CopyFrom(value)
    made.name = name
    return made


# -- what comes of them ----------------------------------------------------------------------------
def outcome(name: str, model: Any) -> tuple[str, str]:
    """What comes of one model, and why."""
    try:
        graph = read_model(model, name, output=model.graph.output[0].name)
    except InvalidArgument as error:
        return UNREAD, reason(str(error), name)
    rng = np.random.default_rng(0)
    return next((found for scale in SCALES
                 if (found := compared(graph, model, rng, scale))[0] != READ), (READ, ""))


def compared(graph: Graph, model: Any, rng: np.random.Generator, scale: float) -> tuple[str, str]:
    """The graph and the reference at one random input."""
    entries = open_inputs(model)
    signals = {entry.name: (scale * rng.standard_normal(shape_of(entry))).astype(
        TYPES[type_of(entry)]) for entry in entries}
    try:
        wanted = np.asarray(ReferenceEvaluator(model).run(None, signals)[0], dtype=float).ravel()
    except Exception as error:  # whatever onnx raises
        return ALONE, f"the reference: {type(error).__name__}: {str(error)[:60]!r}"
    flat = np.concatenate([signal.astype(float).ravel() for signal in signals.values()])
    if flat.size % graph.size:
        return ALONE, f"{flat.size} numbers, of which the output takes {graph.size}"
    found = evaluate(graph, flat.reshape(-1, *graph.shape)).ravel()
    if found.size != wanted.size:
        return DIFFERS, f"{found.size} numbers, the reference has {wanted.size}"
    half = TensorProto.FLOAT16 in map(type_of, entries)
    allowed = (2e-2 if half else 1e-4) * (1 + np.nanmax(np.abs(wanted), initial=0))
    far = ~(np.abs(found - wanted) <= allowed) & ~(np.isnan(found) & np.isnan(wanted))
    if far.any():
        return DIFFERS, f"{found[far][0]:g}, the reference has {wanted[far][0]:g}"
    return READ, ""


def shape_of(entry: Any) -> tuple[int, ...]:
    return tuple(axis.dim_value or 1 for axis in entry.type.tensor_type.shape.dim)


def reason(message: str, name: str) -> str:
    """An error without what belongs to one model alone: the operator, and what it is about."""
    found = re.search(r"\((\w+)\): (.*)", message)
    kind, words = found.groups() if found else ("model", message.split(f"{name}: ")[-1])
    if words.startswith("not supported: before it"):
        words = "not known"
    return f"{kind}: {re.sub(r'[0-9]+', 'N', words)[:90]}"


def main(selected: str = "") -> None:
    """Print how many are read and are not, and why."""
    warnings.simplefilter("ignore")
    print(f"onnx {onnx.__version__}")
    found = [(name, *outcome(name, model)) for name, model in models() if selected in name]
    print(f"{len(found)} models", *(f"{number} {kind}" for kind, number in
                                    Counter(kind for _, kind, _ in found).items()), sep="\n")
    for name, kind, why in found:
        if kind in (DIFFERS, ALONE):
            print(f"{kind}: {name}: {why}")
    reasons = Counter(why for _, kind, why in found if kind == UNREAD)
    print(*(f"{number:4} {why}" for why, number in reasons.most_common()), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
