"""Start a comparison of two versions, or of a version and a draft: which pairs, which judge."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import document
from cai_core.constitution.diff import compare
from cai_core.errors import CaiError
from cai_core.impact.edit import Edit
from cai_core.jobs.queue import Submission
from cai_core.review.effective import effective_labels
from cai_core.schema import Pair, Row, Verdict, content_hash
from cai_core.settings import JudgeSetting, Settings, usual_principles
from cai_core.store import labels, pairs
from ui import cards, generate_choices, judge_choices
from ui.choices import Ruling, rulings
from ui.constitution_changes import change_summary, show_changes
from ui.generate_judge import METHODS, PRINCIPLES
from ui.generate_start import Plan, start
from ui.impact_votes import stored_labels
from ui.plain import label, shorten

FEW = 40  # pairs at first: enough for an interval, minutes on a laptop
PLACEBOS = 19
FROM, TO = "impact_from", "impact_to"  # session state: titles of the two states that are compared


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
    there = [found for found in rulings(db) if found.ref.version]
    if not there or not pairs.count(db):
        _say_what_is_missing(bool(there))
        return
    left, right = st.columns(2, gap="medium")
    with left:
        both = _choose_edit(there, rulings(db))
    with right:
        setting, check = _choose_judge()
    if both is None:
        return
    old, new = both
    _say_edit(old, new)
    found, people = _choose_pairs(db)
    try:
        Edit(old.constitution.check(), new.constitution.check()).check()
    except CaiError as error:
        st.warning(label(str(error), limit=400), icon=":material/help:")
        return
    asked = _Asked(old, new, found, people, setting, check)
    start(Plan(_submission(db, asked), len(found), _says(asked)))


def _say_what_is_missing(has_versions: bool) -> None:
    if not has_versions:
        cards.empty(
            "There is no version to compare",
            "Save a constitution first.",
            page="constitution",
            label="Write a constitution",
        )
        return
    cards.empty(
        "An edit is tried on pairs",
        "Sample or upload pairs of answers on the generate page.",
        page="generate",
        label="Make pairs",
    )


def _choose_edit(
    versions: Sequence[Ruling], everything: Sequence[Ruling]
) -> tuple[Ruling, Ruling] | None:
    """From a saved version to another or to a draft of the same constitution."""
    by_title = {ruling.title: ruling for ruling in everything}
    new = by_title[st.selectbox("After the edit", list(by_title), key=TO, persist_state="session")]
    before = [r for r in versions if r.ref.name == new.ref.name and r.title != new.title]
    if not before:
        st.caption("This constitution has no other version to compare with.")
        return None
    titles = [ruling.title for ruling in before]
    if st.session_state.get(FROM) not in titles:
        st.session_state[FROM] = _usual_before(before, new).title
    old = st.selectbox("Before the edit", titles, key=FROM, persist_state="session")
    return by_title[old], new


def _usual_before(before: Sequence[Ruling], new: Ruling) -> Ruling:
    """The version just before it; the newest one for a draft."""
    older = [r for r in before if new.ref.version is None or (r.ref.version or 0) < new.ref.version]
    return max(older or before, key=lambda r: r.ref.version or 0)


def _choose_judge() -> tuple[JudgeSetting, bool]:
    setting = Settings.load().judge
    model = generate_choices.choose_model("Judge", setting.model, key="impact_judge")
    method = st.selectbox(
        "Method",
        list(METHODS),
        index=list(METHODS).index(setting.method),
        format_func=METHODS.__getitem__,
        key="impact_method",
        persist_state="session",
    )
    principles = st.selectbox(
        "Principles",
        list(PRINCIPLES),
        index=list(PRINCIPLES).index(judge_choices.first_principles(setting, model)),
        format_func=PRINCIPLES.__getitem__,
        key=f"impact_principles_{usual_principles(model)}",
        persist_state="session",
        help="Of a drawn principle the edited one is forced on every pair.",
    )
    check = st.toggle(
        "Ask whether it is real",
        value=True,
        key="impact_check",
        help=f"The same under five other templates, and {PLACEBOS} placebo edits: rewordings that"
        " mean the same. It takes several times as long.",
    )
    given = {"model": model, "method": method, "principles": principles, "panel": ()}
    return setting.model_copy(update=given), check


def _say_edit(old: Ruling, new: Ruling) -> None:
    diff = compare(old.constitution, new.constitution)
    with st.expander(f"The edit: {change_summary(diff)}", icon=":material/difference:"):
        show_changes(old.constitution, new.constitution)


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
    ids = [pair.id for pair in asked.pairs]
    stored = stored_labels(db, asked.old.ref.hash, ids, setting)
    options |= {"from": "from.yaml", "to": "to.yaml", "pairs": "pairs.jsonl"}
    options |= {"labels": "labels.jsonl"} if stored else {}
    options |= {"no_check": True} if not asked.check else {"placebos": PLACEBOS}
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
            "pair_set": content_hash(sorted(pair.id for pair in asked.pairs)),
        },
    )
