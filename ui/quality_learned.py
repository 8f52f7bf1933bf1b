"""The learned judge's tab: what it was taught, how often it agrees with people, and what it can do."""

import math

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import ModelError
from cai_core.jobs.queue import Submission
from cai_core.models import catalogue
from cai_core.review import head_folder
from cai_core.review.head import NEEDED, Beside, Head
from cai_core.settings import Settings
from cai_core.stats import Estimate
from cai_core.store import pairs
from ui import charts, generate_start, job_cards, menu, quality_lessons, quality_reward
from ui.generate_start import Plan
from ui.plain import label, shorten
from ui.quality_data import Quality
from ui.quality_lessons import Learning
from ui.quality_words import begun

POOL = "quality_pool"  # session state: whether the job on all pairs was asked for


def beside_of(db: Database, quality: Quality) -> Beside | None:
    """The learned judge beside the subject's, for the certificate; None where there is none."""
    try:
        return quality_lessons.learning(db, quality).compared
    except ModelError:
        return None  # the tab says why


def show(db: Database, quality: Quality) -> None:
    st.caption(
        "A small head on what a model of this machine makes of both answers, fitted to people's first"
        " blind verdicts after every review. Whoever taught it is no independent check of it."
    )
    _choose_model()
    try:
        found = quality_lessons.learning(db, quality)
    except ModelError as error:
        st.caption(f"There is no learned judge: {label(str(error), limit=400)}")
        menu.link("settings", "Look at the models")
        return
    _state(found)
    if found.head is not None:
        _agreement(found, found.head)
        _whole_pool(db, quality, found.head)
        quality_reward.show(db, quality, found)
    job_cards.live(db, ("features", "learn"))


def _choose_model() -> None:
    settings = Settings.load()
    ids = [one.id for one in catalogue.known(settings) if not one.id.startswith("endpoint:")]
    first = settings.base_model
    st.selectbox(
        "Whose features",
        ids,
        index=ids.index(first) if first in ids else 0,
        format_func=lambda one: shorten(one, 60),
        key=quality_lessons.MODEL,
        persist_state="session",
        width=420,
    )


def _state(found: Learning) -> None:
    """How many verdicts there are, and a way to read the answers that were not read yet."""
    taught, missing = len(found.taught), len(found.missing)
    both = taught + missing
    if both < NEEDED:
        st.markdown(
            f"**{NEEDED - both} more pairs read blind** are needed: there are {both} of {NEEDED}."
            " From then on it is fitted by itself."
        )
        menu.link("review", "Review pairs")
    if not missing:
        return
    st.markdown(
        f"The answers of **{missing:,} of {both:,}** reviewed pairs were not read by"
        f" {label(found.model)} yet."
    )
    job = Submission(
        "features",
        f"Features of {missing} reviewed pairs",
        options={"pairs": "pairs.jsonl", "model": found.model},
        files={"pairs.jsonl": [pair.to_row() for pair in found.missing]},
    )
    says = f"Read both answers of {missing:,} pairs once with {label(found.model)}, and keep what it made of them."
    generate_start.start(Plan(job, missing, says))


def _agreement(found: Learning, head: Head) -> None:
    st.subheader("How often it agrees with people", anchor=False)
    st.caption(
        f"{label(begun(head.taught), limit=200)}, on {head.pairs:,} pairs: it is not independent of"
        " them. Each pair is judged by a fit that saw no verdict on its prompt."
    )
    compared = found.compared
    if compared is None:
        charts.interval_chart({"learned judge": head.fit.agreement}, title="agreement", even=0.5)
        st.caption("The judge whose labels are chosen above judged none of these pairs.")
        return
    rows = {
        f"learned judge, n = {compared.learned.n}": compared.learned,
        f"the labels above, n = {compared.other.n}": compared.other,
    }
    if compared.combined.n:
        rows[f"both together, n = {compared.combined.n}"] = compared.combined
    charts.interval_chart(rows, title="share of agreement", even=0.5, key="quality_beside")
    st.caption(gain_words("The learned judge agrees", compared.gain))
    if compared.combined.n:
        st.caption(gain_words("With the principles' votes it agrees", compared.combined_gain))


def gain_words(who: str, gain: Estimate) -> str:
    """
    >>> gain_words("It agrees", Estimate(0.05, 0.01, 0.09, 80))
    'It agrees on 5.0 points more of the pairs (+1.0 to +9.0), n = 80.'
    """
    if not math.isfinite(gain.value):
        return f"{who}: –, n = {gain.n}."
    more = "more" if gain.value >= 0 else "fewer"
    ends = f"{100 * gain.low:+.1f} to {100 * gain.high:+.1f}"
    return (
        f"{who} on {100 * abs(gain.value):.1f} points {more} of the pairs ({ends}), n = {gain.n:,}."
    )


def _whole_pool(db: Database, quality: Quality, head: Head) -> None:
    st.subheader("Label the whole pool with it", anchor=False)
    n = pairs.count(db)
    st.caption(
        f"Its label on all {n:,} pairs becomes one of the judge settings: the queue **most useful**, the"
        " certificate and Curate can then use it. A person's verdict still stands over it."
    )
    st.button(
        f"Label {n:,} pairs …",
        icon=":material/label:",
        key="quality_pool_ask",
        on_click=_ask_pool,
        args=(head.id,),
    )
    if st.session_state.get(POOL) == head.id:
        generate_start.start(_pool_plan(db, head))


def _ask_pool(head: str) -> None:
    st.session_state[POOL] = head


def _pool_plan(db: Database, head: Head) -> Plan:
    """The job, with the head kept in the workspace so that the command finds it by its id."""
    head_folder.keep(head)
    everything = [item.pair.to_row() for item in pairs.find(db)]
    job = Submission(
        "judge",
        f"Learned judge on {len(everything):,} pairs",
        options={"pairs": "pairs.jsonl", "judge": head.annotator},
        files={"pairs.jsonl": everything},
    )
    says = (
        f"Label {len(everything):,} pairs by the judge that was {label(head.taught, limit=200)}. Answers"
        f" that {label(head.model)} has not read yet are read first."
    )
    return Plan(job, len(everything), says)
