"""The overview's parts: the next step, the stages with their counts, what runs, the cycles."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.settings import BUILTIN, Settings
from cai_core.store import overview, work
from cai_core.store.overview import Counts, Cycle
from ui import cards, job_cards, menu, quality_data, quality_subject
from ui.plain import label, shorten

GUIDED = 20  # verdicts of the guided first review


@dataclass(frozen=True)
class Step:
    """What to do next: a page, the words on its button, and why."""

    page: str
    label: str
    why: str


def next_step(counts: Counts) -> Step:
    """The first thing that is missing on the way round the loop."""
    trained = sum(counts.runs.get(kind, 0) for kind in ("ppo", "chain", "dpo", "rloo", "grpo"))
    steps = (
        (counts.pairs == 0, "generate", "Make pairs", "There are no pairs to judge or review yet."),
        (
            counts.verdicts == 0,
            "review",
            "Start the guided review",
            f"{GUIDED} blind verdicts take five minutes and say how often the judge agrees with you.",
        ),
        (
            counts.verdicts < GUIDED,
            "review",
            "Review more pairs",
            f"There are {counts.verdicts} verdicts; {GUIDED} begin to say how often the judge is right.",
        ),
        (
            counts.revisions == 0,
            "generate",
            "Criticise and revise",
            "The supervised stage learns from revisions, and there are none yet.",
        ),
        (
            not {"sft", "preference", "prompts"} <= counts.datasets.keys(),
            "curate",
            "Build the datasets",
            "Training reads frozen datasets: one for SFT, one of preferences, one of prompts.",
        ),
        (trained == 0, "train", "Train", "The data is there; nothing has been trained on it yet."),
        (
            counts.runs.get("winrate", 0) + counts.runs.get("chain", 0) == 0,
            "compare",
            "Compare before and after",
            "A policy is trained; see what it answers differently.",
        ),
    )
    for missing, page, words, why in steps:
        if missing:
            return Step(page, words, why)
    why = "One turn of the loop is whole. Change a principle and see what it changes."
    return Step("constitution", "Edit the constitution", why)


def held_step(db: Database) -> Step | None:
    """A job that waits for a person comes before everything else."""
    held = [job for job in work.find(db, states=["queued"]) if job.held]
    if not held:
        return None
    return Step("runs", "Open the runs", f"A job waits for you: {label(held[0].title)}.")


def show_next(step: Step) -> None:
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="center"),
    ):
        st.markdown(f"**Next step** · {step.why}", width="stretch")
        entry = menu.entry(step.page)
        if st.button(step.label, type="primary", icon=entry.icon, key="next_step"):
            st.switch_page(entry.path)


def show_stages(db: Database, counts: Counts) -> None:
    """One card a stage in the order of the loop, with its counts and a link."""
    stages = (
        ("constitution", counts.versions, "versions", f"{counts.constitutions} constitutions"),
        (
            "generate",
            counts.judged,
            "judged pairs",
            f"{counts.pairs} pairs, {counts.revisions} revisions",
        ),
        ("review", counts.reviewed, "reviewed pairs", _agreement_words(db)),
        ("curate", sum(counts.datasets.values()), "datasets", _by_kind(counts.datasets)),
        ("train", _trained(counts), "trained models", _by_kind(_only_training(counts))),
        ("compare", _compared(counts), "comparisons", "models before and after"),
    )
    for column, (page, number, noun, more) in zip(st.columns(len(stages)), stages, strict=True):
        with column, st.container(border=True, height="stretch", gap="xxsmall"):
            entry = menu.entry(page)
            st.metric(noun, f"{number:,}")
            st.caption(more)
            st.space("stretch")  # links stand in one line
            st.page_link(entry.path, label=f"{entry.title} →")


def _agreement_words(db: Database) -> str:
    """Of the judge setting that was used last, as its certificate on the quality page has it."""
    subject = quality_subject.newest(db)
    found = quality_data.certificate_of(quality_data.read(db, subject)) if subject else None
    if found is None or found.n == 0:
        return "agreement with the judge: –"
    share = cards.number_text(found.estimate, percent=True)
    return f"judge agrees in {share} ({found.low:.0%} to {found.high:.0%}, n = {found.n:,})"


def _only_training(counts: Counts) -> dict[str, int]:
    return {kind: n for kind, n in counts.runs.items() if kind in job_cards.TRAINING}


def _trained(counts: Counts) -> int:
    """A chain trains three."""
    return sum(3 * n if kind == "chain" else n for kind, n in _only_training(counts).items())


def _compared(counts: Counts) -> int:
    """A chain compares its policy twice: with its start and with the base model."""
    return counts.runs.get("winrate", 0) + 2 * counts.runs.get("chain", 0)


def _by_kind(numbers: object) -> str:
    named = dict(numbers)  # type: ignore[call-overload]
    return ", ".join(f"{n} {job_cards.KINDS.get(k, k)}" for k, n in named.items()) or "none yet"


def show_cycles(cycles: list[Cycle]) -> None:
    """One row a cycle: what was made under each version, newest first."""
    st.subheader("Cycles", anchor=False)
    if not cycles:
        st.caption("A cycle begins with a saved constitution.")
        return
    table = pd.DataFrame([_cycle_row(cycle) for cycle in cycles])
    st.dataframe(table, hide_index=True, width="stretch", key="cycles")


def _cycle_row(cycle: Cycle) -> dict[str, object]:
    version = cycle.version
    return {
        "Constitution": f"{version.constitution.name} v{version.number}",
        "What changed": shorten(version.message, 80),
        "By": version.author,
        "Principles": len(version.constitution.enabled),
        "Revisions": cycle.revisions,
        "Judged pairs": cycle.judged,
        "Datasets": sum(cycle.datasets.values()),
        "Runs": sum(cycle.runs.values()),
        "Hash": version.constitution.hash,
    }


def _say_what_builtin_is() -> None:
    """On the built-in model the loop shows machinery, not alignment."""
    if Settings.load().judge.judges == (BUILTIN,):
        st.caption(
            ":material/info: The judge is the built-in model. It is small, and as a judge it is at "
            "chance: it shows how the loop works, not what your constitution does. Choose a larger "
            "model or an endpoint on the settings page."
        )


def show(db: Database) -> None:
    """The whole overview."""
    counts = overview.counts(db)
    show_next(held_step(db) or next_step(counts))
    show_stages(db, counts)
    _say_what_builtin_is()
    job_cards.show_live()
    show_cycles(overview.cycles(db))
