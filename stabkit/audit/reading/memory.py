"""What there is of memory, asked before it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from stabkit.errors import InvalidArgument

_ROOT = Path("/sys/fs/cgroup")
#: Limit and use of memory, of the second and the first version of control groups.
_GROUPS = ((_ROOT / "memory.max", _ROOT / "memory.current"),
           (_ROOT / "memory/memory.limit_in_bytes", _ROOT / "memory/memory.usage_in_bytes"))


def available() -> int:
    """The bytes of memory that can be taken now; where nobody says, that there is enough."""
    return min(_of_the_machine(), *map(_left, _GROUPS))


def _left(group: tuple[Path, Path]) -> int:
    """The bytes that a control group of Linux leaves; without one, that there is enough."""
    try:
        limit, used = (int(file.read_text("ascii")) for file in group)
    except (OSError, ValueError):  # "max" is no limit
        return 1 << 62
    return max(0, limit - used)


def _of_the_machine() -> int:
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 1 << 62


def require(needed: int, what: str) -> None:
    """Raise InvalidArgument, with both figures, if `what` needs more bytes than there are."""
    there = available()
    if needed > there:
        raise InvalidArgument(
            f"{what} needs {in_words(needed)} of memory, of which {in_words(there)} are available")


def in_words(count: int) -> str:
    """A number of bytes for people: ``"3.2 GB"``."""
    for power, unit in ((24, "YB"), (18, "EB"), (15, "PB"), (12, "TB"), (9, "GB"), (6, "MB"),
                        (3, "kB")):
        if count >= 10**power:
            return f"{count / 10**power:.1f} {unit}"
    return f"{count} bytes"
