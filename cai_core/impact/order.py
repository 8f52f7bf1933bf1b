"""Which pairs are judged first: a few that may well flip, then all others in random order.

Where the old votes are stored, it is known how near to even each pair was. The nearest few come first,
so that there is something to look at; they are *sought*, and no share of flips is counted with them
before every pair is judged.
"""

from collections.abc import Sequence

from cai_core.impact.asking import Known
from cai_core.impact.plan import Plan, combined
from cai_core.schema import Pair

SOUGHT = 4  # pairs: seconds on a laptop


def soonest_first(
    pairs: Sequence[Pair], plan: Plan, known: Known, *, most: int = SOUGHT
) -> tuple[list[Pair], frozenset[str]]:
    """The pairs in the order of asking, and the ids of those that were sought.

    Args:
        pairs: in random order, which all but the sought ones keep.
    """
    margins = {pair.id: abs(_old(plan, known, pair.id)) for pair in pairs}
    told = [pair for pair in pairs if margins[pair.id] == margins[pair.id]]
    if len(told) <= most:
        return list(pairs), frozenset()
    nearest = sorted(told, key=lambda pair: margins[pair.id])[:most]
    ids = frozenset(pair.id for pair in nearest)
    return nearest + [pair for pair in pairs if pair.id not in ids], ids


def _old(plan: Plan, known: Known, pair_id: str) -> float:
    """The old judgement in log-odds; nan where not all of its votes are stored."""
    votes = known.get(pair_id, {})
    complete = all(id in votes for id, _ in plan.old)
    return combined(plan.old, votes) if complete else float("nan")
