"""Tables for a manuscript, in ASCII; the first line of each says which packages it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stabkit.notation import to_latex
from stabkit.report.contents import Contents, Entry, Paper
from stabkit.stability.verdict import Status

_COLUMNS = (r"@{}>{\raggedright\arraybackslash}p{0.2\linewidth}"
            r">{\raggedright\arraybackslash}p{0.48\linewidth}lr@{}")
_NEEDS = "% \\usepackage{amsmath,amssymb,array,booktabs,longtable}\n"


def summary_table(report: Contents) -> str:
    """Papers and software by verdict."""
    used = [status for status in Status
            if any(entry.status == status for entry in report.entries)]
    rows = [_summary_row(paper, used) for paper in report.papers]
    return (f"{_NEEDS}\\begin{{tabular}}{{l{'r' * (len(used) + 1)}}}\n\\toprule\n"
            f"source & statements & {' & '.join(used)} \\\\\n\\midrule\n"
            + "".join(rows) + "\\bottomrule\n\\end{tabular}\n")


def _summary_row(paper: Paper, statuses: Sequence[str]) -> str:
    counts = Counter(entry.status for entry in paper.entries)
    cells = [paper.name, len(paper.entries), *(counts[status] for status in statuses)]
    return " & ".join(map(str, cells)) + " \\\\\n"


def claim_table(paper: Paper) -> str:
    """The statements of a paper with source, verdict and tightness, as a long table."""
    head = "source & statement & verdict & tightness \\\\\n\\midrule\n"
    rows = "".join(_row(entry) for entry in paper.entries)
    return (f"{_NEEDS}\\begingroup\\footnotesize\\emergencystretch=3em\n"
            f"\\begin{{longtable}}{{{_COLUMNS}}}\n"
            f"\\caption{{Statements of {paper.name}: {paper.counts}.}}\\\\\n\\toprule\n"
            f"{head}\\endfirsthead\n\\toprule\n{head}\\endhead\n\\bottomrule\n\\endfoot\n"
            f"{rows}\\end{{longtable}}\n\\endgroup\n")


def _row(entry: Entry) -> str:
    source = to_latex(entry.claim.location)
    kind = "" if entry.kind == "derived" else f", {entry.kind}"
    return (f"{source}{kind} & {to_latex(entry.claim.statement)} & {entry.status} & "
            f"{entry.sharpness} \\\\\n")
