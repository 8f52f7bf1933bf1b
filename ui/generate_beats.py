"""Of a finished revising job: how its revisions are marked, and whether they beat the first answers."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import JobError
from cai_core.jobs import queue
from cai_core.schema import FLAWS, MARKS, ConstitutionRef
from cai_core.settings import Settings
from cai_core.store import work
from cai_core.store.work import Job
from ui import cards, charts, frame, job_cards
from ui.person import person
from ui.plain import label, shorten

KIND = "revisions"
OF = "revise_job"  # in the job's config: whose revisions are judged
MOST = 100  # prompts judged: an interval of 10 points to either side, by Wilson
_WORDS = {"leftover": "had a leftover phrase stripped"}


def show(db: Database, job: Job) -> None:
    """Draw what is known of the revisions of this job, and offer to have them judged."""
    _marks(job.result)
    found = judged(db, job)
    if found is not None and found.state == "succeeded":
        _result(found)
    elif found is not None and found.state not in work.ENDED:
        _under_way(found)
        return
    elif found is not None:
        st.caption(label(f"The judging was {found.state}: {found.reason}", limit=400))
    if job.state == "succeeded":
        _offer(job, again=found is not None)


def judged(db: Database, job: Job) -> Job | None:
    """The newest job that judged these revisions."""
    there = work.find(db, kinds=[KIND])
    return next((one for one in there if one.config.get(OF) == job.id), None)


def _marks(result: Mapping[str, Any]) -> None:
    """How many revisions are not what they should be; nothing where the job did not count them."""
    marks, rounds = result.get("marks"), result.get("rounds")
    if not isinstance(marks, dict) or not rounds:
        return
    said = ", ".join(f"{marks[m]} {_WORDS.get(m, m)}" for m in MARKS if marks.get(m))
    if any(marks.get(flaw) for flaw in FLAWS):
        said += ". Unchanged, empty and looping ones stay out of datasets unless you keep them"
    st.caption(f"Of {rounds} revisions {said or 'none is unchanged, empty or looping'}.")


def _under_way(found: Job) -> None:
    done, total = found.progress.done, found.progress.total
    share = min(1.0, done / total) if total else 0.0
    st.progress(share, text=f"Judging against the first answers: {done} of {total or '?'}")


def _offer(job: Job, *, again: bool) -> None:
    judge = Settings.load().judge.model
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Judge them again" if again else "Do the revisions beat the first answers?",
            icon=":material/balance:",
            key=f"beats_{job.id}",
            type="tertiary" if again else "secondary",
            on_click=frame.callback(_start),
            args=(job.id,),
        )
        st.caption(
            f"{label(judge)} judges at most {MOST} prompts, in both orders, at equal length.",
            width="stretch",
        )


def _start(db: Database, job_id: str) -> None:
    """Queue the judging, once: a second click finds it under way."""
    job = work.get(db, job_id)
    there = judged(db, job)
    if there is None or there.state in work.ENDED:
        queue.submit(db, submission(job), by=person())
        st.toast("Queued. It goes on when you close this page.", icon=":material/schedule:")


def submission(job: Job) -> queue.Submission:
    """The job that judges the revisions of a job, under the constitution they were made under.

    Raises:
        JobError: the folder of that job is gone.
    """
    name = str(job.config.get("options", {}).get("constitution", "constitution.yaml"))
    path = queue.folder_of(job.id) / name
    if not path.exists() or not queue.out_of(job).exists():
        raise JobError(f"the files of '{job.title}' are gone ({path.parent}); revise anew")
    setting = Settings.load().judge
    how = {"judge": setting.model, "method": setting.method, "principles": setting.principles}
    files = {"revisions": str(queue.out_of(job)), "constitution": "constitution.yaml"}
    return queue.Submission(
        kind=KIND,
        title=f"Revisions against first answers: {shorten(job.title, 60)}",
        options=files | how | {"most": MOST},
        files={"constitution.yaml": path.read_text(encoding="utf-8")},
        constitution=ConstitutionRef.from_row(job.config.get("constitution")),
        config={OF: job.id},
    )


def _result(found: Job) -> None:
    """The share of each round with its interval, who judged, and what could not be compared."""
    result = found.result
    rounds = result.get("rounds")
    shares = (
        {f"Round {n}": share for n, share in rounds.items()} if isinstance(rounds, dict) else {}
    )
    if not result.get("headline"):
        st.metric("Revisions beat the first answers", "–")
        st.caption("No share: a judge at chance that judges its own answers says nothing.")
    else:
        estimates = {
            name: cards.estimate_of(share.get("estimate")) for name, share in shares.items()
        }
        for column, (name, one) in zip(
            st.columns(max(len(shares), 3)), estimates.items(), strict=False
        ):
            with column:
                cards.number(f"{name} beats the first", one, percent=True)
        charts.interval_chart(estimates, title="share that beats the first answer", even=0.5)
    st.caption(_counts(result))
    show_independence = st.success if result.get("independent") else st.warning
    show_independence(
        label(str(result.get("independence") or "Nobody knows who judged."), limit=400)
    )
    job_cards.failures(found)


def _counts(result: Mapping[str, Any]) -> str:
    """How the judging went, in words: verdicts, lengths, and what was left out."""
    parts = [f"Judge: {label(str(result.get('judge', '–')))}"]
    parts += [f"{result.get(name, 0)} {name}" for name in ("wins", "ties", "losses", "failed")]
    words = result.get("words") or {}
    if words.get("revision") and words.get("first"):
        parts.append(f"{words['revision']:.0f} against {words['first']:.0f} words as judged")
    left_out = result.get("left_out") or {}
    if left_out:
        said = ", ".join(f"{n} {label(reason)}" for reason, n in left_out.items())
        parts.append(f"not compared: {said}")
    return " · ".join(parts)
