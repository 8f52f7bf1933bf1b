"""The blind A/B for a person: two revisions of one answer, and which is better.

Every verdict is a label of this person on the pair, in the queue "impact". What they come to is shown
when all are given, or when the person says that this is enough: not before.
"""

from collections.abc import Mapping, Sequence

import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate.winrate import win_rate
from cai_core.impact.blind import whole_pair, won_by_new
from cai_core.impact.rewrite import Rewrite
from cai_core.impact.rewrites_report import counts_words
from cai_core.schema import Pair, Review, Verdict, content_hash
from cai_core.store import labels
from cai_core.store.labels import LabelFilter, StoredLabel
from ui import cards, frame, review_sides
from ui.impact_rewrites_cards import seen
from ui.person import person
from ui.review_answers import show_answers

QUEUE = SOURCE = "impact"
ENOUGH = "impact_rewrites_enough"  # session state: ids of jobs whose result was asked for early
_BUTTONS: tuple[tuple[Verdict, str, str], ...] = (
    ("a", "A is better", "A"),
    ("b", "B is better", "B"),
    ("tie", "Tie", "T"),
)


@frame.fragment
def show(db: Database, job_id: str, rows: Sequence[Rewrite]) -> None:
    """The pair that is next, or what the verdicts come to."""
    pairs = _pairs(rows)
    if not pairs:
        st.caption("No two revisions differ, so there is nothing to compare.")
        return
    said = _said(db, [pair.id for pair in pairs.values()])
    left = [id for id, pair in pairs.items() if pair.id not in said]
    _progress(len(pairs) - len(left), len(pairs))
    if left and job_id not in _enough():
        _ask(job_id, pairs[left[0]], some=len(left) < len(pairs))
        return
    _result({one.id: one for one in rows}, pairs, said)
    if left:
        st.button(
            "Go on comparing",
            key=f"blind_on_{job_id}",
            icon=":material/play_arrow:",
            on_click=_enough().discard,
            args=(job_id,),
        )
    _undo_button(job_id)


def _enough() -> set[str]:
    return st.session_state.setdefault(ENOUGH, set())  # type: ignore[no-any-return]


def _pairs(rows: Sequence[Rewrite]) -> dict[str, Pair]:
    """By row, in an order by hash: whoever stops has judged a fair sample."""
    found = {one.id: pair for one in rows if (pair := whole_pair(one))}
    return dict(sorted(found.items(), key=lambda item: content_hash(["order", item[1].id])))


def _said(db: Database, ids: Sequence[str]) -> dict[str, StoredLabel]:
    """This person's standing verdicts, by pair."""
    where = LabelFilter(annotator=person(), pairs=ids)
    return {item.pair_id: item for item in labels.verdicts(db, where)}


def _progress(done: int, total: int) -> None:
    st.progress(done / total, text=f"{done} of {total} pairs compared")


def _ask(job_id: str, pair: Pair, *, some: bool) -> None:
    st.caption("One revision was made before the edit, one after; which, is not told.")
    with st.container(horizontal=True, gap="xsmall"):
        for verdict, words, key in _BUTTONS:
            st.button(
                words,
                key=f"blind_{verdict}_{pair.id}",
                shortcut=key,
                type="secondary" if verdict == "tie" else "primary",
                on_click=frame.callback(_decide),
                args=(pair, verdict),
            )
        _undo_button(job_id)
        if some:
            st.button(
                "Enough, show the result",
                key=f"blind_enough_{job_id}",
                icon=":material/visibility:",
                type="tertiary",
                on_click=_enough().add,
                args=(job_id,),
            )
    cards.conversation(pair.prompt)
    shown = review_sides.as_shown(pair, person())
    show_answers(shown.response_a, shown.response_b)


def _decide(db: Database, pair: Pair, verdict: Verdict) -> None:
    review = Review(blind=pair.id not in seen(), queue=QUEUE, pi=1.0, reviewer=person())
    if pair.id in _said(db, [pair.id]):
        return  # a second key on a pair that was decided while the screen changed
    own = review_sides.own_verdict(pair.id, person(), verdict)
    labels.add(db, labels.verdict_label(pair, own, review=review), source=SOURCE)


def _undo_button(job_id: str) -> None:
    st.button(
        "Undo",
        key=f"blind_undo_{job_id}",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        help="Takes back your last verdict in this queue.",
        on_click=frame.callback(_undo),
    )


def _undo(db: Database) -> None:
    last = labels.last_of(db, person())
    if last is None or last.label.review is None or last.label.review.queue != QUEUE:
        st.toast("Your last verdict was not given here.")
        return
    labels.undo(db, last.id, who=person())


def _result(
    rows: Mapping[str, Rewrite], pairs: Mapping[str, Pair], said: Mapping[str, StoredLabel]
) -> None:
    """How often this person preferred the new revision."""
    told = [
        won_by_new(said[pair.id].label, _side(rows[id], said[pair.id]))
        for id, pair in pairs.items()
        if pair.id in said
    ]
    found = win_rate(told)
    cards.number("You prefer the new revision, ties half", found.estimate, percent=True)
    sighted = sum(not (one.review and one.review.blind) for one in told)
    note = f" {sighted} of these were not blind." if sighted else ""
    st.caption(f"{counts_words(found)}.{note}")


def _side(one: Rewrite, stored: StoredLabel) -> str:
    """Where the new revision stands in the pair as it is stored, whoever stored it first."""
    return "a" if one.new and stored.label.pair.response_a == one.new.revision else "b"
