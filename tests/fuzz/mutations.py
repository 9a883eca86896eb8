"""Inputs that are nearly right: bytes and trees of JSON with a few places changed."""

from copy import deepcopy
from random import Random

from hypothesis import HealthCheck, Phase, given, seed, settings

DRAWN = 300  # what Hypothesis draws at a time: a draw takes longer than most inputs
USES = 20  # of each, beside others, before it draws anew

ODD_NUMBERS = (0, -1, 1, 2, 7, 10**6, 2**31, 2**63, -2**63, 10**30, 0.5, -0.0, 1e308, 5e-324)
ODD_TEXTS = ("", "0", "x", "1/0", "-3/4", "nan", "inf", "1e999", "\0", "ü", "a" * 300, "__import__",
             "9" * 5000, "u[0] < u[1]", "proved", "refuted")
ODD = (*ODD_NUMBERS, *ODD_TEXTS, None, True, False, [], {}, [[]], [0], {"": 0},
       float("nan"), float("inf"))


def changed_bytes(files):
    """One of some files with up to eight places set, cut, repeated, or filled with others."""
    def make(random):
        content = bytearray(random.choice(files))
        for _ in range(random.randint(0, 8)):
            place, kind = random.randint(0, max(len(content) - 1, 0)), random.randint(0, 4)
            if kind < 2 and content:
                content[place] = random.choice((0, 1, 0x7f, 0x80, 0xff, random.randint(0, 255)))
            elif kind == 2:
                del content[place:place + random.randint(1, 40)]
            elif kind == 3:
                content[place:place] = random.randbytes(random.randint(0, 12))
            else:
                content[place:place] = content[place:place + random.randint(1, 64)]
        return bytes(content)

    return make


def one_of(*makers):
    """One of several ways to make an input."""
    return lambda random: random.choice(makers)(random)


def places(tree, above=()):
    """The paths to all parts of a tree of JSON."""
    yield above
    if isinstance(tree, dict | list):
        parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, part in parts:
            yield from places(part, (*above, key))


def part_at(tree, path):
    for step in path:
        tree = tree[step]
    return tree


def changed_trees(trees):
    """One of some trees with up to four parts replaced, removed, repeated or exchanged."""
    def make(random):
        tree = deepcopy(random.choice(trees))
        for _ in range(random.randint(1, 4)):
            known = list(places(tree))[1:]
            if not known:
                break
            *above, key = random.choice(known)
            holder, kind = part_at(tree, above), random.randint(0, 4)
            if kind == 0:
                del holder[key]
            elif kind == 1 and isinstance(holder, list):
                holder.append(deepcopy(holder[key]))
            elif kind == 2 and isinstance(holder[key], str) and holder[key]:
                text = list(holder[key])
                text[random.randrange(len(text))] = random.choice("019-+*/()[]@.,u x<=")
                holder[key] = "".join(text)
            elif kind == 3:
                holder[key] = deepcopy(part_at(tree, random.choice(known)))
            else:
                holder[key] = deepcopy(random.choice(ODD))
        return tree

    return make


def drawn(strategy, count, number):
    """So many things that a strategy of Hypothesis draws from a seed."""
    found = []

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def keep(item):
        found.append(item)

    keep()
    return found


class Pool:
    """Takes one of what a strategy draws; so parts of inputs meet in many ways.

    It draws from a seed of its own that the first `random` gives, so that a run can be repeated.
    """

    def __init__(self, strategy):
        self.strategy, self.held, self.left = strategy, [], 0

    def __call__(self, random: Random):
        if not self.left:
            self.held = drawn(self.strategy, DRAWN, random.getrandbits(32))
            self.left = USES * len(self.held)
        self.left -= 1
        return random.choice(self.held)
