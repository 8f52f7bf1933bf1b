"""One split for every prompt, near-duplicates together: no test prompt in other words is trained on."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cai_core.schema import SPLITS, Chat, Split, first_user_turn
from cai_core.text import normalise, split_of

if TYPE_CHECKING:
    from datasketch import MinHash

# Jaccard similarity of character 5-grams from which two prompts are one (Lee et al. 2021,
# arXiv 2107.06499, take 0.8 too), and the permutations of its estimate (datasketch's default).
NEAR = 0.8
SHINGLE = 5
PERMUTATIONS = 128
_ASK_FROM = (
    0.6  # well under NEAR, so that the estimate hardly ever misses a pair that is truly near
)


def assign(prompts: Sequence[Chat], given: Sequence[Split | None] = ()) -> list[Split]:
    """The split of each prompt, by its first user turn.

    A group of near-duplicates has one: what one of them was given (test before dev before train,
    so that nothing held out is trained on), else the hash of its first wording in order.

    Args:
        given: the split that each prompt has already, None where it has none; none at all by default.
    """
    turns = [normalise(first_user_turn(chat)) for chat in prompts]
    had = list(given) or [None] * len(turns)
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups(turns)):
        members.setdefault(group, []).append(place)
    splits: list[Split] = ["train"] * len(turns)
    for places in members.values():
        fixed = {had[place] for place in places}
        strictest = next((split for split in reversed(SPLITS) if split in fixed), None)
        chosen: Split = strictest or split_of(min(turns[place] for place in places))
        for place in places:
            splits[place] = chosen
    return splits


def groups(texts: Sequence[str]) -> list[int]:
    """A number for each text; near-duplicates, and their near-duplicates, share theirs.

    >>> groups(["how do i make a good cup of tea", "what is rust", "how do i make a good cup of teas"])
    [0, 1, 0]
    """
    root = list(range(len(texts)))

    def find(place: int) -> int:
        while root[place] != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    for one, other in _near_pairs(texts):
        low, high = sorted((find(one), find(other)))
        root[high] = low
    return [find(place) for place in range(len(texts))]


def _near_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Candidates by MinHash and locality-sensitive hashing, kept where they are truly near."""
    from datasketch import MinHashLSH

    first = {text: place for place, text in reversed(list(enumerate(texts)))}
    near = [(first[text], place) for place, text in enumerate(texts) if first[text] != place]
    shingles = {place: _shingles(text) for text, place in first.items()}
    lsh = MinHashLSH(threshold=NEAR, num_perm=PERMUTATIONS)
    for place, grams in sorted(shingles.items()):
        sketch = _sketch(grams)
        near += [(o, place) for o in lsh.query(sketch) if _jaccard(shingles[o], grams) >= NEAR]
        lsh.insert(place, sketch)
    return near


class Seen:
    """Texts so far; tells of another one whether it is a near-duplicate of one of them.

    >>> seen = Seen(["How do I make a good cup of tea?"])
    >>> seen.add("how do I make a good cup of teas"), seen.add("What is rust?"), seen.add("what is RUST")
    (False, True, False)
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        from datasketch import MinHashLSH

        self._lsh = MinHashLSH(threshold=_ASK_FROM, num_perm=PERMUTATIONS)
        self._shingles: list[set[str]] = []
        for text in texts:
            self.add(text)

    def add(self, text: str) -> bool:
        """Whether it is new; a new one is among the texts from then on."""
        grams = _shingles(normalise(text))
        sketch = _sketch(grams)
        if any(_jaccard(self._shingles[o], grams) >= NEAR for o in self._lsh.query(sketch)):
            return False
        self._lsh.insert(len(self._shingles), sketch)
        self._shingles.append(grams)
        return True


def _sketch(grams: set[str]) -> "MinHash":
    from datasketch import MinHash

    sketch = MinHash(num_perm=PERMUTATIONS)
    sketch.update_batch([gram.encode() for gram in grams])
    return sketch


def _shingles(text: str) -> set[str]:
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
