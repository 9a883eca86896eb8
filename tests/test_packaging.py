"""What is packed: the version in one voice, links that hold anywhere, all files in the sources."""

import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_citation_has_the_version_and_a_date():
    said = dict(re.findall(r'^([\w-]+): "?([^"\n]*)"?$', (ROOT / "CITATION.cff").read_text("utf-8"),
                           re.MULTILINE))
    assert said["version"] == PROJECT["version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", said["date-released"])
    assert said["repository-code"] == PROJECT["urls"]["Repository"]


@pytest.mark.slow
def test_links_of_the_readme_are_whole_for_whoever_reads_it_elsewhere():
    """On an index nothing lies beside the README: no link of it is relative there."""
    done = subprocess.run([sys.executable, "-c", (  # setuptools comes first in a process, or not
        "import runpy, setuptools\n"
        "setuptools.setup = lambda **said: print(said['long_description'])\n"
        "runpy.run_path('setup.py')")], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONUTF8": "1"})
    links = re.findall(r"\]\(([^)]+)\)", done.stdout)
    assert links and all(re.match(r"https?://|#", link) for link in links)
    picture = re.search(r"!\[[^\]]*\]\(([^)]+)\)", done.stdout)[1]
    version = PROJECT["version"]
    home, _, path = picture.partition(f"/raw/v{version}/")
    assert home == PROJECT["urls"]["Repository"] and (ROOT / path).is_file()


def test_the_manifest_names_all_that_a_clone_holds():
    """But the package, which goes in by itself; so that the tests run from the sources."""
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        pytest.skip("this is no clone")
    manifest = (ROOT / "MANIFEST.in").read_text("utf-8")
    known = {"stabkit", "pytest_stabkit.py", "pyproject.toml", "setup.py", "setup.cfg", "README.md",
             "LICENSE", "MANIFEST.in", *re.findall(r"\S+", manifest)}
    assert {path.partition("/")[0] for path in done.stdout.split()} <= known


def test_a_release_finds_its_places():
    """Version and date are written once each into the three files; other words stay."""
    release = runpy.run_path(str(ROOT / "release.py"))
    texts = release["marked"]("9.8.7", "2030-01-02")
    assert sorted(texts) == ["CHANGELOG.md", "CITATION.cff", "pyproject.toml"]
    for name, text in texts.items():
        old = (ROOT / name).read_text("utf-8").splitlines()
        changed = [line for line in text.splitlines() if line not in old]
        assert 1 <= len(changed) <= 2 and all(
            "9.8.7" in line or "2030-01-02" in line for line in changed)
    assert tomllib.loads(texts["pyproject.toml"])["project"]["version"] == "9.8.7"
