"""The command ``stabkit audit``: a user's network from a file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from stabkit.cli.commands import EXPECTED, UNDECIDED, UNEXPECTED, cli
from stabkit.cli.options import budget, json_file, seed
from stabkit.report.output import check_writable, deliver, say

NOTIONS = ("euclidean", "contraction", "range", "sign", "energy", "modes")


class Sizes(click.ParamType):
    """Positive integers with commas between them."""

    name = "sizes"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        parts = str(value).split(",")
        if not all(part.strip().isascii() and part.strip().isdigit() and 0 < int(part) < 10**9
                   for part in parts):
            self.fail(f"must be positive integers such as 3,32,32, got {value!r}", param, ctx)
        return tuple(map(int, parts))


@cli.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--notion", "notions", type=click.Choice(NOTIONS), multiple=True,
              help="What the exit status rests on; can be given again.")
@click.option("--shape", type=Sizes(), metavar="N,N,...",
              help="Of one input without the batch axis, where an ONNX file leaves it open.")
@budget(20.0)
@seed
@json_file
def audit(path: Path, notions: Sequence[str], shape: tuple[int, ...] | None, budget: float,
          seed: int, target: str | None) -> int:
    """Audit a network or scheme in a file, .onnx or .npz.

    FILE is data and is never executed.  All notions that apply are decided.  "Stable" is, if no
    notion is named: a network without biases does not increase the Euclidean norm (euclidean),
    one with biases does not increase the distance of two inputs (contraction);
    one with reversible (Hamiltonian) blocks: no mode of such a block, linearised
    at any state, grows, forward or backward (modes).

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
      stabkit audit network.onnx --json v.json && stabkit replay v.json

    \b
    Exit status:
      0  stable: each notion that counts is proved
      1  not stable: one of them is refuted
      2  bad input
      3  undecided: neither, supported by trials at best
    """
    from stabkit.audit import audit as audited
    from stabkit.progress import working
    from stabkit.report.audit import audit_text

    if target not in (None, "-"):
        check_writable(target)
    with working(sys.stderr) as advance:
        found = audited(path, shape=shape, notions=notions or None, budget=budget, seed=seed,
                        advance=advance)
    if target is not None:
        from stabkit.report.verdict_file import as_text, document

        deliver(target, as_text(document(found.verdicts(), seed=seed, budget=budget)))
    quiet = target == "-"
    say(audit_text(found, sys.stderr if quiet else sys.stdout), end="", err=quiet)
    return {"proved": EXPECTED, "refuted": UNEXPECTED}.get(str(found.status), UNDECIDED)
