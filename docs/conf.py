"""How Sphinx builds the pages: ``sphinx-build -W -n docs pages``."""

import re
import sys
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

_project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))

project = "stabkit"
release = _project["project"]["version"]
copyright = "the authors of stabkit"
extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc", "from_the_program", "pictures",
              "notebooks"]

# Formulas are plain Unicode, in docstrings as here: they read in a terminal, and offline.
default_role = "literal"
nitpicky = True
# Of the standard library; its inventory would have to be fetched.
nitpick_ignore = [("py:class", name) for name in (
    "abc.ABC", "enum.Enum", "enum.StrEnum", "fractions.Fraction")]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# The types are in the docstrings, in words.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"stabkit {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_copyright = False
# Of the theme's own needs; their colours stand out from the ground for weak eyes, too.
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def keep_bars(app, what, name, obj, options, lines):
    """In a docstring |u| is a modulus, not a substitution; what stands in backticks stays."""
    for number, line in enumerate(lines):
        parts = re.split(r"(`[^`]*`)", line)
        lines[number] = "".join(part if part.startswith("`") else part.replace("|", r"\|")
                                for part in parts)


def made_reachable(app, pagename, templatename, context, doctree):
    """Say the level of the headings in the tree of pages, and let keys move long code."""
    for part in "body", "furo_navigation_tree":
        context[part] = (context.get(part) or "").replace(
            'role="heading">', 'role="heading" aria-level="2">').replace(
            "<pre>", '<pre tabindex="0">')


def without_aliases(app, what, name, obj, skip, options):
    """The fields of a named tuple stand in its docstring; by themselves they say nothing."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-skip-member", without_aliases)
    app.connect("html-page-context", made_reachable, priority=900)
    app.connect("autodoc-process-docstring", keep_bars, priority=900)
