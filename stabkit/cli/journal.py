"""What a run has decided, written down as it comes, so that a cut run can go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from stabkit.aliases import Fields, Record
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.replay import read, seal_of
from stabkit.report.environment import version
from stabkit.report.output import new_beside
from stabkit.stability.verdict import Verdict
from stabkit.user_files import content

LARGEST = 1 << 28  # bytes of a journal


class Journal:
    """A file beside the target: what the run was asked, then one verdict per line, sealed.

    Every line is on the disk before the next claim's verdict is awaited.  A line that is torn, as
    the last one of a run that was killed, or was changed does not count: its claim is decided anew.
    """

    def __init__(self, target: str | Path, asked: Fields):
        self.path = path_of(target)
        self._asked = dict(asked)
        self._stream: TextIO | None = None

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._stream is not None:
            with suppress(OSError):  # that not all could be written was told
                self._stream.close()

    def start(self, known: Iterable[Verdict] = ()) -> None:
        """Begin anew, with the verdicts that are known.

        At every moment they are on the disk, in the old file or the new one.
        """
        lines = [self._asked, *map(_line, known)]
        try:
            handle, trial = new_beside(self.path)
            try:
                self._stream = open(handle, "w", encoding="utf-8")  # noqa: SIM115, closed at exit
                self._write(*lines)
                os.replace(trial, self.path)  # and a link or a pipe of this name is not followed
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(trial)
        except OSError as error:
            raise InvalidArgument(f"--json: cannot write {self.path}: {error.strerror}") from error

    def note(self, verdict: Verdict) -> None:
        """Add a verdict."""
        try:
            self._write(_line(verdict))
        except OSError as error:
            raise InvalidArgument(f"--json: cannot write {self.path}: {error.strerror}") from error

    def remove(self) -> None:
        """Remove the file: the target has everything."""
        if self._stream is not None:
            self._stream.close()
        self.path.unlink(missing_ok=True)

    def _write(self, *entries: Fields) -> None:
        if self._stream is None:
            return
        self._stream.writelines(f"{json.dumps(entry, ensure_ascii=False)}\n" for entry in entries)
        self._stream.flush()
        os.fsync(self._stream.fileno())


def path_of(target: str | Path) -> Path:
    """Return where the journal of a target lies."""
    return Path(f"{os.path.realpath(target)}.journal")


def question_of(options: Fields, own: str | None, recordings: Sequence[str]) -> Record:
    """Return what decides about the verdicts of a run: options and sources, by their digests."""
    digest = sha256()
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    for file in [*files, *map(Path, [own] if own else []), *map(Path, recordings)]:
        digest.update(file.read_bytes())
    return {"stabkit": version(), **options, "sources": digest.hexdigest()}


def resume_from(source: str, wanted: Fields, claims: Iterable[Any]) -> list[Verdict]:
    """Return the verdicts that the journal of a file holds; none if there is no journal.

    A file without one is complete, and does not tell of which programs and claims: none is taken.

    Raises
    ------
    InvalidArgument
        If they are of a run that was asked something else, or cannot be read.
    """
    found: dict[str, Record] = {}
    journal = path_of(source)
    if Path(source).is_file():
        _compare(read(source), {key: wanted[key] for key in ("stabkit", "seed", "budget")}, source)
    if journal.is_file():
        text = content(journal, "--resume", LARGEST).decode("utf-8", "replace")
        head, *lines = text.split("\n")[:-1] or ["{}"]
        try:
            asked = {**json.loads(head)}
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgument(f"--resume: {journal} is damaged") from error
        _compare(asked, wanted, str(journal))
        found |= {fields["claim"]: fields for fields in map(_as_written, lines) if fields}
    names = {claim.name for claim in claims}
    try:
        return [Verdict.from_json(fields) for name, fields in found.items() if name in names]
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidArgument(f"--resume: {source} or its journal is damaged") from error


def _line(verdict: Verdict) -> Record:
    fields = verdict.to_json()
    return {**fields, "seal": seal_of(fields)}


def _as_written(line: str) -> Record | None:
    """The verdict on a line, or None where its seal is broken."""
    try:
        fields = json.loads(line)
        return fields if fields["seal"] == seal_of(fields) else None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, InvalidEvidence):
        return None


def _compare(found: Fields, wanted: Fields, source: str) -> None:
    for key, value in wanted.items():
        if found.get(key) != value:
            what = "programs or claims" if key == "sources" else f"{key} {value}"
            other = "others" if key == "sources" else found.get(key)
            raise InvalidArgument(f"--resume: {source} is of a run with {other}, this one has "
                                  f"{what}; repeat its options, or start anew without --resume")
