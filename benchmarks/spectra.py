"""Ends of spectra at size, with seconds and memory beside SciPy's floats; the gallery, enclosed.

``python -m benchmarks --only spectra``.  Each row runs in a process of its own, on one thread.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from benchmarks.measuring import rng
from stabkit import Explicit, difference, fluxes, grid_gradient
from stabkit.errors import Undecided
from stabkit.spectra import (
    extreme_eigenvalues,
    gallery,
    jacobian,
    numerical_range,
    spectrum,
    stable_at,
    step_is_stable,
    transient_growth,
)

ENOUGH = 0.2  # seconds for a row; what is quicker runs again and again, and the mean counts
LIMIT = 120  # seconds of the processor for a row
SIZES = (1000, 10_000, 100_000, 1_000_000)
IMAGES = (64, 256, 512)
GALLERY = {
    "Jordan block 1/2": gallery.jordan_block(16, 0.5), "Grcar": gallery.grcar(32),
    "Toeplitz, triangle": gallery.triangle(32), "Toeplitz, limaçon": gallery.limacon(24),
    "Kahan": gallery.kahan(24), "Frank": gallery.frank(10), "Lesp": gallery.lesp(32),
    "Demmel": gallery.demmel(6), "convection-diffusion": gallery.convection_diffusion(40, 0.9),
    "Orr-Sommerfeld": gallery.orr_sommerfeld(48),
}


# -- sizes -----------------------------------------------------------------------------------------
def line(n: int, order: int) -> scipy.sparse.csr_array:
    """The Jacobian of an explicit step with slopes of either sign."""
    K = difference(order, n).sparse()
    slopes = rng().standard_normal(K.shape[0])
    J = scipy.sparse.eye_array(n) - 4.0**-order * (K.T @ scipy.sparse.diags_array(slopes) @ K)
    return ((J + J.T) * 0.5).tocsr()


def image(n: int) -> tuple[Explicit, np.ndarray]:
    """A step of Perona and Malik on n x n pixels, steep enough for slopes of either sign."""
    return Explicit(grid_gradient((n, n)), fluxes.perona_malik(), "1/5"), 2 * rng().random(n * n)


def ends_by_eigsh(J: scipy.sparse.csr_array) -> list[float]:
    return sorted(scipy.sparse.linalg.eigsh(J, 2, which="BE", return_eigenvectors=False,
                                            v0=np.ones(J.shape[0])).tolist())


def ends_by_eigs(J: scipy.sparse.csr_array) -> list[float]:
    return [float(scipy.sparse.linalg.eigs(J, 1, which=which, return_eigenvectors=False,
                                           v0=np.ones(J.shape[0]))[0].real)
            for which in ("SR", "LR")]


def ends_by_lapack(J: scipy.sparse.csr_array) -> list[float]:
    return [float(scipy.linalg.eigvalsh_tridiagonal(
        J.diagonal(), J.diagonal(1), select="i", select_range=(k, k))[0])
        for k in (0, J.shape[0] - 1)]


def ends(J: scipy.sparse.csr_array) -> list[float]:
    return [float(end) for end in extreme_eigenvalues(J)]


PEERS = {"eigsh": ends_by_eigsh, "eigs": ends_by_eigs}


def questions() -> list[tuple[str, str, Callable[[], Any]]]:
    """What is asked, of whom, and a function that makes the object and returns what to time."""
    asked: list[tuple[str, str, Callable[[], Any]]] = []

    def ask(question: str, who: str, run: Callable[[Any], Any], make: Callable[[], Any]) -> None:
        asked.append((question, who, lambda: (run, make())))

    for n in SIZES:
        for order in (1, 2):
            who = {"stabkit": ends} | (
                {"eigvalsh_tridiagonal": ends_by_lapack} if order == 1 else {}) | PEERS
            for name, run in who.items():
                if n <= 100_000 or name in ("stabkit", "eigvalsh_tridiagonal"):
                    ask(f"both ends, order {order}, N={n}", name, run,
                        lambda n=n, order=order: line(n, order))
        ask(f"Jacobian at a signal, N={n}", "stabkit", lambda of: str(jacobian(*of)),
            lambda n=n: (Explicit(difference(1, n), fluxes.perona_malik(), "1/4"),
                         rng().random(n)))
        ask(f"stable, from slopes, N={n}", "stabkit", lambda d: step_is_stable(d, "1/4"),
            lambda n=n: 0.1 + rng().random(n - 1))
        ask(f"stable at a signal, N={n}", "stabkit", lambda of: stable_at(*of),
            lambda n=n: (Explicit(difference(1, n), fluxes.perona_malik(), "1/4"),
                         rng().random(n)))
    for n in IMAGES:
        for name, run in {"stabkit": ends, **PEERS}.items():
            ask(f"both ends, {n} x {n} pixels", name, run,
                lambda n=n: jacobian(*image(n)).sparse())
        ask(f"stable at an image, {n} x {n} pixels", "stabkit", lambda of: stable_at(*of),
            lambda n=n: image(n))
    return asked


def _measure(pipe: Any, number: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    question, who, prepare = questions()[number]
    run, made = prepare()
    if who == "stabkit" and "pixels" not in question:
        run(made)  # kernels are loaded outside of the time
    start, times, taken = time.process_time(), 0, 0.0
    while taken < ENOUGH:
        found, times = run(made), times + 1
        taken = time.process_time() - start
    pipe.send((found, taken / times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def sizes(only: str = "") -> list[dict[str, Any]]:
    """One row per question and candidate: answer, seconds of the processor, MiB at the peak.

    The peak is that of the whole process, some 84 MiB of which are Python and its packages.
    """
    rows = []
    for number, (question, who, _) in enumerate(questions()):
        if only not in question:
            continue
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=_measure,
                                                              args=(theirs, number))
        process.start()
        theirs.close()
        row: dict[str, Any] = {"question": question, "by": who}
        try:
            found, taken, memory = ours.recv()
            row |= {"found": found, "seconds": taken, "MiB": memory}
        except EOFError:  # its process was stopped
            row["found"] = f"not within {LIMIT} s"
        process.join()
        shown = row["found"]
        if isinstance(shown, list):
            shown = "  ".join(f"{end:.12f}" for end in shown)
        print(f"{question:34s} {who:22s} " + (
            f"{row['seconds']:9.4f} s {row['MiB']:8.1f} MiB   {shown}" if "seconds" in row
            else str(shown)), flush=True)
        rows.append(row)
    return rows


# -- gallery ---------------------------------------------------------------------------------------
def enclosed() -> list[dict[str, Any]]:
    """Ten matrices: radius, norm, radius of the numerical range, largest power, Kreiss constant."""
    rows = []
    print(f"{'matrix':22s} {'rows':>4s}  radius, norm, numerical radius, largest norm of powers, "
          "Kreiss constant at least")
    for name, A in GALLERY.items():
        row: dict[str, Any] = {"matrix": name, "rows": len(A)}
        try:
            found = spectrum(A)
            row |= {"radius": str(found.radius), "norm": str(found.norm)}
            dense = np.block([[A.real, -A.imag], [A.imag, A.real]]) if np.iscomplexobj(A) else A
            growth = transient_growth(dense, 200)
            row |= {"numerical radius": str(numerical_range(dense, 32).radius),
                    "largest power": str(growth.largest) if growth.bounded else
                    "unbounded" if growth.bounded is False else "not known",
                    "Kreiss": f"{float(growth.kreiss.lo):.6g}"}
        except Undecided as reason:
            row["undecided"] = str(reason)
        floats = np.abs(np.linalg.eigvals(A)).max()
        print(f"{name:22s} {len(A):4d}  " + "  ".join(map(str, list(row.values())[2:])) +
              f"   (NumPy: {floats:.8f}, {np.linalg.norm(A, 2):.8f})", flush=True)
        rows.append(row)
    return rows


def run() -> dict[str, Any]:
    """Both tables."""
    return {"sizes": sizes(), "gallery": enclosed()}
