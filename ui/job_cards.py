"""A job as a card: its state, how far it is, how long it will take, and what can be done with it."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.models.budget import Spent, read_spent
from cai_core.schema import Progress
from cai_core.store import work
from ui import cards, frame, menu, run_alarms
from ui.confirm import confirm
from ui.plain import label

KINDS = {
    "prompts": "edge cases",
    "revise": "critique and revision",
    "sample-pairs": "sampled pairs",
    "judge": "judging",
    "features": "answers read for a learned judge",
    "learn": "learned judge",
    "impact": "impact of an edit",
    "impact-revisions": "impact of an edit on revisions",
    "sft": "SFT",
    "reward": "reward model",
    "ppo": "PPO",
    "chain": "chain of all three",
    "winrate": "comparison",
    "guard": "guard between stages",
    "revisions": "revisions against first answers",
    "suite": "suite of a constitution",
    "dpo": "DPO",
    "rloo": "RLOO",
    "grpo": "GRPO",
}
TRAINING = ("sft", "reward", "ppo", "dpo", "rloo", "grpo", "reward-options", "chain")
REASONS = 5  # shown of those that rows failed for
RESUMABLE = ("failed", "cancelled", "interrupted")


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Seconds from one stored time to another, or to now; None where it has not begun."""
    if start is None:
        return None
    last = datetime.fromisoformat(end) if end else datetime.now(UTC)
    return max(0.0, (last - datetime.fromisoformat(start)).total_seconds())


def duration(seconds: float | None) -> str:
    """
    >>> duration(None), duration(42), duration(600), duration(9000)
    ('–', '42 s', '10 min', '2 h 30 min')
    """
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def progress_words(progress: Progress, seconds: float | None) -> str:
    """How far, how fast, how long still.

    >>> progress_words(Progress(30, 90, failed=1), 60.0)
    '30 of 90 · 30 per minute · 2 min left · 1 failed'
    """
    parts = [f"{progress.done} of {progress.total}" if progress.total else f"{progress.done} done"]
    if seconds and progress.done:
        rate = progress.done / seconds
        parts.append(f"{60 * rate:.3g} per minute")
        if progress.total > progress.done:
            parts.append(f"{duration((progress.total - progress.done) / rate)} left")
    parts.append(progress.from_cache)
    parts.append(f"{progress.failed} failed" if progress.failed else "")
    return " · ".join(filter(None, parts))


def card(job: work.Job, *, open_run: Callable[[str], None] | None = None) -> None:
    """Draw one job; `open_run(job id)` is called where its details are asked for."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{label(job.title)}**", width="stretch")
            cards.state(job.state)
        seconds = seconds_between(job.started, job.ended)
        st.caption(f"{KINDS.get(job.kind, job.kind)} · {_when(job)} · {duration(seconds)}")
        _progress(job, seconds)
        _spent(job)
        if job.reason:
            st.caption(label(job.reason, limit=400))
        if job.note:
            st.caption(label(job.note, limit=300))
        if alarms := run_alarms.count(job) if job.kind in TRAINING else 0:
            words = "1 alarm" if alarms == 1 else f"{alarms} alarms"
            st.badge(words, icon=":material/notification_important:", color="orange")
        failures(job)
        with st.container(horizontal=True):
            actions(job)
            if open_run:
                st.button(
                    "Open",
                    icon=":material/open_in_full:",
                    key=f"open_{job.id}",
                    on_click=open_run,
                    args=(job.id,),
                    type="tertiary",
                )


def _when(job: work.Job) -> str:
    return datetime.fromisoformat(job.created).astimezone().strftime("%d %b %H:%M")


def _progress(job: work.Job, seconds: float | None) -> None:
    progress = job.progress
    if job.active and progress.total:
        share = min(1.0, progress.done / progress.total)
        st.progress(share, text=progress_words(progress, seconds))
    elif progress.done or progress.total:
        st.caption(progress_words(progress, None))


def failures(job: work.Job) -> None:
    """Why rows of an ended job failed, the most frequent reason first; nothing where none did."""
    if job.state not in work.ENDED or not job.failures:
        return
    shown = list(job.failures.items())[:REASONS]
    rest = sum(job.failures.values()) - sum(count for _, count in shown)
    lines = [f"- {count} failed: {label(reason, limit=200)}" for reason, count in shown]
    st.caption("\n".join(lines + ([f"- {rest} failed for other reasons"] if rest else [])))


def _spent(job: work.Job) -> None:
    """What endpoints took for it so far, over all attempts."""
    if job.kind in ("judge", "revise", "sample-pairs"):
        spent = read_spent(queue.out_of(job))
        if spent.prompt_tokens or spent.tokens:
            st.caption(spent_words(spent))


def spent_words(spent: Spent) -> str:
    """
    >>> spent_words(Spent(12_345, 678, 0.0)), spent_words(Spent(12_345, 678, 3.104))
    ('12,345 tokens read, 678 written', '12,345 tokens read, 678 written, at a cost of 3.10')
    """
    tokens = f"{spent.prompt_tokens:,} tokens read, {spent.tokens:,} written"
    return f"{tokens}, at a cost of {spent.cost:,.2f}" if spent.cost else tokens


def actions(job: work.Job) -> None:
    """Buttons for what can be done with a job in its state."""
    if job.active or job.state == "queued":
        st.button(
            "Cancel",
            icon=":material/block:",
            key=f"cancel_{job.id}",
            disabled=job.state == "stopping",
            on_click=_ask_cancel,
            args=(job.id, job.title),
            type="tertiary",
        )
    if job.held:
        menu.link("review", "Review its pairs")
        st.button(
            "Go on",
            icon=":material/play_arrow:",
            key=f"release_{job.id}",
            on_click=frame.callback(_release),
            args=(job.id,),
            type="primary",
        )
    failed_rows = job.state == "succeeded" and bool(job.failures)
    if job.state in RESUMABLE or failed_rows:
        st.button(
            "Ask the failed ones again" if failed_rows else "Resume",
            icon=":material/replay:",
            key=f"resume_{job.id}",
            help="Asks only the rows that failed; the others stay." if failed_rows else None,
            on_click=frame.callback(_resume),
            args=(job.id,),
            type="tertiary",
        )


def _ask_cancel(job_id: str, title: str) -> None:
    confirm(
        "Cancel this job?",
        f"{title}\n\nWhat is finished is kept, and the job can be resumed later.",
        button="Cancel the job",
        on_click=frame.callback(cancel),
        args=(job_id,),
    )


def cancel(db: Database, job_id: str) -> None:
    queue.cancel(db, job_id, by=frame.person())


def _resume(db: Database, job_id: str) -> None:
    queue.resume(db, job_id, by=frame.person())


def _release(db: Database, job_id: str) -> None:
    queue.release(db, job_id, by=frame.person())


def rerun_where_one_ended(jobs: Sequence[work.Job], *, key: str) -> None:
    """Draw the page anew where a job that was among these is no more; its result is there now.

    Args:
        key: of the session state, where those of the last look stand.
    """
    ids = {job.id for job in jobs}
    before = st.session_state.get(key, ids)
    st.session_state[key] = ids
    if before - ids:
        st.rerun()


def live(db: Database, kinds: Sequence[str] = ()) -> int:
    """Draw the jobs of these kinds that are under way or wait; how many there are."""
    states: tuple[work.State, ...] = (*work.ACTIVE, "queued")
    found = work.find(db, states=states, kinds=kinds)
    for job in found:
        card(job)
    return len(found)


@frame.fragment(run_every="2s")
def show_live(db: Database, kinds: Sequence[str] = ()) -> None:
    """What runs and waits now, refreshed while the page is open."""
    st.subheader("Now", anchor=False)
    if live(db, kinds) == 0:
        st.caption("Nothing runs and nothing waits.")
    menu.link("runs", "All runs")
