"""What a report says, before it becomes HTML, Markdown or LaTeX."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stabkit.aliases import Fields, Record
from stabkit.claims.claim import SOFTWARE, Claim, room
from stabkit.errors import InvalidEvidence
from stabkit.replay.seals import without
from stabkit.report.benchmarks import Benchmarks
from stabkit.report.explain import describe, evidence_text, glossary
from stabkit.report.findings import Finding, findings_that_stand
from stabkit.stability.verdict import Status, Verdict

#: Pieces of evidence written out per claim; all of them are in the verdict file.
SHOWN = 2
_LONGEST = 4000  # characters of one piece of evidence


@dataclass(frozen=True)
class Entry:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict

    @property
    def name(self) -> str:
        return self.claim.name

    @property
    def short(self) -> str:
        return in_words(self.claim.name)

    @property
    def extent(self) -> str:
        """"all" if it is proved for all, "listed" if on listed configurations, else nothing."""
        if self.status != Status.PROVED:
            return ""
        return "all" if self.verdict.scope == "for all" else "listed"

    @property
    def kind(self) -> str:
        """What :attr:`stabkit.claims.claim.Claim.kind` says."""
        return self.claim.kind

    @property
    def status(self) -> str:
        return str(self.verdict.status)

    @property
    def description(self) -> str:
        return describe(self.verdict)

    @property
    def evidence(self) -> list[Record]:
        """The pieces of evidence that are written out: head, text and item."""
        items = self.verdict.evidence
        return [{"head": f"{item['kind']} {number} of {len(items)}, {item['arithmetic']} "
                         "arithmetic", "text": _show(item), "item": item}
                for number, item in enumerate(items[:SHOWN], start=1)]

    @property
    def words(self) -> list[str]:
        """What the less usual words in the evidence that is written out mean."""
        return glossary(self.verdict.evidence[:SHOWN])

    @property
    def left_out(self) -> int:
        """How many pieces of evidence are not written out."""
        return max(0, len(self.verdict.evidence) - SHOWN)

    @property
    def replay(self) -> str:
        """What to type to decide it anew and to re-check the evidence."""
        return f"stabkit verify {self.name} --json verdict.json\nstabkit replay verdict.json"

    @property
    def sharpness(self) -> str:
        """The tightness, or whether the bound is sharp, in a word."""
        if self.verdict.tightness is not None:
            return f"{self.verdict.tightness:.3f}"
        return {None: "", True: "sharp", False: "not sharp"}[self.verdict.sharp]


@dataclass(frozen=True)
class Block:
    """Some statements of a source as tiles of the map: those as printed, or the others."""

    title: str
    entries: tuple[Entry, ...]

    @property
    def counts(self) -> str:
        return count_statuses(entry.status for entry in self.entries)


@dataclass(frozen=True)
class Paper:
    """A paper, or public software, with its statements; one and its correction form a group."""

    name: str
    citation: str
    notation: str
    groups: tuple[tuple[Entry, ...], ...]

    @property
    def title(self) -> str:
        return "Public software" if self.name == SOFTWARE else self.name

    @property
    def entries(self) -> list[Entry]:
        return [entry for group in self.groups for entry in group]

    @property
    def counts(self) -> str:
        return count_statuses(entry.status for entry in self.entries)

    @property
    def blocks(self) -> tuple[Block, Block]:
        """What is printed and what is not, each sorted by verdict."""
        ordered = sorted(self.entries, key=lambda entry: list(Status).index(Status(entry.status)))
        printed = tuple(entry for entry in ordered if entry.claim.reading == "printed")
        others = tuple(entry for entry in ordered if entry.claim.reading != "printed")
        said = "as documented" if self.name == SOFTWARE else "as printed"
        return Block(said, printed), Block("corrected or derived", others)


@dataclass(frozen=True)
class Contents:
    """All of a report but its pictures.

    Attributes
    ----------
    document : mapping
        The verdict file.
    papers : tuple of Paper
    findings : tuple of Finding
    benchmarks : Benchmarks or None
    """

    document: Fields
    papers: tuple[Paper, ...]
    findings: tuple[Finding, ...]
    benchmarks: Benchmarks | None = None

    @property
    def entries(self) -> list[Entry]:
        return [entry for paper in self.papers for entry in paper.entries]

    @property
    def headline(self) -> str:
        """What was verified, in one sentence."""
        papers = sum(paper.name != SOFTWARE for paper in self.papers)
        sources = [f"{papers} paper" + "s" * (papers > 1)] * (papers > 0) + \
            ["public software"] * (papers < len(self.papers))
        named = " and ".join(sources)
        decided = count_statuses(e.status for e in self.entries if e.status in ("proved",
                                                                                "refuted"))
        others = count_statuses(e.status for e in self.entries if e.status not in ("proved",
                                                                                   "refuted"))
        there = sum(entry.claim.reading == "printed" for entry in self.entries)
        return (f"{len(self.entries)} statements on {named}, {there} as printed or documented and "
                f"{len(self.entries) - there} corrected or derived: "
                f"{decided or 'none decided'}, each with exact evidence"
                f"{'; ' + others if others else ''}.")

    @property
    def has_software(self) -> bool:
        return any(paper.name == SOFTWARE for paper in self.papers)

    @property
    def surprises(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.verdict.as_expected]

    @property
    def provenance(self) -> dict[str, str]:
        """Seed, versions and time."""
        environment = self.document["environment"]
        packages = environment.get("packages") or {}
        found = {"seed": str(self.document["seed"]),
                 "search budget": f"{self.document['budget']:g} s",
                 "stabkit": str(self.document["stabkit"]),
                 "Python": str(environment.get("python", "unknown")),
                 "system": str(environment.get("system", "unknown"))}
        if "seconds" in environment:
            found["time to decide"] = f"{environment['seconds']:.0f} s"
        found |= {name: version for name, version in packages.items()
                  if name in ("numpy", "python-flint", "scipy") and version}
        return found


def in_words(claim: str) -> str:
    """The name of a claim after the source's, in words."""
    return claim.partition(".")[2].replace("_", " ")


def count_statuses(statuses: Any) -> str:
    """Statuses with their numbers, such as "3 proved, 1 refuted"."""
    counts = Counter(statuses)
    return ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])


def contents(document: Fields, claims: Mapping[str, Claim],
             benchmarks: Benchmarks | None = None) -> Contents:
    """Lay out the verdicts of a file beside the claims they belong to.

    Raises
    ------
    InvalidEvidence
        A verdict belongs to no claim, or there is none.
    """
    entries = []
    for fields in document["verdicts"]:
        if fields["claim"] not in claims:
            raise InvalidEvidence(f"verdict file: {fields['claim']} is no built-in claim; make the "
                                  "file anew with 'stabkit verify --json'")
        entries.append(Entry(claims[fields["claim"]], Verdict(
            **{**without(fields, "seal"), "evidence": tuple(fields["evidence"])})))
    if not entries:
        raise InvalidEvidence("verdict file: it holds no verdicts, so there is nothing to report")
    names = list(dict.fromkeys(entry.claim.paper for entry in entries))
    papers = tuple(_paper(name, [e for e in entries if e.claim.paper == name]) for name in names)
    statuses = {entry.name: entry.status for entry in entries}
    return Contents(document, papers, tuple(findings_that_stand(statuses)), benchmarks)


def _paper(name: str, entries: Sequence[Entry]) -> Paper:
    first, _, rest = (inspect.getdoc(room(name)) or name).partition("\n\n")
    by_name = {entry.name: entry for entry in entries}
    groups = []
    for entry in entries:
        if entry.name.removesuffix("_corrected") in by_name and entry.kind == "corrected" and \
                entry.name != entry.name.removesuffix("_corrected"):
            continue
        twin = by_name.get(f"{entry.name}_corrected")
        groups.append((entry,) if twin is None else (entry, twin))
    citation = " ".join(first.split()).removeprefix(f"{name}: ")
    return Paper(name, citation, " ".join(rest.split()), tuple(groups))


def _show(item: Fields) -> str:
    """The text of a piece of evidence; in a proof, a program is to be copied as a whole."""
    text = evidence_text(item)
    if len(text) <= _LONGEST or item["kind"] == "proof":
        return text
    half = _LONGEST // 2
    start, end = text[:half].rpartition("\n")[0], text[-half:].partition("\n")[2]
    left_out = text.count("\n") - start.count("\n") - end.count("\n") - 1
    return f"{start}\n           … {left_out} lines; they are in verdicts.json …\n{end}"
