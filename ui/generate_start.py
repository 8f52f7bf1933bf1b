"""The foot of every job form: what it will do, how long that may take, and the button that starts it."""

from dataclasses import dataclass, replace

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import commands, queue
from cai_core.jobs.queue import Submission
from cai_core.schema import content_hash
from cai_core.store import work
from ui import frame, generate_budget, job_cards
from ui.person import person

PRINT = "fingerprint"  # of what was asked, in a job's config
BUSY = "generate_busy"  # session state: what was asked and was under way when last looked at


@dataclass(frozen=True)
class Plan:
    """What a form has put together; `rows` go in, `says` tells what is done with them."""

    job: Submission
    rows: int
    says: str


def start(plan: Plan) -> None:
    """Say what will be done and what an endpoint may take for it, and offer to start it."""
    asked = generate_budget.endpoint_of(plan.job)
    if asked is None or plan.rows == 0:
        _foot(plan, fingerprint(plan.job), "")
        return
    takes = generate_budget.words(plan.job, asked[0], mark=fingerprint(plan.job))
    plan = replace(plan, job=generate_budget.with_budget(plan.job, asked[0]))
    _foot(plan, fingerprint(plan.job), takes)


@frame.fragment(run_every="2s")
def _foot(db: Database, plan: Plan, mark: str, takes: str) -> None:
    """The button is off while the same job waits or runs; when that ends, the form counts anew."""
    busy = is_busy(db, plan.job.kind, mark)
    was_busy = st.session_state.get(BUSY) == mark
    st.session_state[BUSY] = mark if busy else ""
    if was_busy and not busy:
        st.rerun()
    with st.container(border=True, gap="small"):
        st.markdown(plan.says)
        if takes:
            st.caption(takes)
        st.caption(_pace(db, plan))
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(
                "It waits or runs already" if busy else "Start",
                type="primary",
                icon=":material/play_arrow:",
                key=f"start_{plan.job.kind}",
                disabled=busy or plan.rows == 0,
                on_click=frame.callback(_submit),
                args=(plan.job, mark),
            )
            with st.popover("As a command", icon=":material/terminal:", type="tertiary"):
                words = " ".join(commands.argv(plan.job.kind, plan.job.options))
                st.code(f"python -m cai_core {words}", language="bash", wrap_lines=True)
                st.caption("In the folder of the job, which holds these files.")


def fingerprint(job: Submission) -> str:
    """One text for one request: the same options over the same files."""
    files = {
        name: content if isinstance(content, str) else list(content)
        for name, content in job.files.items()
    }
    return content_hash({"kind": job.kind, "options": dict(job.options), "files": files})


def is_busy(db: Database, kind: str, mark: str) -> bool:
    """Whether the same request waits or runs."""
    there = work.find(db, states=("queued", *work.ACTIVE), kinds=[kind])
    return any(job.config.get(PRINT) == mark for job in there)


def _submit(db: Database, job: Submission, mark: str) -> None:
    if is_busy(db, job.kind, mark):
        return  # a second click, before the first one was seen
    config = dict(job.config) | {PRINT: mark}
    queue.submit(db, replace(job, config=config), by=person())
    st.toast("Queued. It goes on when you close this page.", icon=":material/schedule:")


def _pace(db: Database, plan: Plan) -> str:
    """How long it may take, by the last job of this kind and model that finished."""
    model = _model(plan.job.options)
    for job in work.find(db, states=("succeeded",), kinds=[plan.job.kind]):
        seconds = job_cards.seconds_between(job.started, job.ended)
        done = job.progress.done
        if seconds and done and _model(job.config.get("options", {})) == model:
            left = job_cards.duration(seconds / done * plan.rows)
            return f"The last such job took {seconds / done:.1f} s a row: about {left} for these."
    return "No such job has finished yet, so nobody knows how long it takes. It can be stopped at any time and goes on from there."


def _model(options: object) -> object:
    given = dict(options)  # type: ignore[call-overload]
    return given.get("model") or (given.get("judge"), given.get("panel") or [])
