"""Measure stabkit beside its peers: ``python -m benchmarks [--quick] [--only TEXT]``.

Every job first compares its results with those of its peers, then times them in turn.  Needs the
extra ``bench``.  Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 to keep the peers to one thread.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks import deciding, limits, startup
from benchmarks.measuring import compare, exponents, measure, summary

ROOMS = ("diffusion", "images", "systems", "eigenvalues", "shrinkage_and_search")
PACKAGES = ("numpy", "scipy", "numba", "llvmlite", "PyWavelets", "pyamg", "MedPy", "SimpleITK",
            "hypothesis", "scikit-image",
            "opencv-contrib-python-headless")


def show(result: dict) -> None:
    """One job: rates, ratios to the peers, goals, and the spread of the times over their median."""
    print(f"{result['job']}   first call {result['first_call']:.2f} s, all {result['all']:.0f} s")
    for name, row in result["rows"].items():
        goal = "" if row["goal"] is None else f"  goal {row['goal']:.3g}x"
        met = "" if row["goal"] is None else (" met" if row["ratio"] >= row["goal"] else " MISSED")
        print(f"  {name:18s} {row['million_per_second']:10.4g} M/s   "
              f"stabkit is {row['ratio']:8.3g}x{goal}{met}"
              + (f"   spread {row['spread']:.0%}" if result["rounds"] > 1 else ""), flush=True)


def show_start(found: dict[str, float]) -> None:
    """The start-up of new processes."""
    for name, taken in found.items():
        goal = startup.GOALS[name]
        print(f"{name:22s} {taken:6.2f} s  goal {goal:g} s {'met' if taken <= goal else 'MISSED'}")


def show_decided(found: dict[str, float], exact: float) -> None:
    """How long it takes to check and to decide."""
    for name, taken in found.items():
        unit = "" if name == deciding.MEMORY else " s"
        most = deciding.goal(name, exact)
        print(f"{name:36s} {taken:8.3g}{unit}  goal {most:g}{unit} "
              f"{'met' if taken <= most else 'MISSED'}", flush=True)


def environment() -> dict[str, str]:
    """Versions of what is measured, and the machine."""
    found = {"python": platform.python_version(),
             "machine": f"{platform.system()} {platform.machine()}"}
    found["vectors"] = " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"])
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks",
                                     description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60,
                        help="no further round of a job that has taken so long")
    parser.add_argument("--quick", action="store_true",
                        help="two rounds, and leave out jobs of 10^6 sites and more")
    parser.add_argument("--only", default="", help="jobs whose name contains this text")
    parser.add_argument("--nets", help="with --only audit: a folder of ONNX files, beside our own")
    parser.add_argument("--net", default="", help="with --only audit: networks whose name contains "
                                                  "this text")
    parser.add_argument("--json", type=Path, help="write the results to this file")
    parser.add_argument("--figure", type=Path, help="draw the ratios into this PNG file")
    options = parser.parse_args(arguments)
    rounds, results = 2 if options.quick else options.rounds, []
    versions = environment()
    print("  ".join(f"{name} {value}" for name, value in versions.items()))
    if options.only == "audit":  # constants and not rates: a table of its own
        from benchmarks import audit
        table = audit.run(options.nets, options.net)
        if options.json:
            options.json.write_text(json.dumps({"environment": versions, "results": table},
                                               indent=1) + "\n", encoding="utf-8")
        return 0
    if options.only == "spectra":  # seconds and memory at size, and enclosures
        from benchmarks import spectra
        tables = spectra.run()
        if options.json:
            options.json.write_text(json.dumps({"environment": versions, "results": tables},
                                               indent=1) + "\n", encoding="utf-8")
        return 0
    if options.only == "proofs":  # what is found, and what peers find
        from benchmarks import found_again, proofs
        return max(found_again.main(), proofs.main())
    machine = limits.measure()
    decided = deciding.measure(rounds, options.only, options.quick)
    exact = machine["exact"][0] * 1e6
    show_decided(decided, exact)
    for room in ROOMS:
        for make in import_module(f"benchmarks.{room}").jobs():
            job = make()
            if options.only not in job.name or (options.quick and job.size >= 10**6):
                continue
            start = time.perf_counter()
            first_runs = compare(job)
            found = summary(job, measure(job, rounds, first_runs, options.seconds))
            results.append(found | {"first_call": first_runs["stabkit"],
                                    "all": time.perf_counter() - start})
            show(results[-1])
    fitted = exponents(results)
    for name, exponent in fitted.items():
        print(f"time of {name} ~ N^{exponent:.2f}")
    started = {} if options.only else startup.measure(rounds)
    show_start(started)
    limits_after = limits.measure()
    limits.show(machine, limits_after)
    goals = [row["ratio"] >= row["goal"] for result in results
             for row in result["rows"].values() if row["goal"] is not None]
    goals += [taken <= startup.GOALS[name] for name, taken in started.items()]
    goals += [taken <= deciding.goal(name, exact) for name, taken in decided.items()]
    print(f"goals met: {sum(goals)} of {len(goals)}")
    if options.json:
        options.json.write_text(json.dumps(
            {"environment": versions, "results": results, "exponents": fitted, "start": started,
             "deciding": decided, "limits": machine, "limits at the end": limits_after},
            indent=1) + "\n", encoding="utf-8")
    if options.figure:
        from benchmarks.figure import ratios
        from stabkit.report.figures.style import png
        options.figure.write_bytes(png(ratios(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
