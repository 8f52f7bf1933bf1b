"""One label as a row of its table, and turned round."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
from sqlite_utils import Database

from cai_core.schema import (
    Ballot,
    ConstitutionRef,
    Label,
    Orders,
    Pair,
    Review,
    Row,
    Verdict,
    content_hash,
)
from cai_core.store.database import from_json, insert, to_json

_LEFT_OUT = "not_applicable"  # principles without a vote stand in `extra`: few labels have some
_SWAPPED: Mapping[Verdict, Verdict] = {"a": "b", "b": "a"}


def turned(label: Label) -> Label:
    """The same label with the two answers in the other order.

    The offset stays: it is the pull to the place shown first, whichever answer stands there.
    A rationale still speaks of the old sides, hence `turned` in `extra`.
    """
    orders = label.orders
    return replace(
        label,
        pair=label.pair.swapped(),
        verdict=turned_verdict(label.verdict) if label.verdict else None,
        p_a=_other(label.p_a),
        p_raw=_other(label.p_raw),
        orders=Orders(ab=1 - orders.ba, ba=1 - orders.ab) if orders else None,
        votes={key: 1 - p for key, p in label.votes.items()},
        panel=tuple(ballot.turned() for ballot in label.panel),
        extra=_turned_extra(label),
    )


def turned_verdict(verdict: Verdict) -> Verdict:
    """The same with the two answers in the other order.

    >>> turned_verdict("a"), turned_verdict("tie")
    ('b', 'tie')
    """
    return _SWAPPED.get(verdict, verdict)


def _turned_extra(label: Label) -> Row:
    extra = {key: value for key, value in label.extra.items() if key != "turned"}
    if label.rationale and not label.extra.get("turned"):
        extra["turned"] = True
    return extra


def _other(p: float | None) -> float | None:
    return None if p is None else 1 - p


def columns(label: Label, vote_keys: Mapping[tuple[str, ...], str]) -> Row:
    """What a label itself puts into a row of the table; `vote_keys` come from `keep_keys`."""
    keys = tuple(label.votes)
    ref = label.constitution
    return {
        "kind": label.kind,
        "annotator": label.annotator,
        "verdict": label.verdict,
        "p_a": label.p_a,
        "p_raw": label.p_raw,
        "order_ab": label.orders.ab if label.orders else None,
        "order_ba": label.orders.ba if label.orders else None,
        "offset": label.offset,
        "flipped": label.flipped,
        "inconsistent": label.inconsistent,
        "mass": label.mass,
        "votes": np.array([label.votes[k] for k in keys], "<f4").tobytes() if keys else None,
        "vote_keys": vote_keys.get(keys),
        "method": label.method,
        "principles": label.principles,
        "template": label.template,
        "constitution_name": ref.name if ref else None,
        "constitution_version": ref.version if ref else None,
        "constitution_hash": ref.hash if ref else None,
        "seed": label.seed,
        "rationale": label.rationale,
        "error": label.error,
        "review": to_json(label.review.to_row()) if label.review else None,
        "blind": label.review.blind if label.review else None,
        "extra": to_json(_extra(label)),
    }


def _extra(label: Label) -> Row:
    """What has no column of its own."""
    left_out = {_LEFT_OUT: dict(label.not_applicable)} if label.not_applicable else {}
    panel = {"panel": [ballot.to_row() for ballot in label.panel]} if label.panel else {}
    return label.extra | left_out | panel


def keep_keys(db: Database, labels: Iterable[Label]) -> dict[tuple[str, ...], str]:
    """Store which principles voted, once for all labels that have the same; the id of each set."""
    sets = {tuple(label.votes): to_json(list(label.votes)) for label in labels if label.votes}
    ids = {keys: content_hash(text) for keys, text in sets.items()}
    for keys, text in sets.items():
        insert(db, "vote_keys", {"id": ids[keys], "keys": text}, seen="IGNORE")
    return ids


def label_of(row: Row, pair: Pair) -> Label:
    """The label of a row of the table, with `keys` beside it."""
    orders = Orders(row["order_ab"], row["order_ba"]) if row["order_ab"] is not None else None
    version = row["constitution_version"]
    name, key = row["constitution_name"], row["constitution_hash"]
    extra = from_json(row["extra"])
    panel = tuple(map(Ballot.from_row, extra.pop("panel", ())))
    return Label(
        pair=pair,
        verdict=row["verdict"],
        p_a=row["p_a"],
        kind=row["kind"],
        annotator=row["annotator"],
        p_raw=row["p_raw"],
        orders=orders,
        offset=row["offset"],
        flipped=_flag(row["flipped"]),
        inconsistent=_flag(row["inconsistent"]),
        mass=row["mass"],
        votes=_votes(row),
        not_applicable=extra.pop(_LEFT_OUT, {}),
        method=row["method"],
        principles=row["principles"],
        template=row["template"],
        constitution=ConstitutionRef(name, key, version) if key else None,
        seed=row["seed"],
        rationale=row["rationale"],
        error=row["error"],
        review=Review.from_row(json.loads(row["review"])) if row["review"] else None,
        panel=panel,
        extra=extra,
    )


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _votes(row: Row) -> dict[str, float]:
    if row["votes"] is None:
        return {}
    values = np.frombuffer(row["votes"], "<f4").astype(float).tolist()
    return dict(zip(_keys(row["keys"]), values, strict=True))


@lru_cache(maxsize=64)
def _keys(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))
