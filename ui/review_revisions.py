"""Revisions one at a time on the review card: prompt, first answer, what became of it, and a decision by key.

D rejects a revision: Streamlit keeps the key R for itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import SPLITS, Revision
from cai_core.store import revisions, work
from cai_core.store.revisions import RevisionFilter, StoredRevision
from ui import cards, diff, frame, menu, principle_from, review_decisions
from ui.plain import shorten
from ui.principle_from import Subject
from ui.review_answers import parts_of_both
from ui.review_card import Box, Fact, Nothing, Row, plain_parts, turns_of
from ui.review_decisions import Shelf
from ui.review_rows import folded

_DONE = {"Not decided yet": False, "Decided": True, "All": None}


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
    shelf = Shelf(
        kind="revision",
        log=revisions,
        made_for=where,
        ids=partial(revisions.ids, db, where),
        rows=partial(_rows, db),
        question="Is this revision a good answer to learn from?",
        nothing=Nothing(
            "Nothing is left under these filters",
            "Choose others above, or build a dataset from what was kept.",
        ),
    )
    review_decisions.show(db, shelf)
    _progress(db, where)
    if last := review_decisions.last_decided(shelf):
        made = revisions.get(db, last).revision
        title = "Make a principle of the revision before"
        subject = Subject(made.prompt, made.final)
        principle_from.offer(db, subject, key=f"revision_{last}", title=title)
    menu.link("curate", "Build the SFT dataset")


def _progress(db: Database, where: RevisionFilter) -> None:
    everything = replace(where, decided=None)
    total = revisions.count(db, everything)
    done = revisions.count(db, replace(everything, decided=True))
    st.progress(done / total if total else 0.0, text=f"{done} of {total} decided")


def _rows(db: Database, ids: Sequence[str]) -> tuple[Row, ...]:
    return tuple(row_of(revisions.get(db, one)) for one in ids)


def row_of(stored: StoredRevision) -> Row:
    """The first answer beside the last revision, what was decided, and every round below."""
    made = stored.revision
    first, last = made.initial, made.final
    both = parts_of_both(first, last)
    left, right = map(folded, both) if both else (plain_parts(first), plain_parts(last))
    boxes = [Box("First answer", left), Box(_title(made), right)]
    if stored.decision and stored.decision.verdict == "correct":
        boxes.append(Box("As corrected", plain_parts(stored.decision.text)))
    return Row(
        id=stored.id,
        turns=turns_of(made.prompt),
        boxes=tuple(boxes),
        badges=(*review_decisions.badge_of(stored.decision), *_flaws(made)),
        note=f"{diff.change_summary(first, last)} · {_made(made)}",
        facts=_rounds(made),
        starts=(
            ("Begin with the revision", stored.response),
            ("Begin with the first answer", first),
        ),
    )


def _title(made: Revision) -> str:
    n = len(made.rounds)
    return "No round of revision" if not n else f"After {n} round{'' if n == 1 else 's'}"


def _flaws(made: Revision) -> tuple[str, ...]:
    return tuple(
        f"Round {number}: {flaw}"
        for number, flaws in enumerate(made.flaws, start=1)
        for flaw in flaws
    )


def _rounds(made: Revision) -> tuple[Fact, ...]:
    """Each round's critique, and what it made of the answer where another round came after."""
    found = []
    for number, one in enumerate(made.rounds, start=1):
        title = f"Round {number} · {one.principle}"
        found.append(Fact(f"{title} · critique", text=one.critique.strip() or "(none)"))
        if number < len(made.rounds):
            found.append(Fact(f"{title} · revision", text=one.revision or "(empty)"))
    return tuple(found)


def _made(made: Revision) -> str:
    ref = made.constitution
    under = f", under {ref.name} version {ref.version or '(a draft)'}" if ref else ""
    return f"By {made.model or 'an unnamed model'}{under}"
