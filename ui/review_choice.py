"""Which pairs a reviewer reads, against which judge and under which constitution: the row of choices."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import streamlit as st
from sqlite_utils import Database

from cai_core.review.edited import edited
from cai_core.schema import SPLITS, ConstitutionRef, Label, Split, Version, judges_of
from cai_core.store import constitutions, labels, pairs, verdicts, work
from cai_core.store.draws import Queue
from cai_core.store.labels import JudgeUse, LabelFilter
from cai_core.store.pairs import PairFilter
from ui import review_guidelines
from ui.plain import shorten

Chosen = Literal[
    "even", "useful", "disagreements", "filter", "search", "adjudication", "again", "guided"
]

SAMPLE = "sample"  # the source of the shipped pairs
GUIDED: Chosen = "guided"  # the queue of the guided first review
GUIDED_PAIRS = 20

QUEUES: dict[Chosen, str] = {
    "even": "Even random sample",
    "useful": "Most useful",
    "disagreements": "Disagreements",
    "filter": "By filter",
    "search": "Search",
    "adjudication": "Adjudication",
    "again": "Ask again",
}
MEASURES: dict[Chosen, str] = {
    "even": "Every pair is equally likely: what you say blind measures the labels of all of them.",
    "useful": "Pairs that would tell most come up more often, by chances that are kept: weighted back,"
    " they measure all labels too, and mend more of them.",
    "disagreements": "Judges or people name different sides. Your verdicts train; they measure nothing"
    " for the whole.",
    "filter": "Pairs that pass the filters beside. Your verdicts train; they measure nothing for the"
    " whole.",
    "search": "Pairs with these words, newest first. A pair that you open yourself measures nothing.",
    "adjudication": "People gave different verdicts: read them, and yours ends it.",
    "again": "Verdicts whose principles were reworded since. The newest one counts; it measures nothing"
    " for the whole.",
}
_REVIEWED: dict[bool | None, str] = {
    None: "Any",
    False: "Not yet reviewed by anybody",
    True: "Reviewed",
}
_SURE: dict[tuple[float, float] | None, str] = {
    None: "However sure",
    (0.5, 0.6): "P of its verdict up to 60%",
    (0.6, 0.8): "60% to 80%",
    (0.8, 1.0): "over 80%",
}


@dataclass(frozen=True)
class Judge:
    """The judge setting that verdicts are held against; None of these where nothing was judged."""

    model: str
    method: str
    principles: str
    constitution: ConstitutionRef | None

    @classmethod
    def of(cls, use: JudgeUse) -> "Judge":
        return cls(use.judge, use.method, use.principles, use.constitution)

    @property
    def where(self) -> LabelFilter:
        return LabelFilter(
            annotator=self.model,
            method=self.method,
            principles=self.principles,
            constitution=self.constitution.hash if self.constitution else "",
        )


@dataclass(frozen=True)
class Choice:
    """Everything that decides which pairs come up; `name` is what was chosen on the screen."""

    name: Chosen = "even"
    queue: Queue = field(default_factory=Queue)
    judge: Judge | None = None
    version: Version | None = None
    blind: bool = True


def guided(db: Database) -> Choice:
    """The guided first review: the same few of the shipped pairs for everybody, blind."""
    judge = next(iter(judges(db)), None)
    where = PairFilter(source=SAMPLE)
    few = tuple(item.id for item in pairs.find(db, where, limit=GUIDED_PAIRS))
    version = constitution(db, judge)
    return Choice(GUIDED, Queue("guided", where, few), judge, version)


def choose(db: Database) -> Choice:
    """Draw the choices and say what is chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = st.selectbox(
            "Queue",
            list(QUEUES),
            format_func=QUEUES.__getitem__,
            key="review_queue",
            label_visibility="collapsed",
            width=210,
        )
        with st.popover("Filters and judge", icon=":material/tune:"):
            judge = _judge(db)
            version = _version(db, judge)
            where = _narrower(_filters(db), judge) if name == "filter" else _filters(db)
        blind = st.toggle(
            "Blind",
            value=True,
            key="review_blind",
            help="Hides the judge's verdict until you gave yours. Only blind verdicts measure it.",
        )
        if version:
            review_guidelines.offer(db, version.constitution.name)
    st.caption(MEASURES[name])
    queue = Queue("filter" if name == "search" else name, where)
    return Choice(name, queue, judge, version, blind)


def as_it_is_now(db: Database, choice: Choice) -> Choice:
    """The choice with what changes while it stands: the words to look for, and the verdicts to ask for
    again, of which there is one less at every key.
    """
    queue = choice.queue
    if choice.name == "search":
        queue = replace(queue, where=replace(queue.where, text=search_words()))
    if choice.name == "again":
        queue = replace(queue, pairs=asked_under_other_words(db, choice.version))
    return replace(choice, queue=queue)


def search_words() -> str:
    """What is looked for in the queue "search"; its box stands above the list of what was found."""
    return str(st.session_state.get("review_words", "")).strip()


def asked_under_other_words(db: Database, version: Version | None) -> tuple[str, ...]:
    """Pairs with a verdict that was given before this constitution was reworded."""
    if version is None:
        return ()
    old = edited(constitutions.versions(db, version.constitution.name))
    return verdicts.pairs_under(db, sorted(old.hashes), sorted(old.numbers))


def _judge(db: Database) -> Judge | None:
    uses = judges(db)
    if not uses:
        st.caption("Nothing is judged yet.")
        return None
    return st.selectbox(
        "Judge to compare with",
        list(uses),
        format_func=lambda judge: f"{judge_name(judge)} · {uses[judge]} pairs",
        key="review_judge",
    )


def _version(db: Database, judge: Judge | None) -> Version | None:
    """The constitution to judge by: the judge's, or the newest version of another one."""
    first = constitution(db, judge)
    if first is None:
        return None
    offered = [first, *(one for one in constitutions.newest_of_each(db) if one.id != first.id)]
    named = {one.id: one for one in offered}
    chosen = st.selectbox(
        "Constitution",
        list(named),
        format_func=lambda key: named[key].title,
        key=f"review_constitution_{first.id}",  # another judge brings its own
    )
    return named[chosen]


def judges(db: Database) -> dict[Judge, int]:
    """The judge settings in use and how many pairs each judged, the most used one first."""
    uses = sorted(labels.judge_uses(db), key=lambda use: -use.n)
    return {Judge.of(use): use.n for use in uses}


def judge_name(judge: Judge) -> str:
    """A judge setting on one line."""
    ref = judge.constitution
    under = f" · {ref.name}{f' v{ref.version}' if ref.version else ''}" if ref else ""
    judges = judges_of(judge.model)
    model = judge.model.removeprefix("builtin:")
    if len(judges) > 1:
        model = f"panel of {len(judges)}: {', '.join(judges)}"
    return f"{shorten(model, 40)}{under} · {judge.method} · {judge.principles}"


def _filters(db: Database) -> PairFilter:
    """What narrows any queue."""
    source = st.selectbox(
        "Source",
        ["", *filter(None, pairs.sources(db))],
        format_func=lambda value: value or "All sources",
        key="review_source",
    )
    runs = {job.id: job for job in work.find(db, kinds=["sample-pairs", "chain"])}
    job = st.selectbox(
        "Run",
        ["", *runs],
        format_func=lambda key: shorten(runs[key].title, 50) if key else "All runs",
        key="review_job",
    )
    split: Split | Literal[""] = st.selectbox(
        "Split", ["", *SPLITS], format_func=lambda s: s or "All splits", key="review_split"
    )
    return PairFilter(split=split or None, source=source, job=job)


def _narrower(where: PairFilter, judge: Judge | None) -> PairFilter:
    """What the queue "by filter" asks besides: words, who read it, what the judge says."""
    text = st.text_input("Words", key="review_text", type="search", placeholder="Words")
    reviewed = st.selectbox(
        "Reviewed", list(_REVIEWED), format_func=_REVIEWED.__getitem__, key="review_reviewed"
    )
    shaky = st.checkbox("Only where the judge's two orders disagree", key="review_inconsistent")
    where = replace(
        where, text=text.strip(), reviewed=reviewed, inconsistent=True if shaky else None
    )
    if judge is None:
        return where
    verdict = st.selectbox(
        "The judge says",
        ["", "a", "b", "tie"],
        format_func=lambda v: {"": "Anything", "tie": "A tie"}.get(v, f"{v.upper()}, as stored"),
        key="review_verdict",
    )
    sure = st.selectbox("How sure", list(_SURE), format_func=_SURE.__getitem__, key="review_sure")
    if not verdict and sure is None:
        return where
    under = judge.constitution.hash if judge.constitution else ""
    return replace(where, constitution=under, verdict=verdict, sure=sure)


def judgement(db: Database, judge: Judge | None, pair_id: str) -> Label | None:
    """What the chosen judge says of one pair, in the pair's own orientation."""
    return judgements(db, judge, [pair_id]).get(pair_id)


def judgements(db: Database, judge: Judge | None, pair_ids: Sequence[str]) -> dict[str, Label]:
    """What the chosen judge says of these pairs, in their own orientation."""
    if judge is None or not pair_ids:
        return {}
    found = labels.judgements(db, replace(judge.where, pairs=tuple(pair_ids)))
    return {item.pair_id: item.label for item in found}


def constitution(db: Database, judge: Judge | None) -> Version | None:
    """The version that the judge judged under; else the one that was saved last."""
    if judge and judge.constitution:
        found = constitutions.by_hash(db, judge.constitution.hash)
        if found:
            return found
    newest = constitutions.newest_of_each(db)
    return newest[0] if newest else None
