"""Start a comparison of two versions, or of a version and a draft: which pairs, which judge."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.errors import CaiError, DataError
from cai_core.impact.edit import Edit
from cai_core.impact.plan import REWORDED
from cai_core.jobs.queue import Submission
from cai_core.review.effective import effective_labels
from cai_core.schema import Pair, Row, Verdict
from cai_core.settings import JudgeSetting
from cai_core.store import labels, pairs
from ui import cards, impact_edit, judge_choices
from ui.choices import Ruling
from ui.generate_start import Plan, start
from ui.impact_votes import stored_labels
from ui.plain import label, shorten

FEW = 40  # pairs at first: enough for an interval, minutes on a laptop


@dataclass(frozen=True)
class _Asked:
    """Everything that a comparison is made of."""

    old: Ruling
    new: Ruling
    pairs: tuple[Pair, ...]
    people: int  # of the pairs have a person's verdict
    setting: JudgeSetting
    check: bool


def show(db: Database) -> None:
    """The form and its button; an empty state where versions or pairs are missing."""
    if not impact_edit.versions(db):
        impact_edit.say_no_version()
        return
    if not pairs.count(db):
        _say_no_pairs()
        return
    left, right = st.columns(2, gap="medium")
    with left:
        both = impact_edit.choose_edit(db)
    with right:
        setting, check = _choose_judge()
    if both is None:
        return
    old, new = both
    impact_edit.say_edit(old, new)
    found, people = _choose_pairs(db)
    if not _judges_see_it(old, new):
        return
    asked = _Asked(old, new, found, people, setting, check)
    start(Plan(_submission(db, asked), len(found), _says(asked)))


def _judges_see_it(old: Ruling, new: Ruling) -> bool:
    """Whether there is anything to judge again; what to do instead where there is not."""
    edit = Edit(old.constitution, new.constitution)
    try:
        old.constitution.check()
        new.constitution.check()
        edit.check()
    except CaiError as error:
        st.warning(label(str(error), limit=400), icon=":material/help:")
        if isinstance(error, DataError) and edit.touches_revisions:
            impact_edit.offer_revisions()
        return False
    return True


def _say_no_pairs() -> None:
    cards.empty(
        "An edit is tried on pairs",
        "Sample or upload pairs of answers on the generate page.",
        page="generate",
        label="Make pairs",
    )


def _choose_judge() -> tuple[JudgeSetting, bool]:
    setting = impact_edit.choose_judge(
        "impact", help="Of a drawn principle the edited one is forced on every pair."
    )
    check = st.toggle(
        "Ask whether it is real",
        value=True,
        key="impact_check",
        help=f"The same under five other templates, and {REWORDED} placebo edits: rewordings that"
        " mean the same. It takes several times as long.",
    )
    return setting, check


def _choose_pairs(db: Database) -> tuple[tuple[Pair, ...], int]:
    """A random sample, with people's verdicts on it; how many have one."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source = st.selectbox(
            "Pairs",
            ["", *filter(None, pairs.sources(db))],
            format_func=lambda value: value or "All sources",
            key="impact_source",
        )
        reviewed = st.toggle("Only pairs that people judged", key="impact_reviewed")
        found = [item.pair for item in pairs.find(db, pairs.PairFilter(source=source))]
        verdicts = _people(db)
        if reviewed:
            found = [pair for pair in found if pair.id in verdicts]
        most = st.number_input(
            f"Random sample, of {len(found)}",
            min_value=0,
            max_value=len(found),
            value=min(len(found), FEW),
            key=f"impact_most_{len(found)}_{reviewed}",
            disabled=not found,
        )
    found.sort(key=lambda pair: pair.id)
    chosen = random.Random(0).sample(found, int(most))
    marked = tuple(replace(pair, label=verdicts.get(pair.id)) for pair in chosen)
    return marked, sum(pair.label is not None for pair in marked)


def _people(db: Database) -> dict[str, Verdict]:
    """What people's standing verdicts agree on, by pair."""
    said = effective_labels([item.label for item in labels.verdicts(db)], [])
    sides: tuple[Verdict, ...] = ("a", "b", "tie")
    return {one.pair.id: side for one in said for side in sides if one.verdict == side}


def _says(asked: _Asked) -> str:
    touched = Edit(asked.old.constitution, asked.new.constitution).touched
    what = f"{len(touched)} edited principle{'' if len(touched) == 1 else 's'}"
    people = f", {asked.people} of them with a person's verdict" if asked.people else ""
    return (
        f"**{len(asked.pairs)} pairs**{people}, judged in both orders before and after:"
        f" {what}, and nothing that the edit does not touch."
    )


def _submission(db: Database, asked: _Asked) -> Submission:
    setting = asked.setting
    options = judge_choices.job_options(setting)
    options = {k: v for k, v in options.items() if k not in ("panel", "combine")}
    edit = Edit(asked.old.constitution, asked.new.constitution)
    ids = [pair.id for pair in asked.pairs]
    stored = stored_labels(db, edit, ids, setting)
    options |= {"from": "from.yaml", "to": "to.yaml", "pairs": "pairs.jsonl"}
    options |= {"labels": "labels.jsonl"} if stored else {}
    options |= {"no_check": True} if not asked.check else {"placebos": REWORDED}
    files: dict[str, str | Sequence[Row]] = {
        "from.yaml": document.dump(asked.old.constitution),
        "to.yaml": document.dump(asked.new.constitution),
        "pairs.jsonl": [pair.to_row() for pair in asked.pairs],
    }
    if stored:
        files["labels.jsonl"] = [one.to_row() for one in stored]
    return Submission(
        kind="impact",
        title=f"{shorten(asked.old.title, 40)} → {shorten(asked.new.title, 40)}",
        options=options,
        files=files,
        constitution=asked.new.ref,
        config={
            "from": asked.old.ref.to_row(),
            "reviewed": sorted(pair.id for pair in asked.pairs if pair.label),
        },
    )
