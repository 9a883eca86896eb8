"""Measured speeds for the report: what ``python -m benchmarks --json FILE`` wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from stabkit.aliases import Fields
from stabkit.errors import InvalidEvidence
from stabkit.report.json_file import read_json


@dataclass(frozen=True)
class Row:
    """One job beside one peer: stabkit was `ratio` times as fast."""

    job: str
    peer: str
    ratio: float
    spread: float
    goal: float | None


@dataclass(frozen=True)
class Benchmarks:
    """Measured ratios, and where they were measured.

    Attributes
    ----------
    document : mapping
        The file.
    rows : tuple of Row
    environment : mapping of str to str
    """

    document: Fields
    rows: tuple[Row, ...]
    environment: Mapping[str, str]


def read(path: str | Path) -> Benchmarks:
    """Read a file of measured ratios.

    Raises
    ------
    InvalidArgument
        There is no such file.
    InvalidEvidence
        It is not such a file.
    """
    document = read_json(path, "--benchmarks")
    try:
        # The first row of a job is stabkit itself.
        rows = tuple(_row(result["job"], peer, row) for result in document["results"]
                     for peer, row in list(result["rows"].items())[1:])
        environment = {str(name): str(value)
                       for name, value in document.get("environment", {}).items()}
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InvalidEvidence(f"{path}: is not what 'python -m benchmarks --json' writes: "
                              f"{error}") from error
    return Benchmarks(document, rows, environment)


def as_text(found: Benchmarks) -> str:
    """The file's text, as it stands in a report."""
    return json.dumps(found.document, ensure_ascii=False, indent=1) + "\n"


def _row(job: str, peer: str, row: Fields) -> Row:
    ratio, spread = float(row["ratio"]), float(row["spread"])
    goal = row.get("goal")
    if not (isfinite(ratio) and isfinite(spread) and ratio > 0):
        raise ValueError(f"the ratio of {job} to {peer} is {ratio} (spread {spread})")
    return Row(str(job), str(peer), ratio, spread, None if goal is None else float(goal))
