"""Pairs one at a time: the answers, the keys that decide, and what became of the one before.

A decision is an event; nothing is overwritten. A button belongs to its pair, so that a second key
pressed while the screen changes decides nothing.
"""

from collections.abc import Iterable

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Label, Pair, Review, Verdict
from cai_core.stats import Estimate
from cai_core.store import labels, pairs
from ui import (
    cards,
    frame,
    menu,
    principle_from,
    review_choice,
    review_deck,
    review_guided,
    review_sides,
)
from ui.person import person
from ui.plain import label, shorten
from ui.principle_from import Subject
from ui.review_answers import show_answers
from ui.review_choice import Choice
from ui.review_deck import Card, Deck
from ui.review_judge import (
    agreement_with,
    agreement_words,
    counted_with,
    show_constitution,
    show_judgement,
)

DECK = "review_pair_deck"  # session state
BEFORE = "review_pair_before"  # session state: id of the pair that was decided last
SIGHTED = "review_sighted"  # session state: ids of pairs that were shown with the judge's verdict
WANTED = "review_wanted"  # session state: id of a pair that another page sent here
AGREED = "review_agreed"  # session state: the agreement, and what it was counted over
MANY = 100  # verdicts from which they are not counted anew at every key
LONG = 500  # characters from which a conversation scrolls in its card

_BUTTONS: tuple[tuple[Verdict, str, str, str], ...] = (
    ("a", "A is better", "A", ""),
    ("b", "B is better", "B", ""),
    ("tie", "Tie", "T", ":material/drag_handle:"),
    ("bad", "Both bad", "X", ":material/thumb_down:"),
    ("skip", "Skip", "S", ":material/skip_next:"),
)


@frame.fragment
def show(db: Database, choice: Choice) -> None:
    """The card of the pair that is next, or what to do when none is left."""
    deck = review_deck.opened(DECK, choice.made_for(person()), lambda: _draw(db, choice))
    if wanted := st.session_state.pop(WANTED, None):
        deck = deck.showing(Card(wanted))
        review_deck.keep(DECK, deck)
    _progress(db, choice, deck)
    if deck.current is None:
        _nothing_left(db, choice, deck)
        return
    stored = pairs.get(db, deck.current.id)
    pair = review_sides.as_shown(stored.pair, person())
    version = review_choice.constitution(db, choice.judge)
    left, right = st.columns([3, 1], gap="medium")
    with left:
        _buttons(deck.current, choice, version.number if version else None)
        _conversation(pair)
        show_answers(pair.response_a, pair.response_b)
        if not choice.blind:
            _judge(db, choice, deck.current)
        if choice.queue != review_choice.GUIDED:
            _before(db, choice)
    with right:
        show_constitution(version)


def open_pair(pair_id: str) -> None:
    """Go to the review page with this pair on top; a guided review waits meanwhile."""
    st.session_state[WANTED] = pair_id
    st.session_state[review_guided.ON] = False
    st.switch_page("pages/review.py")


def mark_sighted(pair_ids: Iterable[str]) -> None:
    """Remember that these pairs were shown with what a judge says of them: no verdict is blind now."""
    _sighted().update(pair_ids)


def _draw(db: Database, choice: Choice) -> Deck:
    with st.spinner("Drawing the queue…"):
        return review_choice.draw(db, choice)


def _progress(db: Database, choice: Choice, deck: Deck) -> None:
    total = len(deck.cards)
    words = deck.progress_words("reviewed")
    if choice.queue != review_choice.GUIDED:
        words += f" · {agreement_words(_agreement(db, choice))}"
    st.progress(deck.at / total if total else 0.0, text=words)


def _agreement(db: Database, choice: Choice) -> Estimate | None:
    """The agreement so far; over many verdicts it takes long to count and is told every tenth one."""
    queues, n = counted_with(choice.queue), labels.people(db).get(person(), 0)
    made_for = (person(), choice.judge, queues, n if n < MANY else n // 10)
    if AGREED not in st.session_state or st.session_state[AGREED][0] != made_for:
        found = agreement_with(db, choice.judge, person(), queues=queues)
        st.session_state[AGREED] = (made_for, found)
    return st.session_state[AGREED][1]


def _conversation(pair: Pair) -> None:
    """A long one scrolls and begins at its end: the last turn is what was answered."""
    text = sum(len(message.content) for message in pair.prompt)
    if text <= LONG:
        cards.conversation(pair.prompt)
        return
    with st.container(height=190, autoscroll=True):
        cards.turns(pair.prompt)


def _buttons(card: Card, choice: Choice, version: int | None) -> None:
    """On top, where they stay in their place however long the answers are."""
    with st.container(horizontal=True, gap="xsmall"):
        for verdict, words, key, icon in _BUTTONS:
            st.button(
                words,
                key=f"pair_{verdict}_{card.id}",
                shortcut=key,
                icon=icon or None,
                type="primary" if verdict in ("a", "b") else "secondary",
                on_click=frame.callback(_decide),
                args=(card, verdict, choice, version),
            )
        undo_button(card.id)


def undo_button(row: str) -> None:
    st.button(
        "Undo",
        key=f"pair_undo_{row}",
        shortcut="U",
        icon=":material/undo:",
        type="tertiary",
        help="Takes back your last verdict and shows that pair again.",
        on_click=frame.callback(_undo),
    )


def _decide(
    db: Database, card: Card, verdict: Verdict, choice: Choice, version: int | None
) -> None:
    deck = review_deck.kept(DECK)
    if deck is None or deck.after(card.id) == deck:
        return  # a second key on a pair that was decided while the screen changed
    review = Review(
        blind=choice.blind and card.id not in _sighted(),
        queue=choice.queue,
        pi=card.pi,
        reviewer=person(),
        constitution_version=version,
        first=True,  # the store knows whether it is
    )
    pair = pairs.get(db, card.id).pair
    own = review_sides.own_verdict(card.id, person(), verdict)
    labels.add(db, labels.verdict_label(pair, own, review=review))
    review_deck.keep(DECK, deck.after(card.id))
    st.session_state[BEFORE] = card.id


def _undo(db: Database) -> None:
    last, deck = labels.last_of(db, person()), review_deck.kept(DECK)
    if last is None or deck is None:
        st.toast("You have no verdict to undo.")
        return
    labels.undo(db, last.id, who=person())
    review = last.label.review
    review_deck.keep(DECK, deck.showing(Card(last.pair_id, review.pi if review else None)))
    st.session_state.pop(BEFORE, None)


def _sighted() -> set[str]:
    return st.session_state.setdefault(SIGHTED, set())  # type: ignore[no-any-return]


def _judge(db: Database, choice: Choice, card: Card) -> None:
    found = review_choice.judgement(db, choice.judge, card.id)
    if found:
        _sighted().add(card.id)
        found = review_sides.label_as_shown(found, person())
    with st.container(border=True):
        show_judgement(found, key=card.id)


def _before(db: Database, choice: Choice) -> None:
    """What was said of the pair before: now its judge may be seen."""
    row = st.session_state.get(BEFORE)
    said = labels.last_of(db, person()) if row else None
    if said is None or said.pair_id != row:
        return
    mine = review_sides.label_as_shown(said.label, person())
    found = review_choice.judgement(db, choice.judge, row)
    judged = review_sides.label_as_shown(found, person()) if found else None
    judge = cards.verdict_text(judged.verdict) if judged else "nothing yet"
    words = f"The pair before · you: {cards.verdict_text(mine.verdict)} · judge: {judge}"
    panel = st.expander(words, icon=":material/history:", key="pair_before", on_change="rerun")
    if panel.open:
        with panel:
            asked = said.label.pair.prompt[-1].content
            st.caption(label(shorten(asked, 300), limit=300))
            show_judgement(judged, key=f"before_{row}")
            if judged and {mine.verdict, judged.verdict} == {"a", "b"}:
                _offer_of_overruled(db, said.label, row)
            else:
                _offer_of_answers(db, said.label.pair, mine.pair)


def _offer_of_overruled(db: Database, said: Label, row: str) -> None:
    """A judgement was overruled: what the judge missed can become a principle."""
    pair = said.pair
    better, worse = pair.response_a, pair.response_b
    if said.verdict == "b":
        better, worse = worse, better
    subject = Subject(pair.prompt, worse, pair, preferred=better)
    principle_from.offer(db, subject, key=f"before_{row}")


def _offer_of_answers(db: Database, pair: Pair, shown: Pair) -> None:
    """What is good or bad about either answer can become one too; sides as they were shown."""
    for side, answer in (("A", shown.response_a), ("B", shown.response_b)):
        subject = Subject(pair.prompt, answer, pair)
        title = f"Make a principle of answer {side}"
        principle_from.offer(db, subject, key=f"before_{side}_{pair.id}", title=title)


def _nothing_left(db: Database, choice: Choice, deck: Deck) -> None:
    if choice.queue == review_choice.GUIDED:
        review_guided.show_result(db, choice.judge)
        undo_button("done")
        return
    with st.container(border=True, width=640):
        if not deck.cards:
            st.markdown("**No pair passes these filters**")
            st.markdown("Choose other filters above, or make more pairs.")
        else:
            st.markdown("**You have reviewed every pair in this queue**")
            st.markdown("Draw another sample, choose another queue, or go on to the datasets.")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "Draw again",
                icon=":material/refresh:",
                key="pair_again",
                on_click=_draw_again,
            )
            undo_button("done")
            menu.link("generate", "Make pairs")
            menu.link("curate", "Build a dataset")


def _draw_again() -> None:
    st.session_state[review_choice.DRAWS] = st.session_state.get(review_choice.DRAWS, 0) + 1
    review_deck.close(DECK)
    st.rerun()
