"""Inputs that are nearly right: bytes and trees of JSON with a few places changed."""

from copy import deepcopy

from hypothesis import strategies as st

ODD_NUMBERS = (0, -1, 1, 2, 7, 10**6, 2**31, 2**63, -2**63, 10**30, 0.5, -0.0, 1e308, 5e-324)
ODD_TEXTS = ("", "0", "x", "1/0", "-3/4", "nan", "inf", "1e999", "\0", "ü", "a" * 300, "__import__",
             "9" * 5000, "u[0] < u[1]", "proved", "refuted")
ODD = (*ODD_NUMBERS, *ODD_TEXTS, None, True, False, [], {}, [[]], [0], {"": 0},
       float("nan"), float("inf"))


@st.composite
def changed_bytes(draw, files):
    """One of some files with up to eight places set, cut, repeated, or filled with others."""
    content = bytearray(draw(st.sampled_from(files)))
    for _ in range(draw(st.integers(0, 8))):
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.integers(0, 4))
        if kind < 2 and content:
            content[place] = draw(st.integers(0, 255))
        elif kind == 2:
            del content[place:place + draw(st.integers(1, 40))]
        elif kind == 3:
            content[place:place] = draw(st.binary(max_size=12))
        else:
            content[place:place] = content[place:place + draw(st.integers(1, 64))]
    return bytes(content)


def places(tree, above=()):
    """The paths to all parts of a tree of JSON."""
    yield above
    if isinstance(tree, dict | list):
        parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, part in parts:
            yield from places(part, (*above, key))


@st.composite
def changed_trees(draw, trees):
    """One of some trees with up to four parts replaced, removed, repeated or exchanged."""
    tree = deepcopy(draw(st.sampled_from(trees)))
    for _ in range(draw(st.integers(1, 4))):
        known = list(places(tree))[1:]
        if not known:
            break
        *above, key = draw(st.sampled_from(known))
        holder = tree
        for step in above:
            holder = holder[step]
        kind = draw(st.integers(0, 4))
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        elif kind == 2 and isinstance(holder[key], str) and holder[key]:
            text = list(holder[key])
            text[draw(st.integers(0, len(text) - 1))] = draw(st.sampled_from("019-+*/()[]@.,u x<="))
            holder[key] = "".join(text)
        elif kind == 3:
            *more, other = draw(st.sampled_from(known))
            donor = tree
            try:
                for step in (*more, other):
                    donor = donor[step]
            except (KeyError, IndexError, TypeError):
                continue
            holder[key] = deepcopy(donor)
        else:
            holder[key] = deepcopy(draw(st.sampled_from(ODD)))
    return tree
