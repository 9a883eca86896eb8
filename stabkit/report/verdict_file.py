"""Verdict files: their contents, their form, and their text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Any

from stabkit.aliases import Record
from stabkit.errors import InvalidEvidence
from stabkit.replay import sealed
from stabkit.report.environment import environment, version
from stabkit.report.packing import pack

_LONG = ("shared", "verdicts")


def document(verdicts: Iterable[Record], *, seed: int, budget: float) -> Record:
    """Return the sealed contents of a verdict file for verdicts in their JSON form."""
    return sealed({
        "stabkit": version(), "seed": seed, "budget": budget, "environment": environment(),
        "verdicts": list(verdicts),
    })


def schema() -> Record:
    """Return the JSON schema of verdict files."""
    return json.loads(resources.files(__package__).joinpath("schema.json").read_text("utf-8"))


@lru_cache(1)
def _checker() -> Callable[..., Any]:
    import fastjsonschema  # a program that is made of the schema: a file has many thousand parts

    return fastjsonschema.compile(schema())


def check_form(contents: Any, name: str) -> None:
    """Raise InvalidEvidence, which names the place, if the contents do not follow the schema."""
    from fastjsonschema import JsonSchemaValueException

    try:
        _checker()(contents, name_prefix="$")
    except JsonSchemaValueException as fault:
        what = fault.message
        if fault.rule == "required":  # it tells all that are, and not which is missing
            lacking = [key for key in fault.rule_definition if key not in fault.value]
            what = f"{fault.name}: '{lacking[0]}' is a required property"
        raise InvalidEvidence(f"{name}: {what}") from None


def as_text(contents: Record) -> str:
    """Return a verdict file's text, sealed as it is written, one line per piece of evidence.

    It is packed where that makes it half as long.

    Raises
    ------
    InvalidEvidence
        `contents` do not follow the schema; such a file is never written.
    """
    contents = sealed(contents)
    check_form(contents, "the verdict file")
    whole, short = _text_of_file(contents), _text_of_file(pack(contents))
    return short if 2 * len(short) < len(whole) else whole


def _text_of_file(contents: Record) -> str:
    head = [f" {_text(key)}: {_text(contents[key])}," for key in contents if key not in _LONG]
    verdicts = ",\n".join(_verdict_text(verdict) for verdict in contents["verdicts"])
    return "\n".join(["{", *head, *_shared_text(contents), ' "verdicts": [', verdicts, " ]", "}",
                      ""])


def _shared_text(made: Record) -> Iterator[str]:
    if "shared" not in made:
        return
    tables = (f'  {_text(name)}: {{' + ",".join(
        f"\n   {_text(key)}: {_text(value)}" for key, value in table.items()) + "}"
        for name, table in made["shared"].items())
    yield ' "shared": {\n' + ",\n".join(tables) + "},"


def _verdict_text(verdict: Record) -> str:
    head = _text({key: verdict[key] for key in verdict if key != "evidence"})
    evidence = ",\n".join(f"    {_text(item)}" for item in verdict["evidence"])
    return f'  {head[:-1]}, "evidence": [\n{evidence}]}}'


_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
