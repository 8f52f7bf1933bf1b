"""Revisions one at a time: prompt, first answer, rounds with their differences, and a decision by key.

D drops a revision: Streamlit keeps the key R for itself.
"""

from dataclasses import replace

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import SPLITS, Revision, Round
from cai_core.store import revisions, work
from cai_core.store.revisions import Decision, RevisionFilter, StoredRevision
from ui import cards, diff, frame, menu, principle_from, review_deck
from ui.person import person
from ui.plain import block, label, shorten
from ui.principle_from import Subject
from ui.review_deck import Card, Deck

DECK = "review_revision_deck"  # session state
EDITING = "review_revision_editing"  # session state: id of the revision whose text is open
AT_ONCE = 500  # rows in one deck

_DONE = {"Not decided yet": False, "Decided": True, "All": None}
_SAID = {"keep": "kept", "drop": "dropped", "correct": "corrected", "skip": "skipped"}


def show(db: Database) -> None:
    """The whole tab."""
    if not revisions.count(db):
        cards.empty(
            "There are no revisions yet",
            "Let a model criticise and revise its answers to a prompt set, and read them here.",
            page="generate",
            label="Make revisions",
        )
        return
    _show_one(_filters(db))


def _filters(db: Database) -> RevisionFilter:
    runs = _runs(db)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        done = st.selectbox("Which", list(_DONE), key="revision_done", width=180)
        job = st.selectbox(
            "Run",
            ["", *runs],
            format_func=lambda job_id: runs.get(job_id, "All runs"),
            key="revision_job",
            width=260,
        )
        split = st.selectbox(
            "Split",
            ["", *SPLITS],
            format_func=lambda s: s or "All",
            key="revision_split",
            width=110,
        )
        text = st.text_input(
            "Search", key="revision_text", type="search", placeholder="Words", width=220
        )
    return RevisionFilter(text=text.strip(), split=split or None, job=job, decided=_DONE[done])


def _runs(db: Database) -> dict[str, str]:
    return {
        job.id: f"{shorten(job.title, 40)} · {job.id[:15]}"
        for job in work.find(db, kinds=["revise"])
    }


@frame.fragment
def _show_one(db: Database, where: RevisionFilter) -> None:
    deck = review_deck.opened(DECK, where, lambda: _draw(db, where))
    _progress(db, where)
    _buttons(deck.current)
    if deck.current is None:
        _finished(db, where)
        return
    stored = revisions.get(db, deck.current.id)
    if st.session_state.get(EDITING) == stored.id:
        _editor(stored)
    _decided(stored)
    show_revision(stored.revision)
    made = stored.revision
    principle_from.offer(db, Subject(made.prompt, made.final), key=f"revision_{stored.id}")


def _draw(db: Database, where: RevisionFilter) -> Deck:
    found = [Card(item.id) for item in revisions.find(db, where, limit=AT_ONCE)]
    return Deck.of(where, found, frozenset())


def _progress(db: Database, where: RevisionFilter) -> None:
    everything = replace(where, decided=None)
    total = revisions.count(db, everything)
    done = revisions.count(db, replace(everything, decided=True))
    st.progress(done / total if total else 0.0, text=f"{done} of {total} decided")


def _buttons(card: Card | None) -> None:
    row = card.id if card else ""
    choices: tuple[tuple[Decision, str, str, str], ...] = (
        ("keep", "Keep", "K", ":material/check:"),
        ("drop", "Drop", "D", ":material/close:"),
        ("skip", "Skip", "S", ":material/skip_next:"),
    )
    with st.container(horizontal=True):
        for decision, words, key, icon in choices:
            st.button(
                words,
                key=f"revision_{decision}_{row}",
                shortcut=key,
                icon=icon,
                disabled=card is None,
                on_click=frame.callback(_decide),
                args=(row, decision),
            )
        st.button(
            "Edit",
            key=f"revision_edit_{row}",
            shortcut="E",
            icon=":material/edit:",
            disabled=card is None,
            on_click=_edit,
            args=(row,),
        )
        st.button(
            "Undo",
            key=f"revision_undo_{row}",
            shortcut="U",
            icon=":material/undo:",
            type="tertiary",
            on_click=frame.callback(_undo),
        )


def _decide(db: Database, row: str, decision: Decision, text: str = "") -> None:
    deck = review_deck.kept(DECK)
    if deck is None or deck.after(row) == deck:
        return  # a second key on a row that was decided while the screen changed
    revisions.decide(db, row, decision, person=person(), text=text)
    review_deck.keep(DECK, deck.after(row))
    _stop_editing()


def _undo(db: Database) -> None:
    last = revisions.last_of(db, person())
    deck = review_deck.kept(DECK)
    if last is None or deck is None:
        st.toast("You have no decision to undo.")
        return
    revisions.undo(db, last.id, who=person())
    review_deck.keep(DECK, deck.showing(Card(last.row)))
    _stop_editing()


def _edit(row: str) -> None:
    st.session_state[EDITING] = row


def _stop_editing() -> None:
    st.session_state.pop(EDITING, None)


def _editor(stored: StoredRevision) -> None:
    key = f"revision_text_{stored.id}"
    st.session_state.setdefault(key, stored.response)
    with st.container(border=True):
        st.text_area("The answer as it should be", key=key, height=180)
        with st.container(horizontal=True):
            st.button(
                "Save the correction",
                type="primary",
                key=f"revision_save_{stored.id}",
                on_click=frame.callback(_save),
                args=(stored.id, key),
            )
            st.button("Cancel", key=f"revision_cancel_{stored.id}", on_click=_stop_editing)


def _save(db: Database, row: str, key: str) -> None:
    _decide(db, row, "correct", st.session_state[key])


def _decided(stored: StoredRevision) -> None:
    """Whether somebody decided on it before, and what the correction says."""
    last = stored.decision
    if last is None:
        return
    st.badge(f"{_SAID[last.verdict]} by {label(last.person)}", icon=":material/person:")
    if last.verdict == "correct":
        diff.show_diff(stored.revision.final, last.text)


def show_revision(revision: Revision) -> None:
    """Draw a revision: what was asked on the left, what became of the answer on the right."""
    left, right = st.columns([2, 3], gap="medium")
    with left:
        cards.conversation(revision.prompt)
        cards.answer("First answer", revision.initial)
        st.caption(_made(revision))
    with right:
        before = revision.initial
        for number, one in enumerate(revision.rounds, start=1):
            _round(number, one, before)
            before = one.revision
        if not revision.rounds:
            st.caption("There was no round of revision.")


def _made(revision: Revision) -> str:
    ref = revision.constitution
    under = f", under {ref.name} version {ref.version or '(a draft)'}" if ref else ""
    return label(f"By {revision.model or 'an unnamed model'}{under}", limit=160)


def _round(number: int, one: Round, before: str) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Round {number}**", width="stretch")
            for flaw in one.flaws(before):
                st.badge(flaw, icon=":material/warning:", color="orange")
            st.badge(label(one.principle), icon=":material/gavel:", color="gray")
        st.caption("Critique")
        st.html(block(one.critique) if one.critique.strip() else block("(none)"))
        st.caption(f"Revision · {diff.change_summary(before, one.revision)}")
        diff.show_diff(before, one.revision)


def _finished(db: Database, where: RevisionFilter) -> None:
    with st.container(border=True, width=640):
        st.markdown("**Nothing is left under these filters**")
        st.markdown("Choose others above, or build a dataset from what was kept.")
        with st.container(horizontal=True):
            st.button(
                "Look again",
                icon=":material/refresh:",
                key="revision_again",
                on_click=review_deck.close,
                args=(DECK,),
            )
            menu.link("curate", "Build the SFT dataset")
