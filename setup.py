"""What setuptools cannot be told in a file: the recorded verdicts go into the package.

``stabkit show`` answers from them at once.  They stand once in the repository, among the reports.
"""

from pathlib import Path
from shutil import copyfile

from setuptools import setup
from setuptools.command.build_py import build_py

RECORD = Path(__file__).parent / "reports" / "verdicts.json"


class WithRecord(build_py):
    """Copies the package, and the record into it; an editable install reads it where it lies."""

    def run(self):
        super().run()
        if RECORD.exists() and not self.editable_mode:
            copyfile(RECORD, Path(self.build_lib) / "stabkit" / "report" / RECORD.name)


setup(cmdclass={"build_py": WithRecord})
