"""Verdict files: their contents, their form, and their text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import resources

from stabkit.aliases import Record, Scalar
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


def as_text(contents: Record) -> str:
    """Return a verdict file's text, sealed as it is written, one line per piece of evidence.

    It is packed where that makes it half as long.

    Raises
    ------
    InvalidEvidence
        `contents` do not follow the schema; such a file is never written.
    """
    from jsonschema import Draft202012Validator  # a tenth of a second that only a file needs
    from jsonschema.exceptions import best_match

    contents = sealed(contents)
    fault = best_match(Draft202012Validator(schema()).iter_errors(contents))
    if fault is not None:
        raise InvalidEvidence(f"{fault.json_path} of the verdict file: {fault.message}")
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


def _text(value: Scalar) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
