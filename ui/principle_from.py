"""Make a principle of an answer: say what is good or bad of it, let a model word it, try it, keep it."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import CaiError, ConstitutionError
from cai_core.feedback import drafting
from cai_core.feedback.drafting import Drafted, Kind, Remark
from cai_core.feedback.examples import comparisons_in_use
from cai_core.feedback.judge import judge
from cai_core.impact.people import is_locked
from cai_core.review.similar import pairs_like
from cai_core.schema import Chat, Constitution, Label, Pair, Principle
from cai_core.settings import Settings
from cai_core.store import constitutions, labels, pairs
from ui import cards, frame, live
from ui.choices import choose_model
from ui.draft import draft_of, drafts, take_up
from ui.pins import MOST, Pin, add_pin, pins
from ui.plain import label

KINDS: dict[Kind, str] = {
    "praise": "What is good about it",
    "criticise": "What is wrong with it",
    "rewrite": "How it should have been",
}
LIKE = 5  # pairs that a draft is tried on
LOOKED_AT = 2000  # pairs among which those are sought, the newest ones
_NEW = "a new principle"


@dataclass(frozen=True)
class Subject:
    """What a principle is made of; `preferred` is the answer that a person chose over the judge's."""

    prompt: Chat
    answer: str
    pair: Pair | None = None
    preferred: str = ""


def offer(
    db: Database, subject: Subject, *, key: str, title: str = "Make a principle of this"
) -> None:
    """Draw a closed panel; nothing is asked before it is opened and a button is pressed."""
    panel = st.expander(title, icon=":material/add_notes:", key=f"from_{key}", on_change="rerun")
    if not panel.open:
        return
    with panel:
        remark = _remark(subject, key)
        into, constitution = _target(db, key)
        model_id = choose_model("Who words it", key=f"from_model_{key}", chosen=_judge())
        if st.button(
            "Draft it",
            key=f"from_draft_{key}",
            icon=":material/edit_note:",
            disabled=not remark.says,
        ):
            _draft(db, remark, model_id, _old(constitution, into), key)
        _show_drafted(db, subject, into, constitution, key)


def _judge() -> str:
    return Settings.load().judge.model


def _remark(subject: Subject, key: str) -> Remark:
    """What the person says; of an overruled judgement only why."""
    if subject.preferred:
        says = st.text_area("Why is the other answer better?", key=f"from_says_{key}", height=84)
        return Remark("overrule", subject.prompt, subject.answer, says.strip(), subject.preferred)
    kind = st.segmented_control(
        "Say",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default="criticise",
        required=True,
        key=f"from_kind_{key}",
        label_visibility="collapsed",
    )
    better = ""
    if kind == "rewrite":
        better = st.text_area("The better answer", subject.answer, key=f"from_better_{key}")
    says = st.text_area(
        "In your words",
        key=f"from_says_{key}",
        height=84,
        placeholder="It lectures before it helps.",
    )
    return Remark(kind, subject.prompt, subject.answer, says.strip(), better)


def _target(db: Database, key: str) -> tuple[str, Constitution | None]:
    """Into which constitution, and whether it is new or an edit of a principle."""
    names = list(dict.fromkeys([*drafts(), *constitutions.names(db)]))
    if not names:
        st.caption("There is no constitution yet; make one first.")
        return _NEW, None
    with st.container(horizontal=True):
        name = st.selectbox("Into", names, key=f"from_name_{key}")
        constitution = draft_of(db, name).constitution
        keys = [principle.key for principle in constitution.principles]
        into = st.selectbox(
            "As",
            [_NEW, *keys],
            format_func=lambda k: k if k == _NEW else f"an edit of {k}",
            key=f"from_into_{key}",
        )
    return into, constitution


def _old(constitution: Constitution | None, into: str) -> Principle | None:
    return constitution.principle(into) if constitution and into != _NEW else None


def _draft(db: Database, remark: Remark, model_id: str, old: Principle | None, key: str) -> None:
    try:
        with live.interactive(db), st.spinner("Wording it …"):
            made = drafting.draft(remark, live.model(model_id), principle=old)
    except CaiError as error:
        frame.rerun_with(error)
    st.session_state[f"from_text_{key}"] = made.text
    st.session_state[f"from_rule_{key}"] = made.by_rule
    st.session_state.pop(f"from_tried_{key}", None)


def _show_drafted(
    db: Database, subject: Subject, into: str, constitution: Constitution | None, key: str
) -> None:
    if f"from_text_{key}" not in st.session_state or constitution is None:
        return
    text = st.text_area("The question, as the judge will be asked", key=f"from_text_{key}").strip()
    if st.session_state.get(f"from_rule_{key}"):
        st.caption(
            "The model wrote no question that can be used: this is your remark, put by rule."
        )
    with st.container(horizontal=True):
        if st.button(
            "Try it on pairs like this",
            key=f"from_try_{key}",
            icon=":material/play_arrow:",
            disabled=not text,
        ):
            _try(db, subject, text, key)
        if st.button(
            "Put it into the draft",
            key=f"from_keep_{key}",
            type="primary",
            disabled=not text,
        ):
            _keep(db, subject, text, into, constitution.name)
    _show_tried(db, key)


def _like(db: Database, subject: Subject) -> list[Pair]:
    """The pair itself first, where it is one, then those most like it."""
    there = [item.pair for item in pairs.find(db, order="newest", limit=LOOKED_AT)]
    own = [subject.pair] if subject.pair else []
    others = [pair for pair in there if not subject.pair or pair.id != subject.pair.id]
    texts = [*(turn.content for turn in subject.prompt), subject.answer]
    return own + pairs_like(texts, others, most=LIKE)


def _try(db: Database, subject: Subject, text: str, key: str) -> None:
    rules = Constitution("a draft", (Principle("drafted", text=text),))
    setting = Settings.load().judge.model_copy(update={"principles": "each", "panel": ()})
    some = _like(db, subject)
    try:
        with live.interactive(db), st.spinner(f"Judging {len(some)} pairs …"):
            model = live.model(setting.model)
            made = list(judge(some, rules, model, setting, examples=comparisons_in_use(setting)))
    except CaiError as error:
        frame.rerun_with(error)
    st.session_state[f"from_tried_{key}"] = made


def _show_tried(db: Database, key: str) -> None:
    found: list[Label] = st.session_state.get(f"from_tried_{key}", [])
    if not found:
        return
    ids = [one.pair.id for one in found if not is_locked(one.pair)]
    verdicts = labels.verdicts(db, labels.LabelFilter(pairs=ids))
    said = {item.pair_id: item.label.verdict for item in verdicts}
    for one in found:
        asked = label(one.pair.prompt[-1].content, limit=60)
        p = "–" if one.p_a is None else f"{one.p_a:.2f}"
        person = said.get(one.pair.id)
        people = f" · a person: {cards.verdict_text(person)}" if person else ""
        title = f"{cards.verdict_text(one.verdict)} ({p}){people} · {asked}"
        with st.expander(title, key=f"from_{key}_{one.pair.id}"):
            cards.answer("A", one.pair.response_a)
            cards.answer("B", one.pair.response_b)


def _keep(db: Database, subject: Subject, text: str, into: str, name: str) -> None:
    """Into the draft, with the pair and pairs like it pinned beside the editor."""
    draft = draft_of(db, name)
    made = Drafted(text)
    if into == _NEW:
        draft = draft.with_principle(made.as_principle())
    else:
        row = next((row for row, principle in draft.rows if principle.key == into), None)
        if row is None:
            raise ConstitutionError(f"'{into}' is no longer in the draft of '{name}'")
        draft = draft.edit(row, text=text)
    take_up(draft, slot=name)
    for pair in _like(db, subject)[: max(0, MOST - len(pins()))]:
        add_pin(Pin(pair.prompt, pair))
    st.switch_page("pages/constitution.py")
