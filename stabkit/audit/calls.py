"""The calls ``stabkit.audit(model)`` and ``stabkit.make_stable(model)``; their work loads late."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stabkit.aliases import Fields, Foreign, Number
from stabkit.arithmetic.rational import fraction, integer
from stabkit.audit.models import as_model
from stabkit.audit.questions import NOTIONS, select_notions
from stabkit.audit.result import Audit
from stabkit.errors import InvalidArgument, several
from stabkit.networks.graph import Graph
from stabkit.networks.layers import Shape
from stabkit.schemes import Scheme
from stabkit.time_limit import LONGEST

if TYPE_CHECKING:
    from stabkit.audit.repair import Repair

ROUNDINGS = ("snapped", "exact", "intervals")
_MOST = 1 << 30  # entries of a signal


def audit(model: Foreign, shape: Shape | int | None = None, *, notions: Sequence[str] | None = None,
          at_most: Number | None = None, around: Any = None, radius: Number | None = None,
          output: str | None = None, fixed: Fields | None = None,
          rounding: str = "snapped", budget: float = 20.0, seed: int = 0,
          advance: Callable[[str], None] = lambda name: None) -> Audit:
    """Decide in which senses a network or scheme is stable, and what to change where it is not.

    Parameters
    ----------
    model : path, torch.nn.Module, torch.export.ExportedProgram, Graph, Scheme or callable
        An ``.onnx`` or ``.npz`` file, which is data and never executed; a module, which is traced,
        or a program, which was;
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
    around : array or path, optional
        An input, or a .npy or .csv file of one: the overall status rests on whether
        |u⁺ − w⁺| <= L |u − w| for all u and w within `radius` of it, with L = `at_most`, or 1.
    radius : rational, optional
        In the Euclidean norm.
    output : str, optional
        Which output of an ONNX file that has several.
    fixed : mapping, optional
        For inputs of an ONNX file that do not vary: a number, an array, or a .npy or .csv file of
        one, by the name of the input.
    rounding : {"snapped", "exact", "intervals"}
        How the numbers of a network are taken.  "snapped": as they stand; where a notion is not
        proved of them, also as they were meant before they were rounded (short decimals, rows
        that add to 0 or 1, the transpose of another layer, norm 1), and the judgement says how
        far that moves them and what holds for the very numbers.  "exact": only as they stand.
        "intervals": for all weights that round to them.
    budget : float
        How long the audit may take, in seconds, once the model is read.
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
    model = _accept(model, shape, budget, seed, output, fixed)
    if not (isinstance(rounding, str) and rounding in ROUNDINGS):
        raise InvalidArgument(f"rounding: must be among {', '.join(ROUNDINGS)}, got {rounding!r}")
    if notions is not None:
        notions = select_notions(notions, tuple(NOTIONS))
    bound = None if at_most is None else fraction(at_most, "at_most")
    if bound is not None and bound <= 0:
        raise InvalidArgument(f"at_most: must be positive, got {at_most}")
    if isinstance(model, Graph):
        from stabkit.audit.ball import ball_of
        from stabkit.audit.network_audit import Request, audit_graph

        request = Request(notions, bound, rounding, ball_of(around, radius, model))
        return audit_graph(model, request, float(budget), seed, advance)
    if around is not None or radius is not None:
        raise InvalidArgument("around, radius: are for networks; a scheme or a function has no "
                              "local bounds here")
    from stabkit.audit.scheme_audit import audit_scheme

    return audit_scheme(model, notions, bound, float(budget), seed, advance)


def _accept(model: Foreign, shape: Shape | int | None, budget: Any, seed: Any,
            output: str | None = None, fixed: Fields | None = None) -> Graph | Scheme:
    if isinstance(budget, bool) or not isinstance(budget, (int, float)) or \
            not 0 < budget <= LONGEST:
        raise InvalidArgument(f"budget: must be a positive number of seconds, got {budget!r}")
    integer(seed, "seed")
    if shape is not None:
        shape = (shape,) if isinstance(shape, int) else several(shape, "shape")
        if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
            raise InvalidArgument(f"shape: must be positive integers, got {shape}")
        if prod(shape) > _MOST:
            raise InvalidArgument(f"shape: must have at most {_MOST} entries, got {prod(shape)}")
    if fixed is not None and not isinstance(fixed, Mapping):
        raise InvalidArgument(f"fixed: must be values by names of inputs, got {fixed!r}")
    return as_model(model, shape, output, fixed)


def make_stable(model: Foreign, shape: Shape | int | None = None, *, budget: float = 5.0,
                seed: int = 0) -> Repair:
    """The network with the smallest change that was found by which it is certified to contract.

    What is nearly a diffusion block is made one; then the steps of blocks are taken smaller, or the
    last layer is scaled, by what is missing and no more.  Reversible blocks stay reversible: they
    get steps up to which no mode of a block grows.  A network that is proved is returned as it is.

    Parameters
    ----------
    model, shape
        As for :func:`stabkit.audit`: a file, a module, or a graph.
    budget, seed
        Of the audit of the result.

    Returns
    -------
    Repair
        With the fields ``graph``, ``changes`` (a text per place) and ``audit``.

    Raises
    ------
    InvalidArgument
        Where no such change is found; the block with the largest constant is named.
    """
    graph = _accept(model, shape, budget, seed)
    if not isinstance(graph, Graph):
        raise InvalidArgument(f"model: must be a file, a torch module or a graph, got "
                              f"{type(model).__name__}")
    from stabkit.audit.repair import repair

    return repair(graph, str(model) if isinstance(model, (str, Path)) else graph.source,
                  float(budget), seed)
