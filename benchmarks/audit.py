"""Constants of networks: what is certified, what a search reaches, and what peers say in floats.

The networks are three of our own and those of a folder of ONNX files.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.auto_lirpa import jacobian_bound
from stabkit import audit
from stabkit.audit.models import read
from stabkit.audit.npz_file import from_arrays
from stabkit.errors import StabkitError
from stabkit.networks.form_certificate import assemble
from stabkit.networks.graph import Graph
from stabkit.networks.slope_form import SlopeForm, slope_form

BUDGET = 20.0
RADIUS = 0.1  # of the ball around 0 in which local constants are compared
_SMALL = 80  # entries of (x, v) up to which a general solver is asked

Row = tuple[str, str, float | None, float]  # method, "certified" or "floats", value, seconds


def dense(*sizes: int, seed: int = 0) -> Graph:
    """Layers of a usual initialisation, with ReLU between them."""
    rng, arrays = np.random.default_rng(seed), {}
    for i, (n, m) in enumerate(pairwise(sizes)):
        arrays[f"A{i}"] = (rng.standard_normal((m, n)) * np.sqrt(2 / n)).astype(np.float32)
        arrays[f"b{i}"] = (0.1 * rng.standard_normal(m)).astype(np.float32)
        if i + 2 < len(sizes):
            arrays[f"flux{i}"] = np.array("relu")
    return from_arrays(arrays, "-".join(map(str, sizes)))


def own() -> Iterator[Graph]:
    """Three networks of our own."""
    yield dense(10, 40, 40, 40, 4)
    yield dense(784, 100, 100, 10)
    rng = np.random.default_rng(1)
    W = rng.standard_normal((40, 30)).astype(np.float32) / 8
    yield from_arrays({"W1": W, "W2": (-W.T * (1 + 0.05 * rng.standard_normal((30, 40)))).astype(
        np.float32), "flux": np.array("tanh")}, "residual block 30")


# -- peers -----------------------------------------------------------------------------------------
def product_of_norms(form: SlopeForm) -> float:
    """The product of the norms of layers in a row, in floats."""
    total, start = 1.0, slice(0, form.inputs)
    steep = max(np.abs(form.low).max(initial=0), np.abs(form.high).max(initial=0))
    for rows, group in zip(form.seen, form.groups, strict=True):
        _alone(rows.matrix, start)
        total *= steep * np.linalg.norm(rows.matrix[:, start], 2)
        start = slice(form.inputs + group.start, form.inputs + group.stop)
    _alone(form.output.matrix, start)
    return total * float(np.linalg.norm(form.output.matrix[:, start], 2))


def _alone(matrix: np.ndarray, here: slice) -> None:
    rest = matrix.copy()
    rest[:, here] = 0
    if rest.any():
        raise ValueError("not layers in a row")


def eclipse_fast(form: SlopeForm) -> float:
    """ECLipsE-Fast (Xu and Sivaranjani 2024): forward, with one number per layer, in floats."""
    X, start = np.eye(form.inputs), slice(0, form.inputs)
    for rows, group in zip(form.seen, form.groups, strict=True):
        _alone(rows.matrix, start)
        W, high = rows.matrix[:, start], float(np.abs(form.high[group]).max())
        inner = W @ np.linalg.solve(X, W.T)
        weight = 2 / (high**2 * np.linalg.norm(inner, 2))
        X = weight * np.eye(len(W)) - weight**2 * high**2 / 4 * inner
        start = slice(form.inputs + group.start, form.inputs + group.stop)
    _alone(form.output.matrix, start)
    W = form.output.matrix[:, start]
    return float(np.sqrt(np.linalg.norm(W @ np.linalg.solve(X, W.T), 2)))


def lipsdp(form: SlopeForm) -> float:
    """LipSDP-Neuron by CVXPY and Clarabel, in floats."""
    import cvxpy

    t, square = cvxpy.Variable(len(form.low), nonneg=True), cvxpy.Variable()
    fixed = assemble(form, 0.0, np.zeros(len(form.low)))
    unit = assemble(form, 1.0, np.zeros(len(form.low))) - fixed
    half = form.factors[0].T @ cvxpy.diag(t) @ form.factors[1]
    cvxpy.Problem(cvxpy.Minimize(square), [square * unit + fixed + (half + half.T) / 2 >> 0]).solve(
        solver="CLARABEL")
    return float(square.value) ** 0.5


def power_iteration(graph: Graph) -> float:
    """The largest norm of the derivative at 24 random inputs, in floats."""
    from stabkit.audit.witnesses import direction_of_stretch

    rng = np.random.default_rng(0)
    return max(direction_of_stretch(graph, rng.standard_normal((1, *graph.shape)), rng,
                                    50)[1] ** 0.5
               for _ in range(24))


# -- the table -------------------------------------------------------------------------------------
def rows_of(graph: Graph) -> Iterator[Row]:
    """Every method on one network."""
    start = time.process_time()
    found = audit(graph, budget=BUDGET, at_most=1)
    taken = time.process_time() - start
    for name, value in (("stabkit, upper", found.upper), ("stabkit, lower", found.lower)):
        yield name, "certified", None if value is None else float(value), taken
    form = slope_form(graph)
    if form is not None:
        yield _timed("product of norms", lambda: product_of_norms(form))
        yield _timed("ECLipsE-Fast, upper", lambda: eclipse_fast(form))
        if form.size <= _SMALL:
            yield _timed("LipSDP (Clarabel), upper", lambda: lipsdp(form))
    yield _timed("power iteration, lower", lambda: power_iteration(graph))
    start = time.process_time()
    near = audit(graph, budget=BUDGET, at_most=1, around=np.zeros(graph.size), radius=RADIUS).local
    taken = time.process_time() - start
    if near is not None and near.upper is not None:
        yield f"stabkit, within {RADIUS}", "certified", float(near.upper), taken
    yield _timed(f"auto_LiRPA, within {RADIUS}", lambda: jacobian_bound(graph, RADIUS))


def _timed(name: str, method: Callable[[], float]) -> Row:
    start = time.process_time()
    try:
        value: float | None = method()
    except (ValueError, ImportError, NotImplementedError, np.linalg.LinAlgError):
        value = None
    return name, "floats", value, time.process_time() - start


def _most_memory() -> float:
    """The most memory that this process has had, in gigabytes, since this was asked last."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not status.exists():
        import resource  # which Windows has not

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    most = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    with suppress(OSError):  # else it is the most since the start
        reset.write_text("5")
    return int(most.split()[1]) / 1e6


def networks(folder: str | None) -> Iterator[Graph]:
    """Our own, and those of a folder that can be read."""
    yield from own()
    for path in sorted(Path(folder).glob("*.onnx")) if folder else ():
        try:
            yield read(path)
        except StabkitError as error:
            print(error)


def run(folder: str | None, named: str = "") -> list[dict]:
    """Print the table of the networks whose names contain a text, and return it."""
    table = []
    for graph in networks(folder):
        name = Path(graph.source).stem
        if named not in name:
            continue
        print(name, flush=True)
        for method, kind, value, taken in rows_of(graph):
            said, most = "-" if value is None else f"{value:.6g}", _most_memory()
            print(f"  {method:26s} {said:>12s}  {kind:9s} {taken:7.2f} s  {most:.2f} GB",
                  flush=True)
            table.append({"network": name, "method": method, "kind": kind, "value": value,
                          "seconds": taken, "gigabytes": most})
    return table
