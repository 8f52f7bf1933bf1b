"""The form of a judging job: which pairs, which judge, how, and under which constitution."""

from collections.abc import Sequence

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.feedback.comparison import label_template
from cai_core.feedback.draw import voters
from cai_core.feedback.examples import comparisons_in_use
from cai_core.jobs.queue import Submission
from cai_core.schema import SPLITS, Pair, Version
from cai_core.settings import JudgeSetting, Settings, usual_principles
from cai_core.store import labels, pairs, work
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter, StoredPair
from ui import cards, generate_choices, judge_choices
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
        setting = _judge()
        version = generate_choices.choose_version(db, key="make_judge")
    if version is None:
        return
    with left:
        found, there = _pairs(db, setting, version)
    n = len(found)
    judge_choices.say_builtin(setting)
    st.caption("Hold its labels against your own on the review page before you train on them.")
    job = _submission([item.pair for item in found], version, setting, there)
    start(Plan(job, n, _says(n, setting, version)))


def _judge() -> JudgeSetting:
    """The workspace's judge setting with what is chosen here."""
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
        index=list(PRINCIPLES).index(judge_choices.first_principles(setting, model)),
        format_func=PRINCIPLES.__getitem__,
        key=f"make_judge_principles_{usual_principles(model)}",
        persist_state="session",
    )
    with st.expander("Panel and wording", icon=":material/tune:"):
        fine = judge_choices.choose_fine(setting, key="make_judge")
    given = {"model": model, "method": method, "principles": principles}
    return setting.model_copy(update=given | fine)


def _pairs(db: Database, setting: JudgeSetting, version: Version) -> tuple[list[StoredPair], str]:
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
    done = frozenset[str]() if again else _judged(db, setting, version)
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


def _judged(db: Database, setting: JudgeSetting, version: Version) -> frozenset[str]:
    """Pairs with a judgement under all of this setting that a label knows of."""
    where = LabelFilter(
        kind="judge",
        annotator=setting.annotator,
        method=setting.method,
        principles=setting.principles,
        constitution=version.constitution.hash,
    )
    template = label_template(setting, comparisons_in_use(setting))
    return frozenset(
        item.pair_id
        for item in labels.standing(db, where)
        if item.label.verdict is not None and item.label.template == template
    )


def _says(n: int, setting: JudgeSetting, version: Version) -> str:
    votes = len(voters(version.constitution)) if setting.principles == "each" else 1
    under = f"version {version.number} of the constitution"
    each = f"{votes} principle{'s' if votes != 1 else ''}, both orders"
    judges = len(setting.judges)
    whom = "the judge" if judges == 1 else f"{judges} judges"
    return f"**{n} pairs** under {under}: {each}, {2 * votes * n * judges} questions to {whom}."


def _submission(
    found: Sequence[Pair], version: Version, setting: JudgeSetting, source: str
) -> Submission:
    return Submission(
        kind="judge",
        title=f"Judge pairs of {source} under {version.constitution.name} v{version.number}",
        options={"pairs": "input.jsonl", "constitution": "constitution.yaml"}
        | judge_choices.job_options(setting),
        files={
            "input.jsonl": [pair.to_row() for pair in found],
            "constitution.yaml": document.dump(version.constitution),
        },
        constitution=version.ref,
        config={"source": source},
    )
