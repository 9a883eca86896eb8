"""Change what decides in one place at a time, and see which tests notice.

    python -m tests.mutate stabkit/replay --seed 0 --count 100 --tests tests/replay

The tests are collected once; each mutant runs in a fork of that process, where the code of its file
is exchanged, and only the tests that call the changed function are run, the quickest first.  What
is made while the modules and the tests are imported is not made anew, so a survivor may be one of
these: change the file by hand before you believe it.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import gc
import os
import pickle
import random
import signal
import sys
import time
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

SWAPPED = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
           ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
           ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn,
           ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And}
NAMES = {"min": "max", "max": "min", "all": "any", "any": "all", "low": "high", "high": "low"}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What one node may become."""
    def other(**fields: Any) -> ast.AST:
        made = copy.copy(node)
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) if type(op) in SWAPPED:
            yield other(op=SWAPPED[type(op)]())
        case ast.Compare(ops=ops):
            for k, op in enumerate(ops):
                yield other(ops=[*ops[:k], SWAPPED[type(op)](), *ops[k + 1:]])
        case ast.Constant(value=bool()):
            yield other(value=not node.value)
        case ast.Constant(value=int()):
            yield from (other(value=node.value + 1), other(value=node.value - 1))
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.IfExp():
            yield other(body=node.orelse, orelse=node.body)
        case ast.Return(value=ast.expr() as value) if not (
                isinstance(value, ast.Constant) and value.value is None):
            yield other(value=ast.Constant(None))
        case ast.Call(args=[first, second, *rest]) if not isinstance(first, ast.Starred):
            yield other(args=[second, first, *rest])
        case ast.Name(id=name, ctx=ast.Load()) if name in NAMES:
            yield other(id=NAMES[name])


def sites(tree: ast.Module) -> Iterator[tuple[str, ast.AST, str, Any, ast.AST]]:
    """Every change inside the functions of a file: where, in which field of what, to what."""
    def walk(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.AST, str, Any, ast.AST]]:
        if isinstance(node, (ast.Raise, ast.JoinedStr, ast.arg)):
            return
        named = isinstance(node, (ast.FunctionDef, ast.ClassDef))
        here = f"{inside}.{node.name}".strip(".") if named else inside
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "bases"):
                continue
            for place, child in enumerate(value if isinstance(value, list) else [value]):
                if isinstance(child, ast.AST):
                    if here or isinstance(child, ast.Lambda):
                        for made in changes(child):
                            yield here, node, name, place if isinstance(value, list) else None, made
                    yield from walk(child, here)
    yield from walk(tree, "")


def mutant(path: Path, number: int) -> tuple[str, ast.Module]:
    """In words, and the tree of the file with its change of that number."""
    tree = ast.parse(path.read_text())
    where, parent, name, place, made = list(sites(tree))[number]
    field = getattr(parent, name)
    old = field if place is None else field[place]
    told = f"{path}:{old.lineno} {where}: {ast.unparse(old)} -> {ast.unparse(made)}"
    ast.copy_location(made, old)
    if place is None:
        setattr(parent, name, made)
    else:
        field[place] = made
    return told.replace("\n", " ")[:300], ast.fix_missing_locations(tree)


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from codes(inner)


def key(code: types.CodeType) -> tuple:
    return os.path.realpath(code.co_filename), code.co_qualname, code.co_firstlineno


class Mutate:
    """A plugin that runs the collected tests once for every mutant."""

    def __init__(self, options: argparse.Namespace):
        self.options = options

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        gc.collect()
        self.functions = [f for f in gc.get_objects() if isinstance(f, types.FunctionType)]
        self.items = {item.nodeid: item for item in session.items}
        rooms = [Path(room) for room in self.options.rooms]
        files = [file for room in rooms for file in (sorted(room.rglob("*.py")) or [room])]
        every = [(file, number) for file in files for number, site in
                 enumerate(sites(ast.parse(file.read_text())))
                 if self.options.only is None or site[0].split(".")[-1] in self.options.only]
        count = min(self.options.count, len(every))
        chosen = sorted(random.Random(self.options.seed).sample(every, count))
        seconds, self.callers = self.forked(lambda: self.baseline(files), 10**5)
        self.seconds = {name: spent for name, spent in seconds.items() if spent is not None}
        print(f"\n{len(every)} mutants, {count} are tried; {len(self.seconds)} tests",
              f"in {sum(self.seconds.values()):.0f} s; failing as they are:",
              [name for name in seconds if seconds[name] is None], flush=True)
        found: Counter = Counter()
        for file, number in chosen:
            told, tree = mutant(file, number)
            end = self.tried(file, tree)
            found[end] += 1
            print(f"{end:9} {told}", flush=True)
        print(dict(found))
        return True

    def tried(self, file: Path, tree: ast.Module) -> str:
        new = {key(code): code for code in codes(compile(tree, str(file), "exec"))}
        old = {key(code): code for code in codes(compile(file.read_text(), str(file), "exec"))}
        changed = {name for name in new if name in old and new[name] != old[name]}
        names = set().union(*(self.callers.get(name, ()) for name in changed))
        order = sorted(names & self.seconds.keys(), key=lambda name: self.seconds[name])
        if not order:
            return "uncalled"
        limit = 20 + 5 * sum(self.seconds[name] for name in order)
        return self.forked(lambda: self.noticed(new, order), limit) or "timeout"

    def noticed(self, new: dict, order: list[str]) -> str:
        for function in self.functions:
            made = new.get(key(function.__code__))
            if made is not None:
                try:
                    function.__code__ = made
                except ValueError:  # it has other free variables
                    return "unbuilt"
        for cached in gc.get_objects():
            if isinstance(cached, functools._lru_cache_wrapper):
                cached.cache_clear()
        return "killed" if any(not self.passes(name) for name in order) else "SURVIVED"

    def baseline(self, files: list[Path]) -> tuple[dict, dict]:
        """The seconds of each test that passes, and which tests call which function."""
        wanted = {str(file.resolve()) for file in files}
        callers: dict[tuple, set[str]] = {}
        known: dict[int, tuple[types.CodeType, tuple | None]] = {}  # code stays alive, so ids do
        now = ""

        def called(frame: types.FrameType, event: str, arg: Any) -> None:
            code = frame.f_code
            if id(code) not in known:
                known[id(code)] = code, key(code) if os.path.realpath(
                    code.co_filename) in wanted else None
            if (name := known[id(code)][1]) is not None:
                callers.setdefault(name, set()).add(now)

        seconds = {}
        for now in self.items:
            start = time.process_time()
            sys.settrace(called)
            passed = self.passes(now)
            sys.settrace(None)
            seconds[now] = time.process_time() - start if passed else None
        return seconds, callers

    def passes(self, name: str) -> bool:
        return not any(report.failed for report in runtestprotocol(
            self.items[name], nextitem=None, log=False))

    def forked(self, work: Any, limit: float) -> Any:
        """What `work` returns in a child process; None if that does not come in time."""
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_PROF, limit)
            os.close(read)
            with os.fdopen(write, "wb") as pipe:
                pickle.dump(work(), pipe)
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as pipe:
            data = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(data) if data else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="+", help="folders or files to change")
    parser.add_argument("--tests", nargs="+", required=True)
    parser.add_argument("--only", nargs="+", help="names of functions")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    return int(pytest.main(["-q", "-o", "addopts=", "-p", "no:cacheprovider", "-p", "no:xdist",
                            "-s", "-m", "not slow", *options.tests], plugins=[Mutate(options)]))


if __name__ == "__main__":
    sys.exit(main())
