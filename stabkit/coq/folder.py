"""A folder that Coq checks with one command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from stabkit.coq.context import Data
from stabkit.coq.files import LIBRARY, MARK, comment, file, identifier, wrapped
from stabkit.coq.witnesses import EXACT, calculation
from stabkit.errors import InvalidArgument

#: What Coq and make leave beside a file.
MADE = (".vo", ".vok", ".vos", ".glob", ".aux", ".d", ".cache")
MAKEFILE = """\
# Written by stabkit export.  "make -j2" has Coq check all files; "make assumptions" prints what
# the theorems rest on beside their hypotheses.
COQC ?= coqc
THEOREMS = {stems}

all: $(THEOREMS:=.vo)

%.vo: %.v
\t$(COQC) -q $<

Lines.vo: Stabkit.vo
$(THEOREMS:=.vo): %.vo: %.v Lines.vo Exact.vo
\t$(COQC) -q $<

assumptions: all
\t$(COQC) -q Assumptions.v

clean:
\trm -f *.vo *.vok *.vos *.glob .*.aux

.PHONY: all assumptions clean
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
        stem, count = identifier(self.claim), len(self.proofs)
        return [stem] if count == 1 else [f"{stem}_part_{k}" for k in range(1, count + 1)]


@dataclass(frozen=True)
class Refuted:
    """A claim that is false, with the data of an exact witness in rational numbers."""

    claim: str
    says: str
    data: Data

    def text(self) -> str:
        """The file."""
        lines = [MARK, *comment(f"{self.claim} is false.  It says: {self.says}"),
                 *comment("Coq repeats the exact calculation of a witness; why it contradicts the "
                          f"claim: {self.data.get('by', 'its conditions say so')}"),
                 "", "Require Import Exact.", "",
                 *calculation(identifier(self.claim), self.data), ""]
        return "\n".join(short for line in lines for short in wrapped(line))

    def theorems(self) -> list[str]:
        """What is shown there."""
        return [identifier(self.claim)]


@dataclass
class Folder:
    """The texts of a folder's files by name, and the claims that could not be written, with why."""

    files: dict[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def folder(claims: Iterable[Shown | Refuted]) -> Folder:
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
    for library in (*LIBRARY, EXACT):
        made.files[library.name] = f"{MARK}\n{library.read_text('utf-8')}"
    made.files["Assumptions.v"] = "\n".join([
        MARK, *(f"Require Import {stem}." for stem in stems),
        *(f"Print Assumptions {name}." for name in theorems), ""])
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
