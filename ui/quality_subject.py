"""What the quality page speaks of: the labels of one judge setting, or those of one frozen dataset."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.store import datasets, labels, measured
from cai_core.store.datasets import Dataset
from cai_core.store.labels import JudgeUse
from ui.plain import shorten
from ui.quality_words import begun
from ui.review_choice import Judge, judge_name

CHOSEN, SCOPE = "quality_subject", "quality_scope"
_WORDS = {
    "text": "with the words “{}”",
    "source": "of the source “{}”",
    "split": "of the split {}",
    "job": "of the run {}",
    "verdict": "that a judge called {}",
    "constitution": "judged under the constitution {}",
}


@dataclass(frozen=True)
class Subject:
    """Exactly one of `use` and `dataset` is there; `scope` names the part of all pairs, "" for all."""

    use: JudgeUse | None = None
    dataset: Dataset | None = None
    scope: str = ""

    @property
    def key(self) -> str:
        """Under which its certificates are kept."""
        if self.dataset:
            return f"dataset:{self.dataset.id}"
        assert self.use is not None
        return ":".join(filter(None, ["judge", measured.setting_key(self.use), self.scope]))

    @property
    def name(self) -> str:
        """On one line, for a choice."""
        if self.dataset:
            return f"Dataset: {shorten(self.dataset.name, 40)} · {self.dataset.id[:8]}"
        assert self.use is not None
        template = shorten(self.use.template, 24)
        return f"{judge_name(Judge.of(self.use))} · {template} · {self.use.n:,} pairs"

    @property
    def population(self) -> str:
        """Which labels a certificate of it is about, in words."""
        return f"the {'rows' if self.dataset else 'judgements'} of {self.of}"

    @property
    def of(self) -> str:
        """Whose labels, in words."""
        if self.dataset:
            return f"the dataset “{shorten(self.dataset.name, 60)}” ({self.dataset.id})"
        assert self.use is not None
        use = self.use
        rule = f", under {use.constitution.name}" if use.constitution else ""
        if use.constitution:
            ref = use.constitution
            rule += f" v{ref.version}" if ref.version else f" {ref.hash}"
        asked = f"{use.method}, {use.principles or 'people’s verdicts'}, {use.template}"
        return f"{use.judge}{rule} ({asked}) on {scope_words(self.scope)}"


def scope_words(scope: str) -> str:
    """
    >>> scope_words("")
    'all pairs'
    >>> scope_words('{"source": "sample"}')
    'pairs of the source “sample”'
    """
    if not scope:
        return "all pairs"
    said = vars(measured.filter_of(scope))
    given = {name: value for name, value in said.items() if value not in ("", None)}
    parts = [_WORDS.get(name, f"where {name} is {{}}").format(v) for name, v in given.items()]
    return f"pairs {', '.join(parts)}"


def newest(db: Database) -> Subject | None:
    """The judge setting that was used last, on the pairs that most draws are from."""
    use = next(iter(labels.judge_uses(db)), None)
    return Subject(use=use, scope=next(iter(measured.scopes(db)), "")) if use else None


def choose(db: Database) -> Subject | None:
    """Draw the choice; None where there is no label to speak of."""
    found = [Subject(use=use) for use in labels.judge_uses(db)]
    found += [Subject(dataset=one) for one in datasets.find(db, kind="preference")]
    if not found:
        return None
    subject = st.selectbox(
        "Labels of",
        found,
        format_func=lambda one: one.name,
        key=CHOSEN,
        persist_state="session",
        width=620,
        help="Labels are comparable under one judge, method, template and version only.",
    )
    if subject.use is None:
        return subject
    return Subject(use=subject.use, scope=_scope(db))


def _scope(db: Database) -> str:
    """The part of all pairs that most draws are from, or another; asked where there are several."""
    drawn = measured.scopes(db)
    if len(drawn) < 2:
        return next(iter(drawn), "")
    return st.selectbox(
        "Pairs",
        list(drawn),
        format_func=lambda scope: f"{begun(scope_words(scope))} · {drawn[scope]:,} drawn",
        key=SCOPE,
        persist_state="session",
        width=360,
        help="Draws from a part of the pairs say nothing of the others.",
    )
