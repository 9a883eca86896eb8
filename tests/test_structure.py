"""The house is held by its source: floors, the one room with Numba, and words that are not used."""

import ast
import gc
import os
import pydoc
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import stabkit

ROOT = Path(stabkit.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

SETTINGS = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))
FLOORS = SETTINGS["tool"]["stabkit"]["floors"]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: What may be imported by text, as the name is not known before or not there on every machine.
BY_TEXT = {
    "__init__.py": "the room that is asked for",
    "claims/claim.py": "the papers, which stand above it",
    "claims/executor.py": "packages that may be missing",
    "learning/digits.py": "a package that may be missing",
    "torch/samples.py": "packages that may be missing",
}

#: Participles that have no regular ending.
IRREGULAR = {
    "begun", "bent", "born", "broken", "brought", "built", "caught", "chosen", "done", "drawn",
    "driven", "fallen", "felt", "found", "given", "gone", "grown", "held", "hidden", "kept",
    "known", "laid", "led", "lost", "made", "meant", "met", "paid", "proven", "said", "seen",
    "sent", "shown", "sold", "spent", "spoken", "stood", "taken", "told", "torn", "thought",
    "thrown", "understood", "won", "worn", "written",
}

#: Words that end the part of a name that says what comes back.
LINKS = {
    "are", "as", "at", "by", "for", "from", "in", "into", "is", "of", "off", "on", "or", "out",
    "over", "to", "under", "with", "within", "without",
}

#: What is named in the reference and in people's programs, and terms of the field.
NAMED_BEFORE = {
    "attacked", "audited", "called", "certified", "checked", "converged", "described",
    "following", "grounded", "halved", "intended", "joined", "meant", "named", "negated",
    "numbered", "proved", "rediscretised", "refuted", "restricted", "sealed", "shifted",
    "shown_for_all", "structured", "unchanged", "channel_norm_squared", "norm_squared",
    "periodic_norm_squared", "proved_in_words", "refuted_in_words", "solve_banded",
    "solveh_banded",
}

DRAWERS = {"utils", "util", "core", "base", "common", "helpers", "misc"}
LONGEST = 400
STARTUP = 0.5  # seconds


@cache
def nodes_of(path):
    """What a file says, node by node: parsed and walked once for all tests."""
    gc.disable()  # a million nodes stay, and would be looked through for garbage again and again
    try:
        return tuple(ast.walk(ast.parse(path.read_text("utf-8"))))
    finally:
        gc.enable()


def module_of(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def room_of(module):
    return module.split(".")[1] if "." in module else ""


def texts_of_imports(path):
    """The calls of ``import_module``, with the text of each as far as it is written there."""
    for node in nodes_of(path):
        if isinstance(node, ast.Call) and "import_module" in (
                getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            text, = node.args
            start = text.values[0] if isinstance(text, ast.JoinedStr) else text
            yield str(getattr(start, "value", "")).rstrip("."), node.lineno


@cache
def imports(path):
    """The modules that a file imports, wherever in it, by a statement or by text."""
    found = list(texts_of_imports(path))
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.append((inner if inner in MODULES else node.module or ".", node.lineno))
    return found


def own_imports(path):
    return [(name, line) for name, line in imports(path) if name.split(".")[0] == "stabkit"]


def places(found):
    """Where something was found, for a message that can be clicked."""
    return [f"{path.relative_to(ROOT.parent)}:{line}" for path, line in found]


def test_every_module_stands_on_a_floor():
    assert {room_of(module) for module in MODULES} - {""} <= set(FLOOR)


@pytest.mark.slow
def test_imports_go_down_the_floors():
    upward = [
        f"{module_of(path)}:{line} imports {name}"
        for path in FILES if room_of(module_of(path))
        for name, line in own_imports(path)
        if not room_of(name) or FLOOR[room_of(name)] > FLOOR[room_of(module_of(path))]
    ]
    assert upward == []


def test_imports_have_no_circle():
    graph = {
        module: {name for name, _ in own_imports(path)} - {module}
        for module, path in MODULES.items()
    }
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_rooms_have_no_circle():
    """Also of the rooms on one floor none imports from one that imports from it."""
    graph = {room: set() for rooms in FLOORS for room in rooms}
    for path in FILES:
        room = room_of(module_of(path))
        graph.setdefault(room, set()).update(room_of(name) for name, _ in own_imports(path))
    list(TopologicalSorter({room: below - {room, ""} for room, below in graph.items() if room})
         .static_order())


@pytest.mark.slow
def test_imports_are_statements():
    """A text hides the import from whoever reads or moves it; inside a function it may stand."""
    found = {str(path.relative_to(ROOT)) for path in FILES if any(texts_of_imports(path))}
    assert found == set(BY_TEXT)


@pytest.mark.parametrize("room", ["replay", "proof"])
def test_what_checks_evidence_stands_alone(room):
    foreign = [
        f"{module_of(path)}:{line} imports {name}"
        for path in FILES if room_of(module_of(path)) == room
        for name, line in own_imports(path)
        if room_of(name) not in (room, "errors", "proof")  # whose kernel stands alone, too
    ]
    assert foreign == []


def test_proofs_need_the_standard_library_alone():
    libraries = {name.split(".")[0] for path in FILES if room_of(module_of(path)) == "proof"
                 for name, _ in imports(path)}
    assert libraries <= {"stabkit", *sys.stdlib_module_names}


@pytest.mark.slow
def test_imports_are_absolute():
    relative = [(path, node.lineno) for path in FILES for node in nodes_of(path)
                if isinstance(node, ast.ImportFrom) and node.level]
    assert places(relative) == []


@pytest.mark.parametrize("library, room", [("numba", "kernels"), ("cupy", "arithmetic/backend")])
def test_a_library_stays_in_its_room(library, room):
    strays = [(path, line) for path in FILES if not str(path.relative_to(ROOT)).startswith(room)
              for name, line in imports(path) if name.split(".")[0] == library]
    assert places(strays) == []


@pytest.mark.slow
def test_nothing_is_compiled_with_fastmath():
    found = [
        (path, node.lineno) for path in FILES for node in nodes_of(path)
        if (isinstance(node, ast.Constant) and node.value == "fastmath")
        or (isinstance(node, ast.Call) and any(key.arg == "fastmath" for key in node.keywords))
    ]
    assert places(found) == []


@pytest.mark.slow
def test_input_is_not_checked_by_assert_and_nothing_is_printed():
    found = [
        (path, node.lineno) for path in FILES for node in nodes_of(path)
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print")
    ]
    assert places(found) == []


@pytest.mark.slow
def test_no_error_is_swallowed_whole():
    found = [
        (path, node.lineno) for path in FILES for node in nodes_of(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or {"Exception", "BaseException"}
             & {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)})
    ]
    assert places(found) == []


@pytest.mark.slow
def test_no_tolerance_decides():
    words = {"allclose", "isclose", "assert_allclose", "approx"}
    found = [
        (path, node.lineno) for path in FILES for node in nodes_of(path)
        if getattr(node, "attr", getattr(node, "id", None)) in words
    ]
    assert places(found) == []


def ends_in_participle(name):
    """Of ``slopes_shown_by``: the part before the first link is ``slopes_shown``."""
    words = name.strip("_").split("_")
    if words[0] in LINKS | {"is", "has", "as", "before", "beyond", "by", "can"}:
        return False
    end = next((place for place, word in enumerate(words) if word in LINKS and place), len(words))
    return words[end - 1] in IRREGULAR or re.fullmatch(r"\w{2,}[^e]ed", words[end - 1]) is not None


@pytest.mark.parametrize("name, found", [
    ("applied", True), ("_told_of", True), ("slopes_shown", True), ("scaled_parts", False),
    ("is_proved", False), ("as_meant", False), ("need", False), ("apply_padding", False),
])
def test_participles_are_found(name, found):
    assert ends_in_participle(name) is found


@pytest.mark.slow
def test_functions_are_verbs_or_nouns():
    """A name says what is done or what comes back; claims, whose names are statements, aside."""
    found = [
        (path, node.lineno) for path in FILES for node in nodes_of(path)
        if isinstance(node, ast.FunctionDef) and ends_in_participle(node.name)
        and node.name.strip("_") not in NAMED_BEFORE and node.name not in stabkit.__all__
        and not any(isinstance(each, ast.Call) and getattr(each.func, "id", "") == "claim"
                    for each in node.decorator_list)
    ]
    assert places(found) == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", [ROOT, Path(__file__).parent], ids=["package", "tests"])
def test_files_are_short_and_named_for_what_is_in_them(folder):
    files = sorted(folder.rglob("*.py"))
    lengths = {str(path.relative_to(folder)): len(path.read_text("utf-8").splitlines())
               for path in files}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}
    assert DRAWERS & {path.stem for path in files} == set()
    assert DRAWERS & {path.parent.name for path in files} == set()


@pytest.mark.slow
def test_help_says_on_its_first_screen_what_there_is():
    """Of ``help(stabkit)``, 24 lines of 90 columns; every name in them is there, and its rooms."""
    text = pydoc.plain(pydoc.render_doc(stabkit))
    screen, _, rest = text.partition("PACKAGE CONTENTS")
    assert rest and len(screen.splitlines()) <= 24 and max(map(len, screen.splitlines())) <= 96
    for name in re.findall(r"\b[A-Za-z]\w+(?=\()|\b[A-Z][A-Z_]+\b", screen):
        if name not in ("NAME", "DESCRIPTION", "help", "values"):
            assert any(hasattr(place, name) for place in (
                stabkit, stabkit.classes, stabkit.fluxes, stabkit.testing)), name
    assert set(stabkit.ROOMS) < set(re.findall(r"\w+", screen))


def test_every_public_name_is_found_in_its_room():
    """The stub, which type checkers read, is the list; the package gives what it says."""
    listed = {}
    for node in ast.parse((ROOT / "__init__.pyi").read_text("utf-8")).body[1:]:
        assert isinstance(node, ast.ImportFrom) and node.level == 1
        for alias in node.names:
            assert alias.asname == alias.name  # else it is not given on
            listed[alias.name] = f"stabkit.{node.module}" if node.module else "stabkit"
    assert sorted(listed) == stabkit.__all__
    seen = {name for name in dir(stabkit) if not name.startswith("__")}
    assert seen == {*stabkit.__all__, *stabkit.ROOMS}
    assert listed.pop("fluxes") == "stabkit" and stabkit.fluxes is sys.modules["stabkit.fluxes"]
    for name, module in listed.items():
        assert getattr(stabkit, name) is getattr(sys.modules[module], name)
    assert stabkit.operators is sys.modules["stabkit.operators"]
    for name in "nothing", "_nothing", "", "decide.nothing":
        with pytest.raises(AttributeError, match=name or "attribute"):
            getattr(stabkit, name)


@pytest.mark.slow
def test_a_function_keeps_the_name_that_its_room_has():
    """Also where the room is imported first, or by others; and nothing is imported before."""
    output, _ = fresh(
        "import sys, stabkit; print('numpy' in sys.modules)\n"
        "import stabkit.claims.verify, stabkit.report.command, stabkit.testing\n"
        "from stabkit import claim, decide, verify\n"
        "print([f.__name__ for f in (claim, decide, verify, stabkit.audit, stabkit.replay)])"
    )
    assert output.splitlines() == ["False", "['claim', 'decide', 'verify', 'audit', 'replay']"]


def fresh(code):
    """Run code in a new interpreter; return its output and how long it worked.

    That is its processor time, which other jobs on the machine disturb less than the clock.
    """
    before = os.times()  # which Windows has, too, though without the times of other processes
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    return done.stdout, sum(after[2:4]) - sum(before[2:4])


@pytest.mark.slow
def test_listing_claims_imports_no_compiler_and_no_pictures():
    output, _ = fresh(
        "import sys; from stabkit.cli import main; status = main(['claims'])\n"
        "heavy = {'numba', 'llvmlite', 'matplotlib', 'fastjsonschema', 'cupy'}\n"
        "print(status, sorted(heavy & set(sys.modules)))"
    )
    assert output.splitlines()[-1] == "0 []"


@pytest.mark.slow
def test_the_version_is_told_without_numpy():
    """A shell asks for completions at each key: what they import, a person waits for."""
    output, _ = fresh("import sys; from stabkit.cli import main; main(['--version'])\n"
                      "print(sorted({'numpy', 'scipy', 'flint'} & set(sys.modules)))")
    assert output.splitlines()[-1] == "[]"


@pytest.mark.slow
def test_listing_claims_is_quick():
    """Half a second of work, or on a slower machine as much as five times importing NumPy takes."""
    times, allowed = [], STARTUP
    while not times or (min(times) > allowed and len(times) < 10):  # a busy machine tries again
        times.append(fresh("from stabkit.cli import main; main(['claims'])")[1])
        allowed = max(allowed, 5 * fresh("import numpy")[1])
    assert min(times) <= allowed, (times, allowed)
