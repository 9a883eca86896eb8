"""Directives whose text comes from the program, so that it is never behind it.

``help``: the ``--help`` of every command.  ``names``: what ``from stabkit import`` gives.
``floors``: the rooms, highest first.  ``citation``: BibTeX from CITATION.cff.
"""

import inspect
import re
import tomllib
from importlib import import_module
from pathlib import Path

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

import stabkit
from stabkit.cli.commands import cli

#: A title for the names of each room, in the order of the page; other rooms come after them.
TITLES = {
    "decide": "Decide", "property": "Properties", "verdict": "Verdicts", "verify": "Verdicts",
    "replay": "Verdicts", "claim": "Claims", "audit": "Audits", "sharpness": "Bounds on the step",
    "notions": "Notions", "invariants": "Notions", "schemes": "Schemes", "operators": "Operators",
    "flux": "Fluxes", "fluxes": "Fluxes", "enclosure": "Enclosures", "errors": "Errors",
}
#: Values have no docstring.
VALUES = {
    "EUCLIDEAN": "the notion ‖u⁺‖ <= ‖u‖", "CONTRACTION": "the notion ‖u⁺ − w⁺‖ <= ‖u − w‖",
    "RANGE": "the notion min u <= u⁺ <= max u", "SIGN": "the notion: no more sign changes",
    "CONTRAST": "the notion: the largest jump does not grow",
    "VARIATION": "the notion: the total variation does not grow",
    "CYCLIC_SIGN": "the notion: no more sign changes around the circle",
    "MEAN": "the notion: the mean is kept",
    "CYCLIC_VARIATION": "the notion: the total variation around the circle does not grow",
    "EXTREMA": "the notion: no more local extrema than before",
    "POSITIVITY": "the notion: what is nonnegative stays so",
    "MAX_NORM": "the notion: the largest modulus does not grow",
    "POWER_BOUNDED": "the notion: all powers of a linear step are bounded",
    "REFLECTING": "differences across the ends are left out", "PERIODIC": "the ends are neighbours",
    "DIRICHLET": "zeros outside", "MIRRORED": "samples mirrored at the ends",
    "NATURAL": "only differences that need no outside",
}


def title_of(module):
    """The title for the deepest part of a module's name that has one."""
    return next((TITLES[part] for part in reversed(module.split(".")) if part in TITLES), module)


class Floors(SphinxDirective):
    """What the rooms are for, each by the first line of its docstring; a line per floor."""

    def run(self):
        text = (Path(self.env.srcdir).parent / "pyproject.toml").read_text("utf-8")
        lines = []
        for rooms in reversed(tomllib.loads(text)["tool"]["stabkit"]["floors"]):
            for number, room in enumerate(rooms):
                says = import_module(f"stabkit.{room}").__doc__.strip().split("\n")[0]
                lines.append(f"{' ' if number else '-'} {room:<13} {says}")
        return [nodes.literal_block("\n".join(lines), "\n".join(lines), language="text")]


class Citation(SphinxDirective):
    """How to cite the version that these pages are of."""

    def run(self):
        text = (Path(self.env.srcdir).parent / "CITATION.cff").read_text("utf-8")
        said = dict(re.findall(r'^(title|version|date-released|repository-code): "?(.*?)"?$', text,
                               re.MULTILINE))
        year = said["date-released"].partition("-")[0]
        entry = "\n".join([
            "@software{stabkit,", f"  title   = {{{said['title']}}},",
            "  author  = {{The stabkit developers}},", f"  version = {{{said['version']}}},",
            f"  year    = {{{year}}},", "  license = {MIT},", "}"])
        return [nodes.literal_block(entry, entry, language="bibtex")]


class Help(SphinxDirective):
    """The help of the program and of each of its commands."""

    def run(self):
        pages = [("stabkit", cli)] + [(f"stabkit {name}", command)
                                      for name, command in sorted(cli.commands.items())]
        return [self.section(name, command) for name, command in pages]

    def section(self, name, command):
        context = click.Context(command, info_name=name, **cli.context_settings)
        text = f"$ {name} --help\n{command.get_help(context)}"
        made = nodes.section(ids=[nodes.make_id(name)], names=[name])
        made += nodes.title(text=name)
        made += nodes.literal_block(text, text, language="console")
        return made


class Names(SphinxDirective):
    """The public names by room, each with the first sentence of its docstring."""

    def run(self):
        documented = self.documented()
        rooms = {}
        for name in stabkit.__all__:
            value = getattr(stabkit, name)
            module = value.__name__ if inspect.ismodule(value) else \
                getattr(value, "__module__", None) or type(value).__module__
            if name in VALUES:
                module = type(value).__module__
            title = title_of(module)
            rooms.setdefault(title, []).append((name, value, module))
        order = list(dict.fromkeys(TITLES.values()))
        made = []
        for title in sorted(rooms, key=lambda title: (title not in order, order.index(title)
                                                      if title in order else 0, title)):
            part = nodes.section(ids=[nodes.make_id(f"names-{title}")], names=[title])
            part += nodes.title(text=title)
            lines = []
            for name, value, module in rooms[title]:
                lines += [self.label(name, value, module, documented),
                          f"    {VALUES.get(name) or sentence(value)}"]
            self.state.nested_parse(StringList(self.as_rst(lines)), 0, part)
            made.append(part)
        return made

    def as_rst(self, lines):
        return ["```{eval-rst}", *lines, "```"]

    def label(self, name, value, module, documented):
        """The name, as a link where its room has a page."""
        if inspect.ismodule(value):
            return f":py:mod:`{name} <{module}>`"
        own = getattr(value, "__name__", name)
        for room in (module, module.rpartition(".")[0]):
            if name not in VALUES and room in documented and hasattr(import_module(room), own):
                return f":py:obj:`{name} <{room}.{own}>`"
        return f"``{name}``"

    def documented(self):
        """The modules that have a place in the reference."""
        folder = Path(self.env.srcdir) / "reference" / "api"
        return {found for page in folder.glob("*.md")
                for found in re.findall(r"automodule:: (\S+)", page.read_text("utf-8"))}


def sentence(value):
    """The first sentence of a docstring."""
    text = " ".join(inspect.getdoc(value).split("\n\n")[0].split())
    text = re.sub(r":\w+:`~?[\w.]*?(\w+)`", r"``\1``", text)
    return re.split(r"\.  |\. (?=[A-Z])", text)[0].rstrip(".").replace("|", r"\|")


def setup(app):
    app.add_directive("citation", Citation)
    app.add_directive("help", Help)
    app.add_directive("names", Names)
    app.add_directive("floors", Floors)
    return {"parallel_read_safe": True}
