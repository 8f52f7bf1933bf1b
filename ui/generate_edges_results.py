"""What a job of edge cases made: how many, why attempts gave nothing, and the first prompts of a kind."""

from collections import Counter
from itertools import islice

import pandas as pd
import streamlit as st

from cai_core.jobs import ingest, queue
from cai_core.schema import Prompt, Row
from cai_core.store.work import Job
from ui.plain import label, shorten

SHOWN = 3  # prompts of each kind


def show(job: Job) -> None:
    rows = list(ingest.rows_of(job, queue.folder_of(job.id)))
    newest = {row.get("slot"): row for row in rows}
    made = [row for row in newest.values() if not row.get("error")]
    st.caption(_counts(job, list(newest.values()), len(made)))
    if not made:
        st.caption("It left no prompts.")
        return
    st.dataframe(
        pd.DataFrame([_row(row) for kind in _kinds(made) for row in islice(kind, SHOWN)]),
        hide_index=True,
        alt=f"The first prompts of {shorten(job.title, 60)}",
        key=f"rows_{job.id}",
        column_config={"Prompt": st.column_config.TextColumn(width="large")},
    )
    st.caption(f"They stand in the prompt set {label(str(job.config.get('set') or job.title))}.")


def _counts(job: Job, rows: list[Row], made: int) -> str:
    """How many, in how many attempts, and what the others came to; the whole file has no failed rows."""
    refused = sum((Counter(row.get("refused") or {}) for row in rows), Counter[str]())
    refused = Counter(job.result.get("refused", refused))
    wanted = job.result.get("wanted") or job.progress.total
    of = f" of {wanted}" if wanted else ""
    noun = "prompt" if (wanted or made) == 1 else "prompts"
    said = f"{made}{of} {noun} in {made + refused.total()} attempts"
    reasons = ", ".join(f"{label(name)} {n}" for name, n in refused.most_common())
    return f"{said} · refused: {reasons}" if reasons else said


def _kinds(made: list[Row]) -> list[list[Row]]:
    kinds = dict.fromkeys(str(row.get("kind")) for row in made)
    return [[row for row in made if str(row.get("kind")) == kind] for kind in kinds]


def _row(row: Row) -> dict[str, object]:
    prompt = Prompt.from_row(row)
    return {
        "Kind": str(row.get("kind")),
        "Principles": ", ".join(map(str, row.get("principles") or [])),
        "Prompt": shorten(prompt.messages[-1].content, 300),
        "Split": prompt.split,
    }
