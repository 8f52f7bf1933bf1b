"""Pairs one at a time on the review card: what was pressed is stored, the next ones are handed over.

A decision is an event; nothing is overwritten. The card draws the next pair itself, so that a key never
waits for this page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import Label, Pair
from cai_core.store import draws, guidelines, labels, pairs, sighted
from cai_core.store.draws import Lease
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import StoredPair
from ui import (
    cards,
    frame,
    menu,
    principle_from,
    review_card,
    review_choice,
    review_guided,
    review_presses,
    review_progress,
    review_rows,
    review_search,
    review_sides,
)
from ui.person import person
from ui.plain import label, shorten
from ui.principle_from import Subject
from ui.review_card import HELP, NOTE, UNDO, Before, Button, Fact, Hand, Nothing, Rule, Side
from ui.review_choice import GUIDED, Choice
from ui.review_judge import show_judgement
from ui.review_presses import Reading, Stored

CARD = "review_pairs_card"  # the component's key
BEFORE = "review_pair_before"  # session state: id of the pair that was decided last
TOP = "review_on_top"  # session state: ids of pairs that come before those of the queue

REASONS = ("harmful", "evasive", "wrong", "preachy", "off topic", "unclear", "too long", "rude")
BUTTONS = (
    Button("a", "A is better", says="a", clear=True, tone="primary"),
    Button("b", "B is better", says="b", clear=True, tone="primary"),
    Button("t", "Tie", says="tie"),
    Button("x", "Both bad", says="bad", help="Both are bad: the pair stays out of datasets"),
    Button("s", "Skip", says="skip", help="Skip: say nothing of this pair"),
    Button("e", "Better answer", "edit", help="Write the answer that would be right"),
    NOTE,
    UNDO,
    HELP,
)
QUESTION = "Which answer follows this constitution better?"


@dataclass(frozen=True)
class Line:
    """The next pairs, the first one to show first: those asked for by hand, then the queue's."""

    pairs: tuple[StoredPair, ...]
    opened: frozenset[str] = frozenset()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(item.id for item in self.pairs)


@frame.fragment
def show(db: Database, choice: Choice) -> None:
    """Store what was pressed, and hand over what comes next."""
    choice = review_choice.as_it_is_now(db, choice)
    if choice.name == "search":
        review_search.show(db, choice.queue.where, open_here)
    handed = review_card.handed(CARD)
    under = choice.version.ref if choice.version else None
    stored = review_presses.store(db, handed.presses, Reading(person(), choice.queue, under))
    _remember(stored)
    choice = review_choice.as_it_is_now(db, choice)
    line = _line(db, draws.lease(db, person(), choice.queue) if _draws(choice) else [])
    review_progress.show(db, choice)
    if choice.name == GUIDED and not line.pairs:
        review_guided.show_result(db, choice.judge)
    hand = Hand(
        kind="pair",
        person=person(),
        queue=choice.queue.key,
        buttons=BUTTONS,
        cards=_rows(db, choice, line),
        acks=stored.acks,
        echo=handed.nonce,
        reasons=REASONS,
        question=QUESTION if line.pairs else "",
        side=side_of(db, choice),
        before=None if choice.name == GUIDED else _before(db, choice),
        before_title="The pair before",
        nothing=_nothing(choice),
        told=" ".join(stored.refused),
    )
    review_card.show(hand, key=CARD)
    if not line.pairs:
        _ways_on(choice)
    if choice.name != GUIDED:
        _look_back(db, choice)


def open_pair(pair_id: str) -> None:
    """Go to the review page with this pair on top; a guided review waits meanwhile."""
    open_here(pair_id)
    st.session_state[review_guided.ON] = False
    st.switch_page("pages/review.py")


def open_here(pair_id: str) -> None:
    """Put this pair on top."""
    others = [one for one in st.session_state.get(TOP, ()) if one != pair_id]
    st.session_state[TOP] = (pair_id, *others)


def _remember(stored: Stored) -> None:
    """What was taken back comes on top; what was said comes from there no more."""
    for pair_id in stored.said:
        top = st.session_state.get(TOP, ())
        st.session_state[TOP] = tuple(one for one in top if one != pair_id)
        st.session_state[BEFORE] = pair_id
    for pair_id in stored.back:
        open_here(pair_id)
        st.session_state.pop(BEFORE, None)


def _draws(choice: Choice) -> bool:
    """A search without words draws nothing."""
    return choice.name != "search" or bool(choice.queue.where.text)


def _line(db: Database, leases: Sequence[Lease]) -> Line:
    top: tuple[str, ...] = st.session_state.get(TOP, ())
    leased = {lease.pair.id: lease.pair for lease in leases}
    opened = pairs.many(db, [one for one in top if one not in leased])
    both = opened | leased
    first = [both[one] for one in top if one in both]
    rest = [item for key, item in leased.items() if key not in top]
    return Line((*first, *rest), frozenset(opened))


def _rows(db: Database, choice: Choice, line: Line) -> tuple[review_card.Row, ...]:
    """The rows of the card; a pair whose judgement is handed over with it is sighted from now on."""
    judged: dict[str, Label] = {}
    if not choice.blind:
        judged = review_choice.judgements(db, choice.judge, line.ids)
        sighted.mark(db, person(), judged)
    people = _said(db, line) if choice.name == "adjudication" else {}
    rows = []
    for item in line.pairs:
        facts: list[Fact] = []
        if said := people.get(item.id):
            facts.append(review_rows.people_fact(said))
        if not choice.blind:
            facts.append(review_rows.judge_fact(_as_shown(judged.get(item.id))))
        badges = ("Opened by hand: measures nothing",) if item.id in line.opened else ()
        rows.append(review_rows.pair_row(item.pair, person(), badges=badges, facts=facts))
    return tuple(rows)


def _said(db: Database, line: Line) -> dict[str, list[Label]]:
    """What people said of these pairs, with the sides as this reviewer sees them."""
    found: dict[str, list[Label]] = {}
    for item in labels.standing(db, LabelFilter(kind="person", pairs=line.ids)):
        shown = review_sides.label_as_shown(item.label, person())
        found.setdefault(item.pair_id, []).append(shown)
    return found


def _as_shown(found: Label | None) -> Label | None:
    return review_sides.label_as_shown(found, person()) if found else None


def side_of(db: Database, choice: Choice) -> Side:
    """The principles that a comparison is made under, and the owner's guidelines."""
    if choice.version is None:
        return Side("There is no constitution yet", empty="Write one under Constitution.")
    name = choice.version.constitution.name
    asked = [p for p in choice.version.constitution.enabled if p.text.strip()]
    written = guidelines.newest(db, name)
    return Side(
        f"{name}, version {choice.version.number}",
        rules=tuple(Rule(p.key, p.text) for p in asked),
        guidelines=written.text if written else "",
        empty="" if asked else "No principle of this version has a wording for comparisons.",
    )


def _before(db: Database, choice: Choice) -> Before | None:
    """What was said of the pair before: now its judge is seen, and the pair is sighted."""
    said = _mine(db)
    if said is None:
        return None
    judged = _as_shown(review_choice.judgement(db, choice.judge, said.pair.id))
    if judged is not None:
        sighted.mark(db, person(), [said.pair.id])
    mine = review_sides.label_as_shown(said, person())
    you = f"you said “{cards.verdict_text(mine.verdict)}”"
    judge = cards.verdict_text(judged.verdict) if judged else "nothing yet"
    return Before(said.pair.id, you, f"the judge: {judge}")


def _mine(db: Database) -> Label | None:
    """This person's standing verdict on the pair that was decided last."""
    row = st.session_state.get(BEFORE)
    if row is None:
        return None
    where = LabelFilter(kind="person", annotator=person(), pairs=[row])
    found = labels.standing(db, where)
    return found[-1].label if found else None


def _look_back(db: Database, choice: Choice) -> None:
    """The judgement of the pair before in full, and a way to make a principle of it."""
    said = _mine(db)
    if said is None:
        return
    row = said.pair.id
    panel = st.expander(
        "The pair before", icon=":material/history:", key="pair_before", on_change="rerun"
    )
    if not panel.open:
        return
    mine = review_sides.label_as_shown(said, person())
    judged = _as_shown(review_choice.judgement(db, choice.judge, row))
    with panel:
        asked = said.pair.prompt[-1].content
        st.caption(label(shorten(asked, 300), limit=300))
        show_judgement(judged, key=f"before_{row}")
        if judged and {mine.verdict, judged.verdict} == {"a", "b"}:
            _offer_of_overruled(db, said, row)
        else:
            _offer_of_answers(db, said.pair, mine.pair)


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


def _nothing(choice: Choice) -> Nothing:
    if choice.name == GUIDED:
        return Nothing("Your first review is done")
    if choice.name == "search":
        return Nothing("No pair is open", "Search above, and click one to read it.")
    return Nothing(
        "No pair is left in this queue",
        "Choose another queue or other filters, or go on to the datasets. U takes the last one back.",
    )


def _ways_on(choice: Choice) -> None:
    if choice.name == GUIDED:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        menu.link("generate", "Make pairs")
        menu.link("curate", "Build a dataset")
