"""Write a report, whole or not at all; or compare a written one with what the program says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stabkit.aliases import Fields, Record
from stabkit.claims.claim import Claim
from stabkit.errors import InvalidArgument, InvalidEvidence
from stabkit.replay.reading import MAX_BYTES, read_text
from stabkit.report import benchmarks as speed
from stabkit.report import latex, markdown
from stabkit.report.contents import Contents, contents
from stabkit.report.figures import PICTURES, Picture, png, svg, verdict_map
from stabkit.report.output import check_replaceable, write_folder
from stabkit.report.page import page
from stabkit.report.verdict_file import as_text, check_form
from stabkit.user_files import content

VERDICTS, PAGE, OVERVIEW = "verdicts.json", "index.html", "README.md"
BENCHMARKS = "benchmarks.json"
FIGURES, TABLES = "figures", "tables"

#: What must not differ between a written verdict and a new one; inputs found may.
COMPARED = ("claim", "location", "reading", "status", "expected", "sharp", "configurations")

Files = dict[str, str | bytes]


def read_verdicts(path: str | Path) -> Record:
    """Read a verdict file, unpacked, and check its form.

    Raises
    ------
    InvalidArgument
        There is no such file.
    InvalidEvidence
        It is not a verdict file.
    """
    try:
        document = read_text(content(path, "verdict file", MAX_BYTES))
    except InvalidEvidence as error:
        raise InvalidEvidence(f"{path}: {error}") from error
    check_form(document, str(path))
    return document


def compose(document: Fields, claims: Mapping[str, Claim], *,
            pictures: Sequence[Picture] = PICTURES,
            benchmarks: speed.Benchmarks | None = None,
            on_file: Callable[[str], None] = lambda name: None) -> Files:
    """Return every file of a report by its path inside the folder.

    Parameters
    ----------
    document : mapping
        The verdict file.
    claims : mapping of str to Claim
        By name; every claim with a verdict must be among them.
    pictures : sequence of Picture
        A picture whose extra is not installed is left out.
    benchmarks : Benchmarks, optional
        Measured speeds, if they are to be told.
    on_file : callable
        Called with the name of each picture when it is drawn.
    """
    report = contents(document, claims, benchmarks)
    drawings: dict[str, str] = {}
    files: Files = {}
    chosen = [picture for picture in pictures if picture.available]
    for name, draw in (("verdict_map", lambda: verdict_map(document["verdicts"])),
                       *((picture.name, picture.draw) for picture in chosen)):
        figure = draw()
        drawings[name] = svg(figure, name)
        files[f"{FIGURES}/{name}.png"] = png(figure)
        on_file(name)
    return files | texts(report, drawings, chosen)


def texts(report: Contents, drawings: Mapping[str, str], pictures: Sequence[Picture]) -> Files:
    """Return the text files of a report, for given drawings."""
    files: Files = {VERDICTS: as_text(dict(report.document)),
                    PAGE: page(report, drawings, pictures),
                    OVERVIEW: markdown.overview(report, pictures),
                    f"{TABLES}/summary.tex": latex.summary_table(report)}
    if report.benchmarks is not None:
        files[BENCHMARKS] = speed.as_text(report.benchmarks)
    for paper in report.papers:
        files[f"{paper.name}.md"] = markdown.paper_page(paper, pictures)
        files[f"{TABLES}/{paper.name}.tex"] = latex.claim_table(paper)
    return files | {f"{FIGURES}/{name}.svg": text for name, text in drawings.items()}


def check_folder(folder: Path) -> None:
    """Raise InvalidArgument unless a report may be written to `folder`.

    An earlier report there is replaced; a folder that holds anything else is left alone.
    """
    check_replaceable(folder)
    if not folder.exists():
        return
    inside = {entry.name for entry in folder.iterdir()}
    if inside and not {VERDICTS, PAGE} <= inside:
        raise InvalidArgument(f"--output: {folder} holds other files than a report; give an empty "
                              "or a new folder")
    foreign = sorted(name for name in inside - {VERDICTS, PAGE, BENCHMARKS, FIGURES, TABLES}
                     if not name.endswith(".md"))
    if foreign:
        raise InvalidArgument(f"--output: {folder} also holds {foreign[0]}, which is no part of a "
                              "report; move it away first")


def write(folder: Path, files: Files) -> None:
    """Write a report; `folder` then holds all of it, or what it held before."""
    check_folder(folder)
    write_folder(folder, files)


def differences(folder: Path, verdicts: Sequence[Fields],
                claims: Mapping[str, Claim]) -> list[str]:
    """Say in what a written report differs from what the program says.

    Its verdicts are compared with new ones in what they say, not in timings, versions or the
    inputs that a search came upon; its texts with those that its own verdict file and pictures
    give.

    Parameters
    ----------
    folder : Path
    verdicts : sequence of mapping
        New verdicts, in their JSON form.
    claims : mapping of str to Claim

    Returns
    -------
    list of str
        One line per difference; empty if there is none.
    """
    written = read_verdicts(folder / VERDICTS)
    found = _changed_verdicts(written["verdicts"], verdicts)
    if any("no longer a claim" in line for line in found):
        return found
    drawings = {path.stem: path.read_text("utf-8")
                for path in sorted((folder / FIGURES).glob("*.svg"))}
    if "verdict_map" not in drawings:
        return [*found, f"{FIGURES}/verdict_map.svg: is missing"]
    pictures = [picture for picture in PICTURES if picture.name in drawings]
    told = speed.read(folder / BENCHMARKS) if (folder / BENCHMARKS).exists() else None
    expected = texts(contents(written, claims, told), drawings, pictures)
    for name, text in expected.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{name}: is missing")
        elif path.read_text("utf-8") != text:
            found.append(f"{name}: its text is not what the program writes")
    found += [f"{FIGURES}/{name}.png: is missing" for name in drawings
              if not (folder / FIGURES / f"{name}.png").is_file()]
    return found


def _changed_verdicts(written: Sequence[Fields], new: Sequence[Fields]
                      ) -> list[str]:
    before, after = ({verdict["claim"]: verdict for verdict in each} for each in (written, new))
    lines = [f"{name}: is no longer a claim" for name in before if name not in after]
    lines += [f"{name}: has no verdict in the report" for name in after if name not in before]
    for name in (name for name in before if name in after):
        for field in COMPARED:
            if before[name][field] != after[name][field]:
                lines.append(f"{name}: {field} was {before[name][field]}, is {after[name][field]}")
    return lines
