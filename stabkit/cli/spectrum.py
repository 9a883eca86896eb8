"""The command ``stabkit spectrum``: eigenvalues of a matrix in a file, as enclosures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from stabkit.aliases import Matrix
from stabkit.cli.audit import Sizes
from stabkit.cli.commands import EXPECTED, UNEXPECTED, cli
from stabkit.cli.options import check_target
from stabkit.errors import HypothesisNotMet, InvalidArgument, Undecided
from stabkit.report.output import say, write
from stabkit.user_files import is_step_file

_WHOLE, _POWERS = 600, 200  # rows up to which all eigenvalues, and the powers, are enclosed


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--shape", type=Sizes(), metavar="N,N,...",
              help="Of the array that a step in a Python file is given.")
@click.option("--dt", metavar="T", help="A step such as 1/4 or 0.25, for a step(u, dt).")
@click.option("--picture", type=click.Path(path_type=Path), metavar="FILE.svg",
              help="Draw the eigenvalues on the unit circle.")
def spectrum(file: Path, shape: tuple[int, ...] | None, dt: str | None, picture: Path | None
             ) -> int:
    """Enclose the eigenvalues of a matrix or step.

    The matrix is read as one step u -> A u.

    FILE is a sparse matrix as scipy.sparse.save_npz writes it, a dense one as
    numpy.save (.npy), or a MatrixMarket file (.mtx); its floats are taken exactly.
    Or it is FILE.py:step, a linear step of your own, which is executed and traced.

    \b
    Examples:
      stabkit spectrum step.mtx
      stabkit spectrum step.npz --picture step.svg
      stabkit spectrum heat.py:step --shape 64 --dt 1/4

    \b
    Exit status:
      0  nothing is shown to grow, but for the rounding of the entries
      1  powers grow without bound     2  bad input
    """
    from stabkit.report.table import table
    from stabkit.spectra import extreme_eigenvalues
    from stabkit.spectra import spectrum as enclose

    drawn = check_target(picture, "--picture")
    if is_step_file(file):
        matrix = read_linear_step(file, shape, dt)
    elif shape is not None or dt is not None:
        raise InvalidArgument("--shape, --dt: are for a step in a Python file, FILE.py:step")
    else:
        matrix = read_matrix(file)
    size = matrix.shape[0]
    rows: list[tuple[str, str]] = [("rows", str(size))]
    grows, found = False, None
    try:
        low, high = extreme_eigenvalues(matrix)
        rows.append(("smallest real part", _with_error(low)))
        rows.append(("largest real part", _with_error(high)))
        grows = bool(high.lo > 1 or low.hi < -1)
        if size <= _WHOLE:
            found = enclose(matrix)
            rows += [("spectral radius", _with_error(found.radius)),
                     ("norm", _with_error(found.norm)),
                     ("normal", {True: "yes", False: "no", None: "not known"}[found.normal])]
            grows = grows or bool(found.radius.lo > 1)
    except Undecided as reason:
        rows.append(("undecided", str(reason)))
    bound, growth = _bound(matrix, found)
    rows += [("powers", str(bound)), *growth]
    grows = grows or (bound.bounded is False and not bound.by_rounding)
    if drawn is not None:
        _draw(found, Path(drawn))
    rows.append(("as a step", "powers grow without bound" if grows else "no power grows without "
                 "bound" if bound.bounded else "nothing is shown to grow"))
    say(table(("quantity", "value"), rows, sys.stdout).rstrip("\n"))
    return UNEXPECTED if grows else EXPECTED


def _bound(matrix: Matrix, found: Any) -> tuple[Any, list[tuple[str, str]]]:
    """Whether powers are bounded, and for few rows how large they get."""
    from stabkit.spectra import bound_of_powers, transient_growth

    size = matrix.shape[0]
    if size > _POWERS or (found is not None and found.radius.lo > 2):
        return bound_of_powers(matrix, found, whole=size <= _WHOLE), []
    growth = transient_growth(matrix)
    how_many = "all powers" if growth.bounded else f"{len(growth.norms)} powers"
    return growth.bound, [("largest norm", f"{growth.largest} of {how_many}")]


def _with_error(value: Any) -> str:
    return f"{float(value):.15g} ± {value.width / 2:.1e}"


def _draw(found: Any, picture: Path) -> None:
    from stabkit.report.figures import plot, svg

    if found is None:
        raise InvalidArgument(f"--picture: needs all eigenvalues, of at most {_WHOLE} rows")
    write(picture, svg(plot(found), picture.stem), "--picture")


def read_linear_step(path: Path, shape: tuple[int, ...] | None, dt: str | None) -> Any:
    """The matrix of a step of the user's, with exact entries, constants left out.

    Raises
    ------
    HypothesisNotMet
        If the step is not linear.
    """
    from fractions import Fraction

    from stabkit.arithmetic.rational import fraction
    from stabkit.audit.step_file import read_step
    from stabkit.operators import Operator
    from stabkit.tracing import trace
    from stabkit.tracing.evaluation import values_at
    from stabkit.tracing.form import CONSTANT

    if shape is None:
        raise InvalidArgument("--shape: is needed for a step in a Python file, such as 64x64")
    found = trace(read_step(path), shape, dt=None if dt is None else fraction(dt, "dt"))
    if found.takes_step and dt is None:
        raise InvalidArgument("--dt: is needed for a step(u, dt)")
    if not found.is_linear:
        raise HypothesisNotMet(f"{path}: the step is not linear; its spectrum at a signal is that "
                               "of stabkit.spectra.jacobian")
    form, values = found.form, values_at(found.form, found.dt or Fraction(0))
    kept = form.columns != CONSTANT
    return Operator((found.size, found.size), form.rows[kept], form.columns[kept] - 1,
                    [value for value, keep in zip(values, kept, strict=True) if keep])


def read_matrix(path: Path) -> Any:
    """The square real matrix of a file.

    Raises
    ------
    InvalidArgument
        If the file is missing, of another kind, damaged, or holds anything else.
    """
    import scipy

    from stabkit.array_files import read_array

    matrix = read_array(path, "FILE", "matrix", (".npz", ".mtx", ".npy"))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InvalidArgument(f"FILE: {path} must hold a square matrix, got shape {matrix.shape}")
    if matrix.dtype.kind not in "iuf":
        raise InvalidArgument(f"FILE: {path} must hold real numbers, got {matrix.dtype}")
    return scipy.sparse.csr_array(matrix).astype(float)
