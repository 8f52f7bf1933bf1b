"""How far a reviewer is: given today, still to read, and how often the judge agrees so far."""

import datetime

import streamlit as st
from sqlite_utils import Database

from cai_core.stats import Estimate
from cai_core.store import draws, verdicts
from ui.person import person
from ui.review_choice import GUIDED, Choice
from ui.review_judge import agreement_with, agreement_words, counted_with

MOST = 10_000


def show(db: Database, choice: Choice) -> int:
    """One line; how many pairs are left."""
    given = verdicts.given_since(db, person(), _midnight())
    left = draws.left(db, person(), choice.queue, most=MOST + 1)
    words = progress_words(given, choice.queue.name, left)
    if choice.name != GUIDED:
        words += f" · {agreement_words(_agreement(db, choice))}"
    st.caption(words)
    return left


def progress_words(given: dict[str, int], queue: str, left: int) -> str:
    """
    >>> progress_words({"even": 3, "filter": 1}, "even", 10_001)
    '4 reviewed today, 3 of them in this queue · 10,000+ pairs left'
    >>> progress_words({}, "even", 1)
    '0 reviewed today · 1 pair left'
    """
    total, here = sum(given.values()), given.get(queue, 0)
    today = f"{total} reviewed today" + (f", {here} of them in this queue" if total else "")
    count = f"{MOST:,}+ pairs" if left > MOST else f"{left:,} pair{'' if left == 1 else 's'}"
    return f"{today} · {count} left"


def _midnight() -> str:
    """When today began here, as times are stored."""
    begun = datetime.datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    return begun.astimezone(datetime.UTC).isoformat(timespec="microseconds")


def _agreement(db: Database, choice: Choice) -> Estimate | None:
    """The agreement so far, over the queues that are told together."""
    return agreement_with(db, choice.judge, person(), queues=counted_with(choice.queue.name))
