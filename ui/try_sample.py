"""A random sample of pairs under the saved version and the draft: flips as they come, and how many.

Two blocks of pairs are never judged in one run of the script, so that whoever edits or stops meanwhile
waits for one small block at most.
"""

import random
from dataclasses import dataclass
from functools import cached_property

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import CaiError
from cai_core.feedback.comparison import label_template
from cai_core.feedback.examples import comparisons_in_use
from cai_core.impact.asking import Bench, answers
from cai_core.impact.edit import Edit
from cai_core.impact.outcome import Judged, judged
from cai_core.impact.people import without_locked
from cai_core.impact.plan import Plan, plan
from cai_core.impact.shifts import flip_share
from cai_core.impact.stored import stored_votes
from cai_core.schema import Pair
from cai_core.settings import JudgeSetting, Settings
from cai_core.store import pairs
from ui import cards, frame, impact_cards, live, shortcuts
from ui.draft import Draft
from ui.impact_votes import stored_labels
from ui.plain import label

FOUND = "try_sample_found"  # session state: {what was tried: {pair id: Judged}}
TODO = "try_sample_todo"  # session state: ids of pairs still to be judged
TRIED = "try_sample_tried"  # session state: what the pairs under TODO are judged under
FIRST, MOST = 1, 8  # pairs in a block: the first answers come soon, later ones are read together
SAMPLE = 20
SHOWN = 8  # flips drawn


@dataclass(frozen=True)
class _Try:
    """What is tried: an edit, by which judge."""

    edit: Edit
    setting: JudgeSetting

    @property
    def mark(self) -> str:
        return f"{self.edit.old.hash} {self.edit.new.hash} {self.setting.model_dump_json()}"

    @cached_property
    def plan(self) -> Plan:
        return plan(self.edit, self.setting, placebos=0)


def show_sample(db: Database, draft: Draft, model_id: str, *, again: bool) -> None:
    """Draw the sample's buttons and what was found; judge the next block.

    Args:
        again: begin anew by itself whenever the draft has changed.
    """
    with st.container(border=True, gap="small"):
        st.markdown("**On a sample of pairs**")
        if draft.base is None:
            st.caption("Save a first version: then a sample of pairs shows what a draft changes.")
            return
        there = sorted(item.id for item in pairs.find(db))
        if not there:
            st.caption("There are no pairs yet; sample or upload some on the generate page.")
            return
        _show(db, draft, model_id, there, again)


def _show(db: Database, draft: Draft, model_id: str, there: list[str], again: bool) -> None:
    assert draft.base is not None
    size = _controls(there)
    try:
        edit = Edit(draft.base.constitution, draft.constitution.check())
        touched = edit.touched
    except CaiError as error:
        st.caption(label(str(error), limit=300))
        return
    if not touched:
        _end()
        st.caption(f"A judge is asked the same as under version {draft.base.number}.")
        return
    setting = Settings.load().judge.model_copy(update={"model": model_id, "panel": ()})
    tried = _Try(edit, setting)
    ids = random.Random(0).sample(there, size)
    _begin_where_asked(tried, ids, again)
    if st.session_state.get(TODO):
        _judge_block(db, tried)
    _show_found(tried, size)
    if st.session_state.get(TODO):
        st.rerun()


def _controls(there: list[str]) -> int:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.number_input(
            f"Pairs, of {len(there)}",
            min_value=1,
            max_value=len(there),
            value=min(SAMPLE, len(there)),
            key="try_sample_size",
            width=130,
        )
        running = bool(st.session_state.get(TODO))
        st.button(
            "Try the sample",
            key="try_sample",
            icon=":material/play_arrow:",
            shortcut=shortcuts.SAMPLE,
            disabled=running,
            on_click=_ask,
        )
        st.button(
            "Stop, I have seen enough",
            key="try_sample_stop",
            icon=":material/stop:",
            disabled=not running,
            on_click=stop,
        )
    return int(size)


_ASKED = "try_sample_asked"  # session state: whether the button was pressed just now


def _ask() -> None:
    st.session_state[_ASKED] = True


def stop() -> None:
    """Stop, and do not begin anew by itself on this same draft."""
    st.session_state[TODO] = []


def _end() -> None:
    st.session_state[TODO] = []
    st.session_state[TRIED] = ""


def _begin_where_asked(tried: _Try, ids: list[str], again: bool) -> None:
    """Begin where the button was pressed, or where the draft has changed and that is enough."""
    pressed = st.session_state.pop(_ASKED, False)
    changed = st.session_state.get(TRIED) != tried.mark
    if changed:
        st.session_state[TODO] = []
    if not pressed and not (changed and again):
        return
    st.session_state[TRIED] = tried.mark
    done = _found(tried)
    st.session_state[TODO] = [id for id in ids if id not in done]


def _found(tried: _Try) -> dict[str, Judged]:
    by_mark = st.session_state.setdefault(FOUND, {})
    return by_mark.setdefault(tried.mark, {})  # type: ignore[no-any-return]


def _judge_block(db: Database, tried: _Try) -> None:
    """Judge the next few pairs; where that fails nothing goes on, and the error is shown."""
    todo: list[str] = st.session_state[TODO]
    size = MOST if _found(tried) else FIRST
    block = [item.pair for item in pairs.many(db, todo[:size]).values()]
    try:
        with live.interactive(db), st.spinner("Judging under both …"):
            for one in _judged(db, tried, block):
                _found(tried)[one.pair.id] = one
    except CaiError as error:
        stop()
        frame.rerun_with(error)
    st.session_state[TODO] = todo[size:]


def _judged(db: Database, tried: _Try, block: list[Pair]) -> list[Judged]:
    examples = comparisons_in_use(tried.setting)
    known = stored_votes(
        stored_labels(db, tried.edit, [pair.id for pair in block], tried.setting),
        tried.edit,
        tried.plan,
        judge=tried.setting.model,
        template=label_template(tried.setting, examples),
    )
    bench = Bench(live.model(tried.setting.model), tried.setting, examples)
    made = answers([(tried.plan.main(), block)], bench, known=known)
    return judged(tried.plan, made, known=known, tie_band=tried.setting.tie_band)


def _show_found(tried: _Try, size: int) -> None:
    some = [without_locked(one) for one in _found(tried).values()]
    if not some:
        st.caption("Not tried on this draft yet.")
        return
    cards.number(f"Verdicts that flip, {len(some)} of {size} pairs", flip_share(some), percent=True)
    flips = [one for one in some if one.flip]
    for one in flips[:SHOWN]:
        impact_cards.flip(one, key=f"try_{one.pair.id}")
    failed = sum(1 for one in some if one.error)
    if failed:
        st.caption(f":orange[:material/warning:] {failed} pairs have no verdict.")
    st.page_link(
        "pages/impact.py",
        label="Is it real? Hold it against placebo edits",
        icon=":material/difference:",
    )
