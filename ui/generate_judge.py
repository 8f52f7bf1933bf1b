"""The form of a judging job: which pairs, which judge, how, and under which constitution."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.jobs.queue import Submission
from cai_core.schema import SPLITS, Pair, Version
from cai_core.settings import BUILTIN, Settings
from cai_core.store import labels, pairs, work
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter, StoredPair
from ui import cards, generate_choices
from ui.generate_start import Plan, start
from ui.plain import shorten

FEW = 100  # pairs at first

METHODS = {
    "logprob": "Probabilities of A and B",
    "cot": "Reason first, then probabilities",
    "repeat": "Repeated verdicts, counted",
}
PRINCIPLES = {
    "each": "Every principle votes",
    "whole": "The whole constitution at once",
    "draw": "One principle drawn for each pair",
}


def show(db: Database) -> None:
    st.caption(
        "The judge reads each pair in both orders under the constitution and says how likely A is"
        " better. A judgement never replaces a person's verdict."
    )
    if not pairs.count(db):
        cards.empty(
            "There are no pairs yet",
            "Choose **Sample pairs** above, or upload pairs that you have.",
        )
        return
    left, right = st.columns(2, gap="medium")
    with right:
        options = _judge()
        version = generate_choices.choose_version(db, key="make_judge")
    if version is None:
        return
    with left:
        found, there = _pairs(db, options, version)
    n = len(found)
    st.caption(_note(options["judge"]))
    job = _submission([item.pair for item in found], version, options, there)
    start(Plan(job, n, _says(n, options, version)))


def _judge() -> dict[str, Any]:
    setting = Settings.load().judge
    model = generate_choices.choose_model("Judge", setting.model, key="make_judge_model")
    method = st.selectbox(
        "Method",
        list(METHODS),
        index=list(METHODS).index(setting.method),
        format_func=METHODS.__getitem__,
        key="make_judge_method",
        persist_state="session",
        help="An endpoint without log-probabilities needs repeated verdicts.",
    )
    principles = st.selectbox(
        "Principles",
        list(PRINCIPLES),
        index=list(PRINCIPLES).index(setting.principles),
        format_func=PRINCIPLES.__getitem__,
        key="make_judge_principles",
        persist_state="session",
    )
    return {"judge": model, "method": method, "principles": principles}


def _pairs(db: Database, options: dict[str, Any], version: Version) -> tuple[list[StoredPair], str]:
    """The pairs that are to be judged, and where they come from."""
    source = st.selectbox(
        "Source",
        ["", *filter(None, pairs.sources(db))],
        format_func=lambda value: value or "All sources",
        key="make_judge_source",
    )
    runs = {job.id: job for job in work.find(db, kinds=["sample-pairs"])}
    job = st.selectbox(
        "Sampled by",
        ["", *runs],
        format_func=lambda key: shorten(runs[key].title, 50) if key else "Any run",
        key="make_judge_job",
    )
    split = st.selectbox(
        "Split", ["", *SPLITS], format_func=lambda s: s or "All splits", key="make_judge_split"
    )
    again = st.toggle(
        "Judge them again",
        key="make_judge_again",
        help="Otherwise only pairs without a judgement under this setting are taken.",
    )
    found = pairs.find(db, PairFilter(source=source, job=job, split=split or None))
    done = frozenset[str]() if again else _judged(db, options, version)
    todo = [item for item in found if item.id not in done]
    most = st.number_input(
        f"Pairs, of {len(todo)}",
        min_value=0,
        max_value=len(todo),
        value=min(len(todo), FEW),
        key=f"make_judge_most_{len(todo)}",
        disabled=not todo,
    )
    if found and not todo:
        st.caption("This judge has judged all of these pairs under this version.")
    return todo[: int(most)], source or "all sources"


def _judged(db: Database, options: dict[str, Any], version: Version) -> frozenset[str]:
    where = LabelFilter(
        annotator=options["judge"],
        method=options["method"],
        principles=options["principles"],
        constitution=version.constitution.hash,
    )
    found = labels.judgements(db, where)
    return frozenset(item.pair_id for item in found if item.label.verdict is not None)


def _says(n: int, options: dict[str, Any], version: Version) -> str:
    asked = [p for p in version.constitution.enabled if p.text.strip()]
    votes = len(asked) if options["principles"] == "each" else 1
    under = f"version {version.number} of the constitution"
    each = f"{votes} principle{'s' if votes != 1 else ''}, both orders"
    return f"**{n} pairs** under {under}: {each}, {2 * votes * n} questions to the judge."


def _note(judge: str) -> str:
    if judge == BUILTIN:
        return (
            "As a judge the built-in model is at chance: it shows how the loop works, and its labels"
            " mean nothing. Use an endpoint or a larger model for real work."
        )
    return "Hold its labels against your own on the review page before you train on them."


def _submission(
    found: Sequence[Pair], version: Version, options: dict[str, Any], source: str
) -> Submission:
    return Submission(
        kind="judge",
        title=f"Judge pairs of {source} under {version.constitution.name} v{version.number}",
        options={"pairs": "input.jsonl", "constitution": "constitution.yaml"} | options,
        files={
            "input.jsonl": [pair.to_row() for pair in found],
            "constitution.yaml": document.dump(version.constitution),
        },
        constitution=version.ref,
        config={"source": source},
    )
