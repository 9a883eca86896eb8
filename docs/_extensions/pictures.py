"""The directive ``picture``: a short program, and the picture that its last line gives.

Its argument is the caption.  Every program stands alone: it can be copied into a notebook and shows
the same there.  It runs when the pages are built, so that no picture is behind the program.
"""

import ast
import os
import tempfile
from hashlib import sha256
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Picture(SphinxDirective):
    """Code, the figure that its last expression is, and a caption."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        code = "\n".join(self.content)
        listing = nodes.literal_block(code, code, language="python")
        figure = nodes.figure()
        figure += nodes.image(uri=self.drawn(code), alt=self.arguments[0])
        caption = nodes.caption()
        caption += self.parse_inline(self.arguments[0])[0]
        figure += caption
        return [listing, figure]

    def drawn(self, code):
        """The place of the drawing, as the page sees it; drawn if it is not there."""
        folder = Path(self.env.doctreedir) / "drawn"
        folder.mkdir(exist_ok=True)
        place = folder / f"{sha256(code.encode()).hexdigest()[:16]}.png"
        if not place.exists():
            figure_of(code).savefig(place, dpi=110, bbox_inches="tight")
        page = Path(self.env.doc2path(self.env.docname))
        return Path(os.path.relpath(place, page.parent)).as_posix()


def figure_of(code):
    """The figure that the last line of a program is, which may write files where it is run."""
    *body, last = ast.parse(code).body
    namespace, here = {"__name__": "picture"}, Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            exec(compile(ast.Module(body, []), "picture", "exec"), namespace)
            return eval(compile(ast.Expression(last.value), "picture", "eval"), namespace)
        finally:
            os.chdir(here)


def setup(app):
    app.add_directive("picture", Picture)
    return {"parallel_read_safe": True}
