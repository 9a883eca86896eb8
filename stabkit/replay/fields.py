"""What a file or a piece of evidence says: values, alone or by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

#: What JSON says at one place; nothing is known of it before it is read.
Data: TypeAlias = Any
#: Such values by name.
Fields: TypeAlias = Mapping[str, Any]
#: The same, to be filled.
Record: TypeAlias = dict[str, Any]
