"""Which contexts a scoring needs, and which of them share a prefix: a plan, no tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Tokens = tuple[int, ...]

# Tokens saved that are worth a forward pass of their own. Such a pass took 33 ms with the built-in
# model on 2 cores, in which a batch gets through about as many tokens.
WORTH = 32
LEVELS = 32  # nested prefixes at most: examples, conversation, order, principle need four


@dataclass
class Context:
    """Tokens to read, and what to look up in the predictions made from them.

    `lookups` maps (chat, choice) to (place, token) pairs: the log-probability of `token` after the
    token at `place`. `first` is the first such place.
    """

    ids: Tokens
    first: int
    lookups: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Answered:
    """A conversation with its answer as tokens; those of the answer begin at `begin`."""

    ids: Tokens
    begin: int


@dataclass
class Shared:
    """Rows that share their first `depth` tokens: `leaves` directly, `parts` share still more."""

    depth: int
    leaves: list[int] = field(default_factory=list)
    parts: list["Shared"] = field(default_factory=list)

    def rows(self) -> list[int]:
        """All rows below, in no order of meaning."""
        return self.leaves + [row for part in self.parts for row in part.rows()]


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common prefix.

    >>> common_length((1, 2, 3), (1, 2, 4, 5))
    2
    """
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return min(len(one), len(other))


def share(rows: Sequence[Tokens], ends: Sequence[int], *, worth: float = WORTH) -> Shared:
    """The tree of shared prefixes, whatever the order of the rows.

    Args:
        rows: token rows, n >= 1.
        ends: for each row the length that may be shared at most; what follows is computed alone.
    Returns:
        A root of depth 0 or more. Every row stands in it once. A prefix is shared where
        (rows - 1) x its tokens is at least `worth`.
    """
    order = sorted(range(len(rows)), key=lambda row: rows[row])
    steps = [common_length(rows[a], rows[b]) for a, b in pairwise(order)]
    root = Shared(0)
    _grow(root, order, steps, [ends[row] for row in order], worth, LEVELS)
    while not root.leaves and len(root.parts) == 1:
        root = root.parts[0]
    return root


def _grow(
    node: Shared,
    order: Sequence[int],
    steps: Sequence[int],
    ends: Sequence[int],
    worth: float,
    levels: int,
) -> None:
    """Hang sorted rows below `node`; `steps` are the common lengths of neighbours."""
    if len(order) == 1 or levels == 0:
        node.leaves += order
        return
    branching = min(steps)
    depth = min(branching, *ends)
    if (len(order) - 1) * (depth - node.depth) >= worth:
        node.parts.append(Shared(depth))
        node = node.parts[-1]
    cuts = [place + 1 for place, step in enumerate(steps) if step == branching]
    for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True):
        _grow(node, order[low:high], steps[low : high - 1], ends[low:high], worth, levels - 1)


def groups(lengths: Sequence[int], *, most: int, cost: int) -> list[list[int]]:
    """Places of sorted lengths in groups, so that padding and passes cost least together.

    Args:
        lengths: in order; the longest of a group is its width.
        most: lengths in a group, at least 1. cost: what a group costs besides, as a length.

    >>> groups([10, 11, 90, 100], most=8, cost=32)
    [[0, 1], [2, 3]]
    """
    best, begins = [0], [0]
    for end in range(1, len(lengths) + 1):
        costs = [
            (best[start] + (end - start) * max(lengths[start:end]) + cost, start)
            for start in range(max(0, end - most), end)
        ]
        total, start = min(costs)
        best.append(total)
        begins.append(start)
    found: list[list[int]] = []
    end = len(lengths)
    while end:
        found.insert(0, list(range(begins[end], end)))
        end = begins[end]
    return found


def contexts_of(chat: int, prompt: Tokens, wholes: Sequence[Tokens]) -> list[Context]:
    """The fewest contexts from which all choices of a chat can be scored.

    `wholes` are prompt and choice tokenized together, one a choice. All are scored from the end of
    what they and the prompt begin with alike, also where a choice changes the prompt's last token.

    >>> [(c.ids, c.lookups) for c in contexts_of(0, (7, 8), [(7, 8, 1), (7, 8, 2)])]
    [((7, 8), {(0, 0): [(1, 1)], (0, 1): [(1, 2)]})]
    """
    first = min(common_length(prompt, whole) for whole in wholes) - 1
    contexts: list[Context] = []
    longest_first = sorted(enumerate(wholes), key=lambda item: -len(item[1]))
    for choice, whole in longest_first:
        read = whole[:-1]
        home = next((c for c in contexts if c.ids[: len(read)] == read), None)
        if home is None:
            contexts.append(home := Context(read, first))
        home.lookups[chat, choice] = [
            (place, whole[place + 1]) for place in range(first, len(read))
        ]
    return contexts
