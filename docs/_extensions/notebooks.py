"""Pages that are notebooks: a page of the one line ``{notebook} FILE`` shows cells and outputs.

What stands in the file is shown, nothing is run here; the tests run the notebooks.
"""

import base64
import json
import os
import re
from hashlib import sha256
from pathlib import Path

_PAGE = re.compile(r"\{notebook\} (\S+)\s*\Z")


def shown(app, docname, source):
    """Replace the line by the notebook in Markdown."""
    found = _PAGE.match(source[0])
    if found:
        page = Path(app.env.doc2path(docname))
        path = (page.parent / found[1]).resolve()
        app.env.note_dependency(str(path), docname=docname)
        cells = json.loads(path.read_text("utf-8"))["cells"]
        source[0] = "\n\n".join(part for cell in cells for part in as_markdown(app, page, cell))


def as_markdown(app, page, cell):
    """A cell and what it gave."""
    text = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield text
        return
    lines = [line for line in text.split("\n") if not line.startswith("%")]
    yield fenced("python", "\n".join(lines).strip())
    for output in cell["outputs"]:
        data = {kind: "".join(value) for kind, value in output.get("data", {}).items()}
        if "image/png" in data:
            yield f"![What the lines above draw]({picture(app, page, data['image/png'])})"
        elif "text/html" in data:
            yield fenced("{raw} html", data["text/html"])
        elif "text/plain" in data:
            yield fenced("text", data["text/plain"])


def picture(app, page, text):
    """The place of a picture, as the page sees it."""
    content = base64.b64decode(text)
    folder = Path(app.env.doctreedir) / "drawn"
    folder.mkdir(exist_ok=True)
    place = folder / f"{sha256(content).hexdigest()[:16]}.png"
    place.write_bytes(content)
    return Path(os.path.relpath(place, page.parent)).as_posix()


def fenced(language, text):
    return f"`````{language}\n{text}\n`````"


def setup(app):
    app.connect("source-read", shown)
    return {"parallel_read_safe": True}
