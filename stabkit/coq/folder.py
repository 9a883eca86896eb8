"""A folder that Coq checks with one command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from stabkit.coq.calculations import EXACT, calculation
from stabkit.coq.context import Data
from stabkit.coq.files import FLUXES, LIBRARY, MARK, comment, file, identifier, wrap
from stabkit.errors import InvalidArgument

#: What Coq and make leave beside a file.
MADE = (".vo", ".vok", ".vos", ".glob", ".aux", ".d", ".cache")
MAKEFILE = """\
# Written by stabkit export.  "make -j2" has Coq check all files; "make assumptions" prints what
# the theorems rest on beside their hypotheses; "make fluxes" checks facts about fluxes, and needs
# the package Interval as well (Debian's libcoq-interval).
COQC ?= coqc
THEOREMS = {stems}

all: $(THEOREMS:=.vo)

%.vo: %.v
\t$(COQC) -q $<

Lines.vo: Stabkit.vo
Rings.vo: Lines.vo
Fluxes.vo: Stabkit.vo
Definite.vo: Exact.vo
$(THEOREMS:=.vo): %.vo: %.v Rings.vo Definite.vo
\t$(COQC) -q $<

assumptions: all
\t$(COQC) -q Assumptions.v

fluxes: Fluxes.vo

clean:
\trm -f *.vo *.vok *.vos *.glob .*.aux

.PHONY: all assumptions fluxes clean
"""


@dataclass(frozen=True)
class Shown:
    """What a claim says of all members of its classes: statements with their proofs."""

    claim: str
    says: str
    proofs: tuple[tuple[Data, Data], ...]

    def text(self) -> str:
        """The file."""
        return file(self.claim, self.says, self.proofs)

    def theorems(self) -> list[str]:
        """What is shown there."""
        return _theorem_names(self.claim, len(self.proofs))


@dataclass(frozen=True)
class Calculated:
    """A claim that is false, or that holds of listed configurations, by calculations.

    Attributes
    ----------
    calculations : tuple of pairs
        A configuration in words, or "", and the data of evidence in rational numbers.
    """

    claim: str
    says: str
    calculations: tuple[tuple[str, Data], ...]
    holds: bool = False

    def text(self) -> str:
        """The file."""
        what = "holds of what is listed here" if self.holds else "is false"
        lines = [MARK, *comment(f"{self.claim} {what}.  It says: {self.says}"), "",
                 "Require Import Exact Definite."]
        for name, (where, data) in zip(self.theorems(), self.calculations, strict=True):
            why = data.get("by", "its conditions say so")
            lines += ["", *(comment(where) if where else []), *comment(
                "Coq repeats an exact calculation; why it decides the claim: " + why),
                *calculation(name, data)]
        return "\n".join(short for line in [*lines, ""] for short in wrap(line))

    def theorems(self) -> list[str]:
        """What is shown there."""
        return _theorem_names(self.claim, len(self.calculations))


def _theorem_names(claim: str, count: int) -> list[str]:
    """The names of a claim's theorems."""
    stem = identifier(claim)
    return [stem] if count == 1 else [f"{stem}_part_{k}" for k in range(1, count + 1)]


@dataclass
class Folder:
    """The texts of a folder's files by name, and the claims that could not be written, with why."""

    files: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def folder(claims: Iterable[Shown | Calculated]) -> Folder:
    """A file for each claim, what they need, and a Makefile.

    A claim of which some part cannot be written is left out as a whole.
    """
    made, theorems = Folder(), []
    for shown in claims:
        stem = identifier(shown.claim)
        try:
            made.files[f"{stem}.v"] = shown.text()
        except InvalidArgument as error:
            made.left_out[shown.claim] = str(error)
            continue
        made.claims[shown.claim] = f"{stem}.v"
        theorems += shown.theorems()
    stems = [name.removesuffix(".v") for name in made.claims.values()]
    for library in (*LIBRARY, *EXACT, FLUXES):
        made.files[library.name] = f"{MARK}\n{library.read_text('utf-8')}"
    made.files["Assumptions.v"] = "\n".join([
        MARK, *(f"Require Import {stem}." for stem in ["Definite", *stems]),
        *(f"Print Assumptions {name}." for name in ["psd_ok", "pd_ok", *theorems]), ""])
    made.files["Makefile"] = MAKEFILE.format(stems=" ".join(stems))
    return made


def foreign(place: Path) -> str | None:
    """A file in a folder that is neither one of these nor made of them by Coq; or None."""
    for path in sorted(place.iterdir()):
        if path.suffix in MADE:
            continue
        mark = MAKEFILE.partition(".")[0] if path.name == "Makefile" else MARK
        try:
            own = path.is_file() and path.read_text("utf-8").startswith(mark)
        except (OSError, UnicodeDecodeError):
            own = False
        if not own:
            return path.name
    return None
