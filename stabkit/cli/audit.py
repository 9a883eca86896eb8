"""The command ``stabkit audit``: a user's network from a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from stabkit.cli.commands import EXPECTED, INTERRUPTED, UNDECIDED, UNEXPECTED, cli
from stabkit.cli.options import budget, check_target, json_file, seed
from stabkit.errors import InvalidArgument
from stabkit.installation import quote
from stabkit.report.output import deliver, say

if TYPE_CHECKING:
    from stabkit.audit.result import Audit
    from stabkit.audit.step_file import StepAudit


class Notions(click.Choice):
    """The notions of an audit, which are looked up when they are needed."""

    def __init__(self) -> None:
        self.case_sensitive = True

    @cached_property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]  # click says a sequence
        from stabkit.audit.questions import NOTIONS
        from stabkit.audit.step_file import NOTIONS as OF_STEPS

        return tuple(dict.fromkeys((*NOTIONS, *OF_STEPS)))


class Sizes(click.ParamType):
    """Positive integers with commas or x between them."""

    name = "sizes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        parts = str(value).lower().replace("x", ",").split(",")
        if not all(part.strip().isascii() and part.strip().isdigit() and 0 < int(part) < 10**9
                   for part in parts):
            self.fail(f"must be positive integers such as 3,32,32 or 64x64, got {value!r}", param,
                      ctx)
        return tuple(map(int, parts))


class Fixed(click.ParamType):
    """An input and its value, a number or a file: ``rate=16000``."""

    name = "fixed"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        name, equals, given = str(value).rpartition("=")
        if not (name and equals and given):
            self.fail(f"must be a name and a value such as rate=16000, got {value!r}", param, ctx)
        try:
            return name, int(given) if given.lstrip("+-").isdigit() else float(given)
        except ValueError:
            return name, Path(given)


@cli.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--notion", "notions", type=Notions(), multiple=True, metavar="NOTION",
              help="What the exit status rests on, such as euclidean, contraction, range, sign, "
                   "bounded, positivity; can be given again.")
@click.option("--shape", type=Sizes(), metavar="N,N,...",
              help="Of one input without the batch axis, where an ONNX file leaves it open; "
                   "of the array that a step is given, such as 64x64.")
@click.option("--dt", metavar="T", help="A step such as 1/4 or 0.25, for a step(u, dt).")
@click.option("--at-most", metavar="L",
              help="A constant such as 1.000001 or 3/2: is |u+ - w+| <= L |u - w|?")
@click.option("--around", type=click.Path(path_type=Path), metavar="FILE",
              help="One input (.npy or .csv): the question is asked for all inputs near it.")
@click.option("--radius", metavar="R", help="How near, in the Euclidean norm.")
@click.option("--output", metavar="NAME", help="Which output of an ONNX file that has several.")
@click.option("--fix", "fixed", type=Fixed(), multiple=True, metavar="NAME=VALUE",
              help="An input of an ONNX file that does not vary: a number, or a .npy or .csv file; "
                   "can be given again.")
@click.option("--rounding", type=click.Choice(("snapped", "exact", "intervals")),
              default="snapped", show_default=True,
              help="The numbers as they stand and as they were meant; only as they stand; "
                   "or all that round to them.")
@click.option("--page", type=click.Path(path_type=Path), metavar="FILE.html",
              help="Write what was found about a network as a page, too.")
@budget(20.0, "How long it may take.")
@seed
@json_file
def audit(path: Path, notions: Sequence[str], shape: tuple[int, ...] | None, dt: str | None,
          at_most: str | None, around: Path | None, radius: str | None, output: str | None,
          fixed: Sequence[tuple[str, Any]], rounding: str, page: Path | None, budget: float,
          seed: int, target: str | None) -> int:
    """Audit a network, a scheme or a step of your own.

    FILE is an .onnx or .npz file, or FILE.py:step.

    An .onnx or .npz FILE is data and is never executed.  A Python file is code: it
    is executed, and so is the step.  The step is a function step(u, dt) or step(u)
    of an array of NumPy; with --dt it is decided at that step, else the sets of
    steps are found.  Without --notion it is stable if a sense is proved in which no
    signal grows without bound, however often the step is taken.

    Of a network all notions that apply are decided for the
    whole network.  "Stable" is, if no notion is named: a network without biases
    does not increase the Euclidean norm (euclidean), one with biases does not
    increase the distance of two inputs (contraction), and one with reversible
    (Hamiltonian) blocks has one bound for the growth of distances, however often
    it is repeated (bounded).  The notion modes is about each reversible block
    alone: no mode of it, linearised at any state, grows, forward or backward.
    Nothing follows from that for the network, so it never makes it stable.

    Where a notion holds for the numbers that were meant before they were rounded
    (0.1, rows that add to 1, the transpose of another layer, norm 1), it is proved,
    and the rounding is told with what holds for the very numbers; see --rounding.

    \b
    Keys of an .npz file, for u+ = u + step * W2 flux(W1 u + b1) + b2:
      W1 or stencil1   matrix; or stencil of shape (taps), (out, in, *taps)
      W2 or stencil2   the same; left out: the negative transpose of W1
      flux             its name: relu, tanh, soft, perona_malik, ...; identity
      contrast         the flux's parameter
      step             a number; 1 if left out
      b1, b2           biases
      sizes            of the signal, with stencils
      boundary         with stencils: zero (default) or periodic
    Matrices A0, A1, ... with flux0, flux1, ... and b0, b1, ... are layers in a
    row: x -> flux0(A0 x + b0) and so on.

    \b
    Examples:
      stabkit audit network.onnx
      stabkit audit block.npz --notion contraction --notion range
      stabkit audit orthogonal.onnx --at-most 1.000001
      stabkit audit network.onnx --around input.npy --radius 1/10 --at-most 50
      stabkit audit network.onnx --json v.json && stabkit replay v.json
      stabkit audit network.onnx --page network.html
      stabkit audit heat.py:step --shape 64x64 --notion range --dt 1/4

    \b
    Exit status:
      0  each notion that counts is proved (the headline names them)
      1  one of them is refuted
      2  bad input
      3  undecided: neither, supported by trials at best; also modes alone, unless
         refuted
    """
    from stabkit.audit.step_file import audit_step, check_options
    from stabkit.user_files import is_step_file

    if is_step_file(path):
        check_options(at_most, rounding, around=around, radius=radius, output=output, page=page,
                      fix=dict(fixed) or None)
        return _carry_out(partial(audit_step, path, shape, notions, dt, seed, budget=budget), str,
                          budget, seed, target)
    if dt is not None:
        raise InvalidArgument("dt: is for a step, FILE.py:step")
    from stabkit.audit import audit as audited
    from stabkit.report.audit import audit_text

    return _carry_out(
        partial(audited, path, shape=shape, notions=notions or None, at_most=at_most,
                around=around, radius=radius, output=output, fixed=dict(fixed), rounding=rounding,
                budget=budget, seed=seed),
        partial(audit_text, stream=sys.stderr if target == "-" else sys.stdout),
        budget, seed, target, page)


def _this_question() -> str:
    """The command that asks what this one asks, without the files that it writes."""
    context, words = click.get_current_context(), ["stabkit", "audit"]
    for param in context.command.params:
        value = context.params.get(param.name or "")
        if param.name in ("target", "page") or value in (None, (), param.default):
            continue
        if isinstance(param.type, Sizes):
            value = ",".join(map(str, value))
        if isinstance(param.type, Fixed):
            value = ["=".join(map(str, pair)) for pair in value]
        for each in value if param.multiple else (value,):
            words += [*param.opts[:isinstance(param, click.Option)], quote(str(each))]
    return " ".join(words)


def _carry_out(task: Callable[..., Audit | StepAudit], text: Callable[..., str], budget: float,
               seed: int, target: str | None, page: Path | None = None) -> int:
    """Audit with a line of progress, write the verdicts, say the text, return the exit status."""
    from stabkit.progress import show_work

    target, place = check_target(target), check_target(page, "--page")
    done: list[str] = []
    try:
        with show_work(sys.stderr, budget) as advance:
            def note(what: str) -> None:
                done.append(what)
                advance(what)

            found = task(advance=note)
    except KeyboardInterrupt:
        say(f"stabkit: interrupted after {', '.join(done) or 'nothing'}", err=True)
        return INTERRUPTED
    if target is not None:
        from stabkit.report.verdict_file import as_text, document

        deliver(target, as_text(document(found.verdicts(), seed=seed, budget=budget)))
    if place is not None:
        from stabkit.report.audit_page import audit_page

        deliver(place, audit_page(cast("Audit", found), _this_question()), "--page")
    say(text(found).rstrip("\n"), err="-" in (target, place))
    return {"proved": EXPECTED, "refuted": UNEXPECTED}.get(str(found.status), UNDECIDED)
