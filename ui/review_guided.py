"""The guided first review: twenty shipped pairs, blind, and at its end how often the judge agrees."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.review.agreement import measuring
from cai_core.schema import Label
from cai_core.stats import Estimate
from cai_core.store import labels, pairs
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from ui import cards, menu, review_choice
from ui.person import person
from ui.review_choice import GUIDED, GUIDED_PAIRS, SAMPLE, Judge
from ui.review_judge import agreement_with

ON = "review_guided"  # session state: whether it is under way


@dataclass(frozen=True)
class Tally:
    """What a reviewer said in the guided review."""

    said: int
    ties: int
    bad: int
    skips: int

    @classmethod
    def of(cls, verdicts: list[Label]) -> "Tally":
        count = [one.verdict for one in verdicts]
        return cls(len(count), count.count("tie"), count.count("bad"), count.count("skip"))


def is_on() -> bool:
    return bool(st.session_state.get(ON))


def start() -> None:
    st.session_state[ON] = True


def stop() -> None:
    """End it, for a button of the page or of the fragment: the whole page is drawn anew."""
    st.session_state[ON] = False
    st.rerun()


def _mine(db: Database) -> list[Label]:
    found = labels.verdicts(db, LabelFilter(annotator=person()))
    return [one.label for one in found if one.label.review and one.label.review.queue == GUIDED]


def offer(db: Database) -> None:
    """Offer it to who has given no verdict yet, and its rest to who left it half done."""
    there = min(pairs.count(db, PairFilter(source=SAMPLE)), GUIDED_PAIRS)
    begun = len(_mine(db))
    fresh = labels.people(db).get(person(), 0) == 0
    if not there or not (fresh or 0 < begun < there):
        return
    with st.container(border=True):
        says, go = st.columns([3, 1], vertical_alignment="center")
    with says:
        if fresh:
            st.markdown(
                f"**Begin with {there} pairs, in about five minutes.** Read two answers, say which is"
                " better under the constitution, and learn how often the judge agrees with you."
            )
        else:
            st.markdown(f"**Your guided review: {begun} of {there} pairs**")
    with go:
        st.button(
            "Start the review" if fresh else "Go on with it",
            type="primary",
            icon=":material/play_arrow:",
            key="guided_start",
            width="stretch",
            on_click=start,
        )


def explain() -> None:
    """What to do, on top of the guided review."""
    says, leave = st.columns([6, 1], vertical_alignment="center")
    with says:
        st.markdown(
            "Which answer is better under the principles on the right? Press **A** or **B**; **T**"
            " where neither is, **X** where both are bad, **S** to skip, **U** to undo."
            " The sides are shuffled, and the judge's verdict is hidden."
        )
    with leave:
        st.button("Leave", icon=":material/close:", key="guided_leave", on_click=stop)


def meaning(estimate: Estimate | None) -> str:
    """What the agreement says, in a sentence or two.

    >>> meaning(None).split(":")[0]
    'These pairs are not judged yet'
    """
    if estimate is None or estimate.n == 0:
        return (
            "These pairs are not judged yet: let the judge read them, and your verdicts can be held"
            " against it."
        )
    if estimate.low > 0.5:
        return (
            "The judge agrees with you more often than a coin would. More verdicts make the"
            " interval narrower."
        )
    if estimate.high < 0.5:
        return (
            "The judge disagrees with you more often than a coin would. Read the pairs where you"
            " differ before you train on its labels."
        )
    return (
        "The interval holds 50%, so this judge cannot be told from a coin yet. Review more pairs,"
        " or try a larger judge, before you train on its labels."
    )


def show_result(db: Database, judge: Judge | None) -> None:
    """The card at the end: agreement, counts, what it means, and what to do next."""
    mine = _mine(db)
    tally = Tally.of(mine)
    estimate = agreement_with(db, judge, person(), queues=frozenset({GUIDED}))
    with st.container(border=True, width=760):
        st.subheader("Your first review is done", anchor=False)
        first, *others = st.columns([2, 1, 1, 1])
        with first:
            shown = estimate or Estimate(float("nan"), float("nan"), float("nan"), 0)
            cards.number("The judge agrees with you", shown, percent=True)
        names = ("Ties", "Both bad", "Skipped")
        counts = (tally.ties, tally.bad, tally.skips)
        for column, name, count in zip(others, names, counts, strict=True):
            with column:
                st.metric(name, count)
        st.markdown(meaning(estimate))
        st.caption(_how(mine, tally, judge))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Review more pairs",
                type="primary",
                icon=":material/rate_review:",
                key="guided_done",
                on_click=stop,
            )
            menu.link("generate", "Judge pairs with another model")
            menu.link("constitution", "Edit the constitution")


def _how(mine: list[Label], tally: Tally, judge: Judge | None) -> str:
    seen = len(mine) - len(measuring(mine))
    said = f"You read {tally.said} pairs. A tie against a side counts one half; what you called bad or skipped counts for nothing."
    again = f" {seen} of them were no first blind verdicts and are left out." if seen else ""
    who = f" Judge: {review_choice.judge_name(judge)}." if judge else ""
    return said + again + who
