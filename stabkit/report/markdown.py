"""A report as Markdown: one file per paper, and an overview."""

from __future__ import annotations

from collections.abc import Sequence

from stabkit.notation import to_plain
from stabkit.report.benchmarks import Benchmarks
from stabkit.report.contents import Contents, Entry, Paper
from stabkit.report.figures import Picture

_ADDRESS = "index.html"


def overview(report: Contents, pictures: Sequence[Picture]) -> str:
    """The overview: headline, map, findings, sources, pictures, how to check all of it."""
    lines = ["# What stabkit found", "", report.headline, "",
             "![The verdicts as a map: source by verdict](figures/verdict_map.svg)", "",
             f"The same with everything on one page: [{_ADDRESS}]({_ADDRESS}).", ""]
    if report.findings:
        lines += ["## Findings", ""]
        lines += [f"- **{finding.title}.** {to_plain(finding.text)}"
                  for finding in report.findings]
        lines.append("")
    lines += ["## Sources", "", "| source | statements | verdicts |", "| --- | --- | --- |"]
    lines += [f"| [{paper.title}]({paper.name}.md) | {len(paper.entries)} | {paper.counts} |"
              for paper in report.papers]
    lines += ["", "## Pictures", ""]
    for picture in pictures:
        lines += [f"### {picture.title}", "", f"![{picture.alt}](figures/{picture.name}.svg)", "",
                  to_plain(picture.caption), "",
                  f"`stabkit.report.figures.{picture.name}()`", ""]
    if report.benchmarks is not None:
        lines += _speed(report.benchmarks)
    lines += ["## Check it", "", "    stabkit replay verdicts.json    # the evidence",
              "    stabkit report --check           # that this report is what the program says",
              "", "Made with " + ", ".join(f"{key} {value}" for key, value in
                                           report.provenance.items()) + ".", ""]
    return "\n".join(lines)


def _speed(found: Benchmarks) -> list[str]:
    """Measured ratios as a table."""
    where = ", ".join(f"{name} {value}" for name, value in found.environment.items())
    lines = ["## Speed", "", f"How many times as fast as each peer, interleaved in one run; "
             f"spread: largest minus smallest time over the median.  {where}", "",
             "| job | peer | times as fast | goal | spread |", "| --- | --- | --: | --: | --: |"]
    lines += [f"| {_escape(row.job)} | {_escape(row.peer)} | {row.ratio:.3g} | "
              f"{'' if row.goal is None else f'{row.goal:g}'} | {row.spread:.0%} |"
              for row in found.rows]
    return [*lines, "", "`python -m benchmarks --json benchmarks.json` measures them anew.", ""]


def paper_page(paper: Paper, pictures: Sequence[Picture]) -> str:
    """One paper, or software: every statement with its source, verdict and evidence."""
    lines = [f"# {paper.title}", "", paper.citation, "", to_plain(paper.notation), "",
             f"{len(paper.entries)} statements: {paper.counts}.", ""]
    for group in paper.groups:
        lines += [f"## {group[0].short}", ""]
        for entry in group:
            lines += _entry(entry, pictures)
    return "\n".join(lines).rstrip() + "\n"


def _entry(entry: Entry, pictures: Sequence[Picture]) -> list[str]:
    mark = "" if entry.verdict.as_expected else f" (expected: {entry.verdict.expected})"
    word = f"{entry.status} {entry.verdict.reach}".strip()
    lines = [f"### {word}, {entry.kind}{mark}", "", f"`{entry.name}`", "",
             f"*{to_plain(entry.claim.location)}*", ""]
    if entry.claim.quote:
        lines += [f"> {entry.claim.quote}", ""]
    lines += [_escape(to_plain(entry.claim.statement)), "", entry.description, ""]
    for piece in entry.evidence:
        lines += [f"{piece['head']}:", "", "```text", piece["text"], "```", ""]
    lines += [f"Picture: [{picture.title}](figures/{picture.name}.svg)" for picture in pictures
              if entry.name in picture.claims]
    return [*lines, ""] if lines[-1] else lines


def _escape(text: str) -> str:
    # Else |x| opens a table and * emphasises, in some readers.
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")
