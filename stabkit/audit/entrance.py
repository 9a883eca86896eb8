"""The one call ``stabkit.audit(model)``: whatever the model is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from stabkit.audit.decision import audit_graph
from stabkit.audit.layers import Graph
from stabkit.audit.result import Audit
from stabkit.errors import InvalidArgument


def audit(model: Any, *, notions: Sequence[str] | None = None, budget: float = 20.0, seed: int = 0,
          advance: Callable[[str], None] = lambda name: None) -> Audit:
    """Decide in which senses a network is stable, and what to change where it is not.

    Parameters
    ----------
    model : Graph or path
        A network as data, or an ``.onnx`` or ``.npz`` file; a file is never executed.
    notions : sequence of str, optional
        Those that the overall status rests on, among "euclidean", "contraction", "range", "sign"
        and "energy".  If left out: "euclidean" for a network without biases, else "contraction".
    budget : float
        How much to search, in seconds of a nominal machine.
    seed : int
        Seed of every random choice.
    advance : callable, optional
        Called with the name of what is done.

    Returns
    -------
    Audit
    """
    if not 0 < budget < float("inf"):
        raise InvalidArgument(f"budget: must be a positive number of seconds, got {budget}")
    if isinstance(model, (str, Path)):
        model = read(model)
    if not isinstance(model, Graph):
        raise InvalidArgument(f"model: cannot audit a {type(model).__name__}")
    return audit_graph(model, notions, budget, seed, advance)


def read(path: str | Path) -> Graph:
    """Read a network from a file, by its ending."""
    reader = {".onnx": "onnx_file", ".npz": "npz_file"}.get(Path(path).suffix.lower())
    if reader is None:
        raise InvalidArgument(f"{path}: must be an .onnx or .npz file")
    return import_module(f"stabkit.audit.{reader}").read(path)
