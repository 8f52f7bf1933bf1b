"""One split for every prompt, near-duplicates together: no test prompt in other words is trained on."""

from collections.abc import Sequence

from cai_core.schema import SPLITS, Chat, Split, first_user_turn
from cai_core.text import normalise, split_of

# Jaccard similarity of character 5-grams from which two prompts are one (Lee et al. 2021,
# arXiv 2107.06499, take 0.8 too), and the permutations of its estimate (datasketch's default).
NEAR = 0.8
SHINGLE = 5
PERMUTATIONS = 128


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
    from datasketch import MinHash, MinHashLSH

    first = {text: place for place, text in reversed(list(enumerate(texts)))}
    near = [(first[text], place) for place, text in enumerate(texts) if first[text] != place]
    shingles = {place: _shingles(text) for text, place in first.items()}
    lsh = MinHashLSH(threshold=NEAR, num_perm=PERMUTATIONS)
    for place, grams in sorted(shingles.items()):
        sketch = MinHash(num_perm=PERMUTATIONS)
        sketch.update_batch([gram.encode() for gram in grams])
        near += [(o, place) for o in lsh.query(sketch) if _jaccard(shingles[o], grams) >= NEAR]
        lsh.insert(place, sketch)
    return near


def _shingles(text: str) -> set[str]:
    return {text[i : i + SHINGLE] for i in range(max(1, len(text) - SHINGLE + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other)
