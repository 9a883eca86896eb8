"""The one call ``stabkit.audit(model)``: whatever the model is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

from stabkit.audit.layers import Graph, Shape
from stabkit.audit.result import Audit
from stabkit.errors import InvalidArgument
from stabkit.rational import fraction
from stabkit.schemes import Scheme

ROUNDINGS = ("snapped", "exact", "intervals")


def audit(model: Any, shape: Shape | int | None = None, *, notions: Sequence[str] | None = None,
          at_most: Any = None, rounding: str = "snapped", budget: float = 20.0, seed: int = 0,
          advance: Callable[[str], None] = lambda name: None) -> Audit:
    """Decide in which senses a network or scheme is stable, and what to change where it is not.

    Parameters
    ----------
    model : path, torch.nn.Module, Graph, Scheme or callable
        An ``.onnx`` or ``.npz`` file, which is data and never executed; a module, which is traced;
        or a function of float arrays of shape (..., N), which can only be refuted or supported.
    shape : tuple of int, optional
        Of one input without the batch axis; needed for a module or a function, and for an ONNX
        file that leaves sizes open.
    notions : sequence of str, optional
        Those that the overall status rests on, among "euclidean", "contraction", "range", "sign",
        "energy", "bounded" and "modes".  If left out: "bounded" for a network with reversible
        blocks (one bound of the growth of differences, however often it is repeated); "euclidean"
        for one without biases; else "contraction".  "modes" is about each reversible block alone:
        the overall status is never proved by it.
    at_most : rational, optional
        A constant L: the overall status rests on whether |u⁺ − w⁺| <= L |u − w|, too.
    rounding : {"snapped", "exact", "intervals"}
        How the numbers of a network are taken.  "snapped": as they stand; where a notion is not
        proved of them, also as they were meant before they were rounded (short decimals, rows
        that add to 0 or 1, the transpose of another layer, norm 1), and the judgement says how
        far that moves them and what holds for the very numbers.  "exact": only as they stand.
        "intervals": for all weights that round to them.
    budget : float
        How much to search, in seconds of a nominal machine.
    seed : int
        Seed of every random choice.
    advance : callable, optional
        Called with the name of what is done.

    Returns
    -------
    Audit

    Examples
    --------
    >>> from stabkit import Explicit, audit, difference, fluxes
    >>> audit(Explicit(difference(1, 4), fluxes.soft(), "1/4"), budget=1).status
    <Status.PROVED: 'proved'>
    """
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or \
            not 0 < budget < float("inf"):
        raise InvalidArgument(f"budget: must be a positive number of seconds, got {budget!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidArgument(f"seed: must be an integer >= 0, got {seed!r}")
    if shape is not None:
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
            raise InvalidArgument(f"shape: must be positive integers, got {shape}")
    if rounding not in ROUNDINGS:
        raise InvalidArgument(f"rounding: must be among {', '.join(ROUNDINGS)}, got {rounding!r}")
    if at_most is not None and (at_most := fraction(at_most, "at_most")) <= 0:
        raise InvalidArgument(f"at_most: must be positive, got {at_most}")
    model = as_model(model, shape)
    if isinstance(model, Graph):
        room = import_module("stabkit.audit.decision")  # loaded when it is needed
        return room.audit_graph(model, room.Request(notions, at_most, rounding), float(budget),
                                seed, advance)
    room = import_module("stabkit.audit.scheme_audit")
    return room.audit_scheme(model, notions, at_most, float(budget), seed, advance)


def as_model(model: Any, shape: Shape | None = None) -> Graph | Scheme:
    """A user's model as a graph or a scheme."""
    if isinstance(model, (Graph, Scheme)):
        return model
    if isinstance(model, (str, Path)):
        return read(model, shape)
    if hasattr(model, "state_dict") and hasattr(model, "parameters"):
        if shape is None:
            raise InvalidArgument("shape: a torch module needs the shape of one input")
        return import_module("stabkit.audit.torch_module").read(model, shape)
    if callable(model):
        if shape is None:
            raise InvalidArgument("shape: a function needs the shape of one input, such as (64,)")
        return import_module("stabkit.audit.functions").ExactFunction(model, prod(shape))
    raise InvalidArgument(f"model: must be a file, a torch module, a graph, a scheme or a "
                          f"function, got {type(model).__name__}")


def read(path: str | Path, shape: Shape | None = None) -> Graph:
    """Read a network from a file: by its content, and by its ending where that says nothing."""
    path = Path(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise InvalidArgument(f"{path}: cannot be read: {error.strerror or error}") from None
    ending = path.suffix.lower()
    if ending not in (".npz", ".onnx"):
        raise InvalidArgument(f"{path}: must be an .onnx or .npz file")
    if ending == ".npz" or start == b"PK\x03\x04":
        if shape is not None:
            raise InvalidArgument(f"shape: {path} says its own shape; leave this out")
        return import_module("stabkit.audit.npz_file").read(path)
    return import_module("stabkit.audit.onnx_file").read(path, shape)
