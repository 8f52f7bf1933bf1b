"""Which pairs a reviewer reads, in which order, and against which judge: the row of filters."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal

import streamlit as st
from sqlite_utils import Database

from cai_core.review import effective, queue
from cai_core.review.queue import Candidate, QueueName
from cai_core.schema import SPLITS, ConstitutionRef, Label, Version, content_hash, judges_of
from cai_core.store import constitutions, labels, pairs, work
from cai_core.store.labels import JudgeUse, LabelFilter
from cai_core.store.pairs import PairFilter
from ui.person import person
from ui.plain import shorten
from ui.review_deck import Card, Deck

Seen = Literal["me", "anybody", "nobody"]

SAMPLE = "sample"  # the source of the shipped pairs
GUIDED = "guided"  # the queue of the guided first review
GUIDED_PAIRS = 20
DRAWS = "review_draws"  # session state: how often another sample was asked for

QUEUES: dict[QueueName, str] = {
    "all": "All, shuffled",
    "even": "Random sample",
    "uncertain": "Least confident",
    "inconsistent": "Inconsistent judge",
    "disputed": "People disagree",
}
_SEEN: dict[Seen, str] = {
    "me": "Not yet reviewed by me",
    "anybody": "Not yet reviewed by anybody",
    "nobody": "All, reviewed ones too",
}
_SAMPLED = ("even", "uncertain")


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
    """Everything that decides which pairs come up."""

    where: PairFilter = field(default_factory=PairFilter)
    queue: str = "all"
    size: int | None = None
    unseen: Seen = "me"
    judge: Judge | None = None
    blind: bool = True
    draws: int = 0

    def made_for(self, reviewer: str) -> Hashable:
        """What a deck is drawn under; whether it is read blind changes no card."""
        seen = (self.where, self.queue, self.size, self.unseen, self.judge, self.draws)
        return (reviewer, *seen)


def guided(db: Database) -> Choice:
    """The guided first review: a random sample of the shipped pairs, blind."""
    judge = next(iter(judges(db)), None)
    return Choice(PairFilter(source=SAMPLE), queue=GUIDED, size=GUIDED_PAIRS, judge=judge)


def choose(db: Database) -> Choice:
    """Draw the filters and say what is chosen."""
    with st.container(horizontal=True, vertical_alignment="center"):
        name = st.selectbox(
            "Queue",
            list(QUEUES),
            format_func=QUEUES.__getitem__,
            key="review_queue",
            label_visibility="collapsed",
            width=200,
        )
        with st.popover("Filters and judge", icon=":material/tune:"):
            judge = _judge(db)
            where, unseen, size = _filters(db, name)
        blind = st.toggle(
            "Blind",
            value=True,
            key="review_blind",
            help="Hides the judge's verdict until you gave yours. Only blind verdicts measure it.",
        )
    draws = st.session_state.get(DRAWS, 0)
    return Choice(where, name, size if name in _SAMPLED else None, unseen, judge, blind, draws)


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


def _filters(db: Database, name: QueueName) -> tuple[PairFilter, Seen, int]:
    source = st.selectbox(
        "Source",
        ["", *filter(None, pairs.sources(db))],
        format_func=lambda value: value or "All sources",
        key="review_source",
    )
    unseen = st.selectbox("Which", list(_SEEN), format_func=_SEEN.__getitem__, key="review_seen")
    runs = {job.id: job for job in work.find(db, kinds=["sample-pairs", "chain"])}
    job = st.selectbox(
        "Run",
        ["", *runs],
        format_func=lambda key: shorten(runs[key].title, 50) if key else "All runs",
        key="review_job",
    )
    split = st.selectbox(
        "Split", ["", *SPLITS], format_func=lambda s: s or "All splits", key="review_split"
    )
    text = st.text_input("Search", key="review_text", type="search", placeholder="Words")
    size = st.number_input(
        "Pairs in a sample",
        min_value=5,
        max_value=1000,
        value=50,
        step=5,
        key="review_size",
        disabled=name not in _SAMPLED,
        help="For the random sample and the least confident pairs.",
    )
    where = PairFilter(text=text.strip(), split=split or None, source=source, job=job)
    return where, unseen, int(size)


def draw(db: Database, choice: Choice) -> Deck:
    """The deck of this choice: the same reviewer gets the same order."""
    reviewer = person()
    found = [item.id for item in pairs.find(db, choice.where)]
    judged = {item.pair_id: item.label for item in _judgements(db, choice.judge)}
    seed = int(content_hash({"reviewer": reviewer, "draw": choice.draws}), 16)
    name: QueueName = "even" if choice.queue == GUIDED else choice.queue  # type: ignore[assignment]
    places = queue.draw(
        name,
        [Candidate(pair_id, judged.get(pair_id)) for pair_id in found],
        size=choice.size,
        seed=seed,
        disputed=_disputed(db) if name == "disputed" else (),
    )
    drawn = [Card(place.pair_id, place.pi) for place in places]
    return Deck.of(choice.made_for(reviewer), drawn, _done(db, choice.unseen, reviewer))


def _judgements(db: Database, judge: Judge | None) -> list[labels.StoredLabel]:
    return labels.judgements(db, judge.where) if judge else []


def _disputed(db: Database) -> frozenset[str]:
    said = [item.label for item in labels.verdicts(db)]
    found = effective.effective_labels(said, ())
    return frozenset(one.pair.id for one in found if one.verdict == "disputed")


def _done(db: Database, unseen: Seen, reviewer: str) -> frozenset[str]:
    if unseen == "nobody":
        return frozenset()
    who = reviewer if unseen == "me" else ""
    return frozenset(item.pair_id for item in labels.verdicts(db, LabelFilter(annotator=who)))


def judgement(db: Database, judge: Judge | None, pair_id: str) -> Label | None:
    """What the chosen judge says of one pair, in the pair's own orientation."""
    if judge is None:
        return None
    where = LabelFilter(**{**vars(judge.where), "pairs": [pair_id]})
    found = labels.judgements(db, where)
    return found[0].label if found else None


def constitution(db: Database, judge: Judge | None) -> Version | None:
    """The version that the judge judged under; else the one that was saved last."""
    if judge and judge.constitution and (found := _by_ref(db, judge.constitution)):
        return found
    newest = constitutions.newest_of_each(db)
    return newest[0] if newest else None


def _by_ref(db: Database, ref: ConstitutionRef) -> Version | None:
    return constitutions.by_hash(db, ref.hash)
