"""A report as one HTML page that needs nothing else: no network, no other file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from stabkit.notation import to_mathml
from stabkit.report.contents import Contents, in_words
from stabkit.report.figures import Picture, inline_svg
from stabkit.report.sketch import sketch
from stabkit.stability.verdict import Status


def page(report: Contents, drawings: Mapping[str, str], pictures: Sequence[Picture]) -> str:
    """Return the page.

    Parameters
    ----------
    report : Contents
    drawings : mapping of str to str
        The SVG text of each picture, and of ``verdict_map``.
    pictures : sequence of Picture
        Those that were drawn, in order.
    """
    environment = Environment(loader=PackageLoader("stabkit.report"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=False)
    environment.filters |= {
        "math": lambda text: Markup(to_mathml(text)),
        "inline_svg": lambda text: Markup(inline_svg(text)),
        "sketch": lambda item: Markup(sketch(item)),
        "in_words": in_words,
        "zip": zip,
    }
    css = resources.files(__package__).joinpath("templates/page.css").read_text("utf-8")
    present = {entry.status for entry in report.entries}
    statuses = [str(status) for status in Status if status in present]
    senses = sorted({entry.claim.notion for entry in report.entries})
    return environment.get_template("page.html").render(
        report=report, drawings=drawings, pictures=pictures, css=Markup(css),
        statuses=statuses, senses=list(zip(senses, senses, strict=True)),
        titles=[(paper.name, paper.title) for paper in report.papers]) + "\n"
