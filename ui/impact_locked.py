"""The locked half of the reviewed pairs: looked at once for each saved version."""

from dataclasses import replace

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import DataError, NotFoundError
from cai_core.impact.people import Against, against, by_part
from cai_core.jobs import ingest, queue
from cai_core.schema import ConstitutionRef, Pair, Version
from cai_core.store import constitutions, looks, work
from cai_core.store.looks import Look
from ui import cards, frame, impact_live
from ui.clock import moment
from ui.judge_choices import judge_words
from ui.plain import label


def show_against(found: Against) -> None:
    """Agreement with people before and after, and McNemar's exact test."""
    for column, title, estimate in zip(
        st.columns(2),
        ("Agrees with people, before", "after"),
        (found.before, found.after),
        strict=True,
    ):
        with column:
            cards.number(title, estimate, percent=True)
    st.caption(
        f"{found.gained} became right and {found.lost} became wrong; McNemar's exact test"
        f" p = {found.p:.2f}."
    )


@frame.fragment
def show(db: Database, job_id: str) -> None:
    """The look that was taken for this version, or the button that takes it."""
    job = work.get(db, job_id)
    st.markdown("**The locked half**")
    version = _version(db, job)
    if version is None:
        st.caption(
            "Half of the reviewed prompts, by hash, are locked: no draft is held against them. Save"
            " this state as a version, and its result can be looked at once."
        )
        return
    look = looks.of_version(db, version.id)
    if look is not None:
        show_against(Against.from_row(look.found))
        _say_look(db, look, job_id)
        return
    st.caption(
        "Look once, when you are done with editing: afterwards these pairs are tuned on too."
    )
    st.button(
        f"Look at version {version.number} on the locked pairs",
        key=f"look_{job_id}",
        icon=":material/lock_open:",
        on_click=frame.callback(_look),
        args=(job_id,),
    )


def _say_look(db: Database, look: Look, job_id: str) -> None:
    """Who looked and when; and at which comparison, where it was not this one."""
    said = f"{label(look.who)} looked on {moment(look.created)}; {looks.count(db)} looks were taken in this workspace."
    if look.job != job_id:
        job = work.get(db, look.job)
        judge = judge_words(str(job.config.get("options", {}).get("judge", "")))
        said += (
            f" It was another comparison of this version: {label(job.title)}, judged by {judge}."
        )
    st.caption(f"{said} It is shown as it was then.")


def _version(db: Database, job: work.Job) -> Version | None:
    """The saved version that was compared; a draft has none, though it may equal one."""
    ref = ConstitutionRef.from_row(job.config.get("constitution"))
    if ref is None or ref.version is None:
        return None
    try:
        return constitutions.numbered(db, ref.name, ref.version)
    except NotFoundError:
        return None


def _look(db: Database, job_id: str) -> None:
    job = work.get(db, job_id)
    version = _version(db, job)
    assert version is not None
    found = _on_locked(job)
    if not found.before.n:
        raise DataError("none of the locked pairs of this comparison has a person's verdict")
    looks.take(db, version.id, job=job_id, found=found.to_row(), who=frame.person())


def _on_locked(job: work.Job) -> Against:
    """With people's verdicts as the job was given them: its result leaves the locked ones out."""
    given = map(Pair.from_row, ingest.rows_in(queue.folder_of(job.id) / "pairs.jsonl"))
    verdicts = {pair.id: pair.label for pair in given}
    pairs = [
        replace(one, pair=replace(one.pair, label=verdicts.get(one.pair.id)))
        for one in impact_live.rows_so_far(job).pairs
    ]
    return against(by_part(pairs, "locked"))
