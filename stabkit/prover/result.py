"""What a search for a proof gives: a proof, a witness against the statement, or why neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from os import PathLike
from pathlib import Path

from stabkit.aliases import Record
from stabkit.errors import InvalidArgument
from stabkit.proof import explain, reach
from stabkit.replay.seals import seal
from stabkit.report.explain import evidence_text
from stabkit.report.verdict_file import as_text, document
from stabkit.stability.verdict import PROVED, REFUTED, UNDECIDED, Evidence, Status, Verdict


@dataclass(frozen=True)
class Proof:
    """The outcome of :func:`stabkit.prove`; printed, it shows the proof line by line.

    Attributes
    ----------
    statements : tuple of dict
        What was asked, as the kernel reads it.
    proofs : tuple of dict or None
        For each the proof that the kernel accepts, if one was found.
    reason : str
        Why there is none.
    value : float or None
        The largest |after|²/|before|² that the multipliers leave open, by a solver in floating
        point; it decides nothing.
    witness : Evidence or None
        Exact members of the classes and signals against the statement, confirmed by the checker.
    step : Fraction or None
        Of a search for the sharp step: the largest one that is proved.
    refuted_from : Fraction or None
        Of the same: a step near it that a witness refutes.
    seconds : float
    """

    statements: tuple[Record, ...]
    proofs: tuple[Record | None, ...]
    reason: str = ""
    value: float | None = None
    witness: Evidence | None = None
    step: Fraction | None = None
    refuted_from: Fraction | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def proved(self) -> bool:
        """Whether there is a proof of every statement."""
        return bool(self.proofs) and all(proof is not None for proof in self.proofs)

    @property
    def status(self) -> Status:
        """"proved", "refuted" or "undecided"; that a search fails refutes nothing."""
        return PROVED if self.proved else REFUTED if self.witness is not None and \
            self.step is None else UNDECIDED

    @property
    def proof(self) -> Record | None:
        """The data that ``stabkit.proof.check`` takes, if one statement was asked and is proved."""
        return {"statement": self.statements[0], "proof": self.proofs[0]} \
            if self.proved and len(self.proofs) == 1 else None

    def __str__(self) -> str:
        lines = []
        if self.step is not None:
            lines.append(f"proved up to {self.step}" + (
                f", refuted from {self.refuted_from} by an exact witness"
                if self.refuted_from is not None else
                "; what is beyond is open: no witness was found, and the multipliers may be too few"
            ))
        if self.proved:
            lines += [f"proved for all {reach(statement)}\n{explain(statement, proof)}"
                      for statement, proof in zip(self.statements, self.proofs, strict=True)]
        if self.witness is not None and not self.proved:
            lines.append("refuted:\n" + evidence_text(self.witness.to_json({})))
        return "\n".join([*lines, *filter(None, [self.reason])])

    def save(self, file: str | PathLike, name: str = "proof") -> None:
        """Write a verdict file, which ``stabkit replay`` checks.

        Parameters
        ----------
        file : path
        name : str
            What the statement is called there.

        Raises
        ------
        InvalidArgument
            If there is neither a proof nor a witness, or the file cannot be written.
        """
        if self.status is UNDECIDED:
            raise InvalidArgument("save: there is neither a proof nor a witness to be saved")
        text = as_text(document([self._verdict(name)], seed=0, budget=1.0))
        try:
            Path(file).write_text(text, "utf-8")
        except OSError as error:
            raise InvalidArgument(f"file: cannot write {file}: {error.strerror or error}") from None

    def _verdict(self, name: str) -> Record:
        evidence = [Evidence("proof", "rational", {"statement": statement, "proof": proof})
                    for statement, proof in zip(self.statements, self.proofs, strict=True)] \
            if self.proved else [self.witness] if self.witness is not None else []
        verdict = Verdict(name, "derived from a function", "corrected", self.status, self.status,
                          True, 0 if self.proved else 1, 0, None, None, None,
                          tuple(item.to_json({}) for item in evidence),
                          scope="for all" if self.proved else None)
        fields = verdict.to_json()
        for item in fields["evidence"]:
            item["data"] = {**item["data"], "seal": seal(fields, item)}
        return fields
