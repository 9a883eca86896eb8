"""Nested data with another value at one place, as a forged proof has."""


def changed(data, *path, to):
    """A copy with another value at the place; what lies beside the way there is shared."""
    key, *rest = path
    made = data.copy()
    made[key] = changed(data[key], *rest, to=to) if rest else to
    return made
