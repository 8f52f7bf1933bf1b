"""Soft labels for trainers that know only a chosen and a rejected answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from cai_core.schema import Row
from cai_core.train.export.material import Soft

COPIES = 10  # of a pair: p_chosen is then kept to 0.05


@dataclass(frozen=True)
class HardPairs:
    """Pairs as {prompt, chosen, rejected, source}, and one line of what became of soft labels."""

    rows: tuple[Row, ...]
    words: str


def hard_pairs(rows: Sequence[Row], how: Soft) -> HardPairs:
    """Take the likelier side, or repeat each pair as its probability says.

    With the logistic loss of a pair l(d), p l(d) + (1 - p) l(-d) is the mean over copies of which p are
    as they are and the rest turned round: repeating keeps a soft label to within 1 / (2 COPIES).
    """
    weighed = [row for row in rows if row["weight"] > 0]
    made = [
        pair for row in weighed for pair in (_likelier(row) if how == "harden" else _copies(row))
    ]
    return HardPairs(tuple(made), _words(rows, weighed, how))


def _likelier(row: Row) -> list[Row]:
    if row["p_chosen"] == 0.5:
        return []
    return [_pair(row, turned=row["p_chosen"] < 0.5)]


def _copies(row: Row) -> list[Row]:
    kept = round(COPIES * row["p_chosen"])
    return [_pair(row, turned=False)] * kept + [_pair(row, turned=True)] * (COPIES - kept)


def _pair(row: Row, *, turned: bool) -> Row:
    chosen, rejected = row["chosen"], row["rejected"]
    if turned:
        chosen, rejected = rejected, chosen
    return {
        "prompt": row["prompt"],
        "chosen": chosen,
        "rejected": rejected,
        "source": row["source"],
    }


def _words(rows: Sequence[Row], weighed: Sequence[Row], how: Soft) -> str:
    soft = sum(row["p_chosen"] not in (0.0, 0.5, 1.0) for row in weighed)
    ties = sum(row["p_chosen"] == 0.5 for row in weighed)
    said = f"{soft} of {len(weighed)} pairs have a soft label, {ties} are ties; hard ones only are known there, so "
    if how == "harden":
        said += "the likelier answer is the chosen one and ties are left out (--soft repeat keeps the labels)"
    else:
        said += f"each pair stands {COPIES} times, turned round as often as its label says"
    uneven = sum(row["weight"] != 1 for row in rows)
    return said + (f"; {uneven} weights other than 1 are not carried" if uneven else "")
