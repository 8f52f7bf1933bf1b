"""Bulk labels: choose pairs by a filter, look at how many and at ten of them, and say one thing of all.

What is shown beside a judge's verdict is sighted from then on: no later verdict on it measures.
"""

from dataclasses import replace

import streamlit as st
from sqlite_utils import Database

from cai_core.schema import SPLITS, Split
from cai_core.store import bulk, pairs, sighted
from cai_core.store.bulk import Preview, Rule, Ruling
from cai_core.store.pairs import PairFilter
from ui import cards, frame, review_batches, review_choice
from ui.confirm import confirm
from ui.person import person
from ui.plain import block, label, shorten
from ui.review_choice import Judge

SEED = "bulk_seed"  # session state: counts the samples that were asked for
TOLD = "bulk_told"  # session state: what is told at the next run
SAMPLE = 10
LONG = 600  # characters of an answer that are shown in the sample

_SAYS: dict[Ruling, str] = {
    "judge": "What the judge says",
    "a": "Answer A is better",
    "b": "Answer B is better",
    "tie": "A tie",
    "bad": "Both are bad: out of datasets",
}
_JUDGED = {"": "Anything", "a": "A is better", "b": "B is better", "tie": "A tie"}
_INCONSISTENT = {"Any": None, "Only inconsistent ones": True, "Only consistent ones": False}
_CONTESTED = {"Any": None, "Only where sides differ": True, "Only where none differ": False}
_REVIEWED = {"By nobody yet": False, "By anybody or nobody": None, "By somebody": True}


def show(db: Database) -> None:
    """The whole tab."""
    if not pairs.count(db, most=1):
        cards.empty(
            "There are no pairs yet",
            "Sample two answers to every prompt of a set, or upload pairs that you have.",
            page="generate",
            label="Make pairs",
        )
        return
    st.caption(
        "One verdict for many pairs at once. Bulk labels train and never measure, and whatever a person"
        " says of a pair stands over them. One step takes a batch back."
    )
    if told := st.session_state.pop(TOLD, ""):
        st.toast(told, icon=":material/done_all:")
    form, seen = st.columns([2, 3], gap="large")
    with form:
        judge = _judge(db)
        where = _judged_as(_where(db), judge)
    with seen:
        _preview(db, _rule(where, judge))
    review_batches.show(db)


def _judge(db: Database) -> Judge | None:
    judges = review_choice.judges(db)
    if not judges:
        return None
    return st.selectbox(
        "Judge",
        list(judges),
        format_func=lambda one: f"{review_choice.judge_name(one)} · {judges[one]:,} pairs",
        key="bulk_judge",
    )


def _rule(where: PairFilter, judge: Judge | None) -> Rule:
    """What is to be said of the pairs, and under which name."""
    with st.container(horizontal=True):
        says: Ruling = st.selectbox(
            "Label them with",
            [one for one in _SAYS if judge or one != "judge"],
            format_func=_SAYS.__getitem__,
            key="bulk_says",
            help="A and B are the sides as they are stored, which the sample shows.",
        )
        name = st.text_input(
            "Name of the rule",
            key="bulk_name",
            max_chars=bulk.NAME_MOST,
            placeholder="For example: sure refusals",
            help="Stands beside your name on every label of the batch.",
        )
    return Rule(says, where, judge.where if judge else None, name)


def _where(db: Database) -> PairFilter:
    """What holds of the pairs, whatever a judge says."""
    text = st.text_input(
        "Words", key="bulk_text", type="search", placeholder="Words in the prompt or an answer"
    )
    with st.container(horizontal=True):
        source = st.selectbox(
            "Source",
            ["", *filter(None, pairs.sources(db))],
            format_func=lambda value: value or "All sources",
            key="bulk_source",
        )
        split: Split | str = st.selectbox(
            "Split", ["", *SPLITS], format_func=lambda one: one or "All splits", key="bulk_split"
        )
    with st.container(horizontal=True):
        reviewed = st.selectbox("Reviewed", list(_REVIEWED), key="bulk_reviewed")
        contested = st.selectbox(
            "Judges and people",
            list(_CONTESTED),
            key="bulk_contested",
            help="Whether two of them name different sides.",
        )
    found = PairFilter(
        text=text.strip(),
        source=source,
        reviewed=_REVIEWED[reviewed],
        contested=_CONTESTED[contested],
    )
    return replace(found, split=split or None)  # type: ignore[arg-type]  # "" is no split


def _judged_as(where: PairFilter, judge: Judge | None) -> PairFilter:
    """The filter, narrowed to what this judge says."""
    if judge is None:
        return where
    with st.container(horizontal=True):
        verdict = st.selectbox(
            "The judge says", list(_JUDGED), format_func=_JUDGED.__getitem__, key="bulk_verdict"
        )
        shaky = st.selectbox(
            "Its two orders",
            list(_INCONSISTENT),
            key="bulk_inconsistent",
        )
    low, high = st.slider("How sure, in percent", 50, 100, (50, 100), key="bulk_sure")
    where = replace(where, inconsistent=_INCONSISTENT[shaky])
    if not verdict and (low, high) == (50, 100):
        return where
    under = judge.constitution.hash if judge.constitution else ""
    sure = None if (low, high) == (50, 100) else (low / 100, high / 100)
    return replace(where, judge=judge.model, constitution=under, verdict=verdict, sure=sure)


def _preview(db: Database, rule: Rule) -> None:
    """How many pairs, ten of them, and the button."""
    found = bulk.preview(db, rule)
    with st.container(horizontal=True):
        st.metric("Pairs", f"{found.n:,}")
        for verdict, n in found.said.items():
            if len(found.said) > 1:
                st.metric(cards.verdict_text(verdict).capitalize(), f"{n:,}")
        st.metric(
            "Read by people", f"{found.by_people:,}", help="What they said stands over the rule."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button(
            f"Label {found.n:,} pairs",
            type="primary",
            icon=":material/done_all:",
            key="bulk_label",
            disabled=not found.n or not rule.name.strip(),
            help="Give the rule a name first." if not rule.name.strip() else None,
        )
        st.button(
            "Ten others",
            icon=":material/shuffle:",
            key="bulk_others",
            disabled=found.n <= SAMPLE,
            on_click=_draw_others,
        )
    if asked:
        _ask(rule, found)
    if not found.n:
        st.caption("No pair passes this filter.")
        return
    _sample(db, rule, found.n)


def _draw_others() -> None:
    st.session_state[SEED] = st.session_state.get(SEED, 0) + 1


def _sample(db: Database, rule: Rule, n: int) -> None:
    drawn = bulk.sample(db, rule, n=SAMPLE, seed=st.session_state.get(SEED, 0))
    if rule.verdict == "judge" or rule.where.narrows_judgement:
        sighted.mark(db, person(), [one.id for one, _ in drawn])
    st.caption(f"{len(drawn)} of {n:,}, drawn at random")
    with st.container(height=520, border=False):
        for stored, verdict in drawn:
            title = f"{cards.verdict_text(verdict)} · {stored.pair.prompt[-1].content}"
            with st.expander(label(title, limit=90), key=f"bulk_sample_{stored.id}"):
                st.html(block(stored.pair.prompt[-1].content))
                sides = stored.pair.response_a, stored.pair.response_b
                for column, side, text in zip(st.columns(2), "AB", sides, strict=True):
                    with column:
                        st.caption(f"Answer {side}")
                        st.html(block(_cut(text)))


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[:LONG].rstrip()} …"


def _ask(rule: Rule, found: Preview) -> None:
    said = ", ".join(f"{cards.verdict_text(one)}: {n:,}" for one, n in found.said.items())
    confirm(
        f"Label {found.n:,} pairs?",
        f"As “{shorten(rule.name, 80)}”, by {person()}. {said}. Of these {found.by_people:,} were"
        " read by people, whose verdicts stand over the rule. One step takes it back.",
        button="Label them",
        on_click=frame.callback(_label),
        args=(rule, found.n),
    )


def _label(db: Database, rule: Rule, expected: int) -> None:
    batch = bulk.label(db, rule, person=person(), expected=expected)
    st.session_state[TOLD] = f"{batch.n:,} pairs are labelled."  # a toast would replace the dialog
    st.session_state["bulk_name"] = ""  # so that a second press does nothing
