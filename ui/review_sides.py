"""Which answer a reviewer is shown first: shuffled by pair and reviewer, so that no side is a habit."""

from cai_core.schema import Label, Pair, Verdict, content_hash
from cai_core.store.label_rows import turned


def is_turned(pair_id: str, reviewer: str) -> bool:
    """Whether this reviewer sees the pair the other way round; the same every time."""
    return int(content_hash({"pair": pair_id, "reviewer": reviewer}), 16) % 2 == 1


def as_shown(pair: Pair, reviewer: str) -> Pair:
    return pair.swapped() if is_turned(pair.id, reviewer) else pair


def label_as_shown(label: Label, reviewer: str) -> Label:
    """A label with A and B as the reviewer sees them."""
    return turned(label) if is_turned(label.pair.id, reviewer) else label


def own_verdict(pair_id: str, reviewer: str, verdict: Verdict) -> Verdict:
    """A verdict on the shown sides as one on the pair's own."""
    if not is_turned(pair_id, reviewer):
        return verdict
    other: dict[Verdict, Verdict] = {"a": "b", "b": "a"}
    return other.get(verdict, verdict)
