"""Which judgements the evidence is about, and what is known of how they were made."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.evaluate import reweigh
from cai_core.feedback.draw import voters
from cai_core.schema import Constitution, Version, VoteTable, content_hash
from cai_core.settings import Settings
from cai_core.stats import FloatArray
from cai_core.store import constitutions, labels, votes
from cai_core.store.labels import JudgeUse
from ui.draft import Draft
from ui.plain import shorten
from ui.review_choice import Judge, judge_name


@dataclass(frozen=True)
class Asked:
    """One judge setting, the constitution that it judged under, and why labels stay as they are.

    `rules` is None where that constitution is not here; `why` is empty where labels can be computed
    again.
    """

    use: JudgeUse
    rules: Constitution | None
    why: str
    saved: Version | None = None  # the version with this content, if there is one

    @property
    def id(self) -> str:
        """For the keys of widgets."""
        return _id(self.use)

    @property
    def version(self) -> str:
        return f"version {self.saved.number}" if self.saved else "an unsaved draft"

    @property
    def keys(self) -> list[str]:
        """The principles that were asked, in their order."""
        return [p.key for p in voters(self.rules)] if self.rules else []

    def table(self, db: Database, *, answers: bool = False) -> VoteTable:
        return votes.read(db, self.use, keys=self.keys, answers=answers)

    def weights(self, table: VoteTable) -> FloatArray | None:
        """What the labels were made with; None where they cannot be computed again."""
        if self.why or self.rules is None:
            return None
        return reweigh.weights_in(self.rules, table.keys)


def tie_band(table: VoteTable) -> float:
    """What the labels were made with."""
    return reweigh.tie_band_of(table, Settings.load().judge.tie_band)


def choose(db: Database, draft: Draft) -> Asked | None:
    """Draw the choice among judgements under this constitution; None where there are none."""
    uses = {
        _id(use): use
        for use in labels.judge_uses(db)
        if use.constitution and use.constitution.name == draft.name
    }
    if not uses:
        return None
    newest = next((at for at, use in enumerate(uses.values()) if use.principles == "each"), 0)
    chosen = st.selectbox(
        "Judgements",
        list(uses),
        index=newest,
        format_func=_titles(uses).__getitem__,
        key=f"evidence_use_{draft.name}",
        persist_state="session",
        help="Labels are comparable under one judge, method, template and version only.",
    )
    use = uses[chosen]
    assert use.constitution is not None
    saved = constitutions.by_hash(db, use.constitution.hash)
    rules = saved.constitution if saved else _draft_of(use.constitution.hash, draft)
    why = reweigh.why_not(use.principles, use.judge, known=rules is not None)
    return Asked(use, rules, why, saved)


def _id(use: JudgeUse) -> str:
    rule = use.constitution.hash if use.constitution else ""
    return content_hash([use.judge, use.method, use.principles, use.template, rule], digits=8)


def _titles(uses: Mapping[str, JudgeUse]) -> dict[str, str]:
    """Without the number of pairs: a choice is known by its title, and must not change as they grow."""
    titles = {
        id_: f"{judge_name(Judge.of(use))} · {shorten(use.template, 24)}"
        for id_, use in uses.items()
    }
    often = Counter(titles.values())
    return {id_: f"{one} · {id_}" if often[one] > 1 else one for id_, one in titles.items()}


def _draft_of(content: str, draft: Draft) -> Constitution | None:
    return draft.constitution if draft.constitution.hash == content else None
