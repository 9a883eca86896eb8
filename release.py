"""Make a release, all but the upload.

    python release.py 0.2.0                  today's date
    python release.py 0.2.0 --dry-run        say what would be changed, change nothing

Writes version and date where they stand (pyproject.toml, CITATION.cff, CHANGELOG.md), builds the
source distribution and the wheel into dist/, checks both, runs tests from the unpacked sources, and
tries the wheel in a new environment and an empty folder.  What is left to do by hand is printed.
Needs the extra test, and ``pip install build twine``.
"""

import argparse
import datetime
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent
DIST = ROOT / "dist"
#: File, what stands there, and what is to stand there.
PLACES = (
    ("pyproject.toml", r'(?m)^version = ".*"$', 'version = "{version}"'),
    ("CITATION.cff", r'(?m)^version: .*$', 'version: "{version}"'),
    ("CITATION.cff", r'(?m)^date-released: .*$', 'date-released: "{date}"'),
    ("CHANGELOG.md", r"(?m)\A# Changelog\n\n## (?:Unreleased|.* \(unreleased\)|{version} .*)$",
     "# Changelog\n\n## {version} ({date})"),
)
#: Tests that run from the sources alone, in a minute.
QUICK = ("tests/replay/test_replay.py", "tests/notation", "tests/test_structure.py")
TRIED = ("stabkit --version", "stabkit doctor", "stabkit show alt2021.euclidean_stability",
         "stabkit verify alt2020.mean_is_preserved --json v.json", "stabkit replay v.json")


def marked(version, date):
    """The files with their version and date written, by name.

    Raises
    ------
    SystemExit
        If one has no place for them.
    """
    texts = {}
    for name, pattern, replacement in PLACES:
        text = texts.get(name) or (ROOT / name).read_text("utf-8")
        pattern = pattern.replace("{version}", re.escape(version))
        new, count = re.subn(pattern, replacement.format(version=version, date=date), text)
        if count != 1:
            raise SystemExit(f"{name}: has {count} places like {pattern}, needs one")
        texts[name] = new
    return texts


def run(*command, cwd=ROOT):
    print("+", *command, flush=True)
    subprocess.run(list(map(str, command)), cwd=cwd, check=True)


def build():
    """The source distribution and the wheel, built from nothing and checked."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST, ROOT)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.iterdir()))
    (source,), (wheel,) = DIST.glob("*.tar.gz"), DIST.glob("*.whl")
    return source, wheel


def try_sources(source, folder):
    """Some tests from the unpacked source distribution, with what is installed here."""
    with tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
    unpacked, = folder.iterdir()
    run(sys.executable, "-m", "pytest", "-q", "-n", "0", *QUICK, cwd=unpacked)


def try_wheel(wheel, folder):
    """The program from the wheel, in a new environment and where nothing else lies."""
    venv.create(folder / "new", with_pip=True)
    programs = folder / "new" / ("Scripts" if sys.platform == "win32" else "bin")
    run(programs / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    empty = folder / "empty"
    empty.mkdir()
    for command in TRIED:
        name, *rest = command.split()
        run(programs / name, *rest, cwd=empty)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("version", help="such as 0.2.0")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="YYYY-MM-DD")
    parser.add_argument("--dry-run", action="store_true", help="change and build nothing")
    options = parser.parse_args()
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", options.version):
        raise SystemExit(f"version: must be like 0.2.0 or 0.2.0rc1, got {options.version!r}")
    datetime.date.fromisoformat(options.date)
    texts = marked(options.version, options.date)
    if options.dry_run:
        print("would change", *texts)
        return
    for name, text in texts.items():
        (ROOT / name).write_text(text, "utf-8", newline="\n")
    source, wheel = build()
    with tempfile.TemporaryDirectory() as folder:
        for name in "sources", "wheel":
            (Path(folder) / name).mkdir()
        try_sources(source, Path(folder) / "sources")
        try_wheel(wheel, Path(folder) / "wheel")
    print(f"""
{source.name} and {wheel.name} are in dist/.  Left to do by hand:
  git commit -am "Version {options.version}" && git tag v{options.version}
  git push --follow-tags
  {sys.executable} -m twine upload dist/*""")


if __name__ == "__main__":
    main()
