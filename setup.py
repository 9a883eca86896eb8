"""What setuptools cannot be told in a file: two things that stand once, and are needed elsewhere.

The recorded verdicts, from which ``stabkit show`` answers at once, go from the reports into the
package.  The README, whose links are relative, gets whole ones for whoever reads it on an index.
"""

import re
import tomllib
from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
RECORD = HERE / "reports" / "verdicts.json"


class WithRecord(build_py):
    """Copies the package, and the record into it; an editable install reads it where it lies."""

    def run(self):
        super().run()
        if RECORD.exists() and not self.editable_mode:
            copyfile(RECORD, Path(self.build_lib) / "stabkit" / "report" / RECORD.name)


def readme():
    """The README with links that hold anywhere: of pictures to the file, of others to its page."""
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    home, version = project["urls"]["Repository"], project["version"]

    def whole(found):
        kind = "raw" if found[1] else "blob"
        return f"{found[1]}[{found[2]}]({home}/{kind}/v{version}/{found[3]})"

    text = (HERE / "README.md").read_text("utf-8")
    return re.sub(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)", whole, text)


setup(cmdclass={"build_py": WithRecord}, long_description=readme(),
      long_description_content_type="text/markdown")
