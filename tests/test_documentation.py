"""What the README, the pages in docs/ and the docstrings say is run, and the site is built.

A block of Python is run, in one namespace per page; a block of text right after it is what it
prints.  With a caption it is a file, and one of tests is run.  In a block of the language console
the lines after ``$ stabkit ...`` are what the command prints.  ``...`` in an output stands for
anything.
"""

import doctest
import importlib
import io
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import pytest

import stabkit
from stabkit.cli import main
from stabkit.cli.commands import cli

PACKAGE = Path(stabkit.__file__).parent
TREE = Path(__file__).parent.parent
PAGES = [TREE / "README.md", TREE / "CONTRIBUTING.md", *sorted((TREE / "docs").rglob("*.md"))]
#: Seconds rather than milliseconds, as they decide much.
SLOW = {"docs/howto/test_with_assert_stable.md", "docs/tutorial/first_verdict.md",
        "docs/howto/bring_your_own_step.md", "docs/howto/audit_a_network.md",
        "docs/howto/audit_pytorch.md", "docs/howto/check_image_filters.md",
        "docs/howto/find_a_proof.md", "docs/explanation/discoveries.md",
        "docs/howto/train_a_network.md"}
#: Packages of an extra that a page is about.
NEEDS = {"docs/howto/train_a_network.md": ("torch", "onnxscript")}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text("utf-8"))

_FENCE = re.compile(r"^(?P<fence>`{3,}|:{3,})(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=fence) *$",
                    re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", re.MULTILINE)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    language: str
    body: str
    line: int
    caption: str | None
    adjoins: bool  # nothing stands between it and the block before


def blocks(text):
    """The fenced blocks of a page, in order."""
    end = 0
    for match in _FENCE.finditer(text):
        info, body, caption = match["info"].strip(), match["body"], None
        if info.startswith("{code-block}"):
            info = info.removeprefix("{code-block}").strip()
            if found := re.match(r":caption: (\S+)\n\n?", body):
                caption, body = found[1], body[found.end():]
        yield Block(info, body, text.count("\n", 0, match.start()) + 1, caption,
                    not text[end:match.start()].strip())
        end = match.end()


def prints(wanted, got):
    """The difference between what a page says and what is printed; empty if there is none."""
    checker = doctest.OutputChecker()
    if checker.check_output(wanted, got, _FLAGS):
        return ""
    return checker.output_difference(doctest.Example("", wanted), got, 0)


def run_python(block, page, namespace):
    code = compile("\n" * block.line + block.body, str(page), "exec")
    with redirect_stdout(io.StringIO()) as output:
        exec(code, namespace)
    return output.getvalue()


def run_command(command):
    program, *arguments = shlex.split(command, comments=True)
    assert program == "stabkit", f"only stabkit is run, not {command}"
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(output):
        main(arguments)
    return output.getvalue()


def run_tests(name):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", name], text=True, check=False,
                          capture_output=True, env={"PYTHONPATH": str(PACKAGE.parent)})
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("page", [
    pytest.param(path, id=str(path.relative_to(TREE)),
                 marks=[pytest.mark.slow] * (str(path.relative_to(TREE)) in SLOW))
    for path in PAGES])
def test_what_a_page_shows_is_what_happens(page, tmp_path, monkeypatch):
    for package in NEEDS.get(str(page.relative_to(TREE)), ()):
        pytest.importorskip(package, reason="the page is about it")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    namespace, printed = {"__name__": "page"}, None
    for block in blocks(page.read_text("utf-8")):
        where = f"{page.relative_to(TREE)}:{block.line}"
        if block.caption:
            Path(block.caption).write_text(block.body, "utf-8")
            if block.caption.startswith("test_"):
                run_tests(block.caption)
        elif block.language == "python":
            if "import torch" in block.body:  # an extra, and what its exporter needs
                pytest.importorskip("torch")
                pytest.importorskip("onnxscript")
            printed = run_python(block, page, namespace)
            continue
        elif block.language == "text" and block.adjoins and printed is not None:
            assert not (difference := prints(block.body, printed)), f"{where}\n{difference}"
        elif block.language == "console":
            for command, wanted in _COMMAND.findall(block.body):
                difference = prints(wanted, run_command(command))
                assert not difference, f"{where}: {command}\n{difference}"
        printed = None


def test_every_block_says_what_it_is():
    """So that none is passed over: what is not run is marked as text, or as lines for a shell."""
    known = {"python", "text", "console", "sh", "json", "toml", "ini"}
    strange = [f"{page.relative_to(TREE)}:{block.line}: {block.language!r}"
               for page in PAGES for block in blocks(page.read_text("utf-8"))
               if block.language not in known and not block.language.startswith("{")]
    assert strange == []


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[pytest.mark.slow] * name.startswith("stabkit.torch"))  # it loads
    for name in MODULES])
def test_the_examples_of_docstrings_hold(name):
    if name.startswith("stabkit.torch"):
        pytest.importorskip("torch", reason="the room needs the extra torch")
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=_FLAGS).failed == 0


def test_commands_of_the_readme_exist():
    """Lines for a shell are not run; their commands and options are known."""
    for page in PAGES:
        for block in blocks(page.read_text("utf-8")):
            if block.language != "sh":
                continue
            for line in block.body.splitlines():
                for found in re.finditer(r"(?:^|[&|] |bin/)stabkit ([a-z]\w*)([^|&;#]*)", line):
                    command = cli.commands.get(found[1])
                    assert command is not None, f"{page}: {line}"
                    options = {name for param in command.params for name in param.opts}
                    used = set(re.findall(r"(?<=\s)--[\w-]+", found[2])) - {"--help"}
                    assert used <= options, f"{page}: {line}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages, built with warnings as errors."""
    for package in ("sphinx", "myst_parser", "numpydoc", "furo"):
        pytest.importorskip(package, reason="the pages need: pip install '.[docs]'")
    pytest.importorskip("torch", reason="one page is about the room that needs it")
    folder = tmp_path_factory.mktemp("site") / "pages"
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-n", "--keep-going", "-q", "-b", "html",
         TREE / "docs", folder], capture_output=True, text=True,
        env={"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"})
    assert (done.returncode, done.stderr) == (0, "")
    return folder


@pytest.mark.slow
def test_the_site_has_all_names_and_commands_and_pictures(site):
    names = (site / "reference" / "names.html").read_text("utf-8")
    assert [name for name in stabkit.__all__ if f">{name}<" not in names] == []
    commands = (site / "reference" / "command_line.html").read_text("utf-8")
    assert [name for name in cli.commands if f">stabkit {name}<" not in commands] == []
    gallery = (site / "gallery.html").read_text("utf-8")
    assert gallery.count("<figcaption>") == gallery.count("<img") >= 12
    assert not any("Alias for field" in path.read_text("utf-8")
                   for path in (site / "reference").rglob("*.html"))
    page = (site / "index.html").read_text("utf-8")
    outside = re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", page)
    assert [link for link in outside if ".js" in link or ".css" in link] == []


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_site(site):
    """Of some pages of each kind, in light and dark colours, in a browser of the system."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright",
                              reason="axe-core is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    found = []
    with playwright.sync_playwright() as programs:
        browser = programs.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for name in ("index", "gallery", "tutorial/check_your_own_scheme", "howto/use_pyamg",
                     "reference/api/multigrid", "reference/command_line"):
            for colours in "light", "dark":
                page = browser.new_page(color_scheme=colours)
                page.goto((site / f"{name}.html").as_uri())
                found += [(name, colours, each["id"], each["nodes"][0]["html"])
                          for each in axe.Axe().run(page).response["violations"]
                          if each["impact"] in ("serious", "critical")]
        browser.close()
    assert found == []
