"""What the models read for a principle, word for word, and how many tokens it takes."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from cai_core.constitution.lint import Window
from cai_core.errors import CaiError
from cai_core.feedback.comparison import whole_question
from cai_core.feedback.examples import Example, Worked, comparisons_in_use, revisions_in_use
from cai_core.feedback.seen import Seen, seen
from cai_core.models import ruler as rulers
from cai_core.models.ruler import Ruler
from cai_core.schema import Constitution, Principle
from cai_core.settings import JudgeSetting, Settings
from ui.plain import label

_TITLES = {
    "comparison": "What the judge is asked",
    "critique": "The critique request",
    "revision": "The revision request",
}
_GENERAL = {
    "comparison": "Made from the critique request: the comparison wording is empty.",
    "critique": "Made from the comparison wording: the critique request is empty.",
    "revision": "A general request: the revision request is empty.",
}
_BEFORE = {
    "critique": "It follows the conversation and the answer.",
    "revision": "It follows the conversation, the answer, the critique request and the critique.",
}


@dataclass(frozen=True)
class Readers:
    """Who reads a constitution in this workspace, and how it is asked."""

    setting: JudgeSetting
    judge: Ruler
    writer: Ruler
    stamp: str
    examples: tuple[Worked, ...] = ()
    rounds: tuple[Example, ...] = ()
    trouble: str = ""  # why examples are left out

    @property
    def window(self) -> Window | None:
        """The judge's window for lint, where it is known."""
        if not self.judge.knows_window:
            return None
        in_one = whole_question if self.setting.principles == "whole" else None
        return Window(self.judge.model_id, self.judge.context, self.judge.count_text, in_one)

    @property
    def key(self) -> tuple[object, ...]:
        """What the requests and their tokens depend on besides the principle."""
        return self.setting.model_dump_json(), self.stamp, self.examples, self.rounds

    def ruler(self, who: str) -> Ruler:
        return self.judge if who == "judge" else self.writer


@dataclass(frozen=True)
class Measured:
    """A request with its tokens: alone, and with all that stands around it but the data."""

    seen: Seen
    alone: int
    whole: int | None


def readers() -> Readers:
    """The workspace's judge and base model, with their rulers, which are kept."""
    settings = Settings.load()
    ids = (settings.judge.model, settings.base_model)
    stamps = [rulers.stamp(model_id, settings) for model_id in ids]
    judge, writer = (
        _ruler(model_id, stamp, settings) for model_id, stamp in zip(ids, stamps, strict=True)
    )
    by = Readers(settings.judge, judge, writer, " ".join((*ids, *stamps)))
    try:
        return replace(by, examples=comparisons_in_use(settings.judge), rounds=revisions_in_use())
    except CaiError as error:
        return replace(by, trouble=str(error))


@st.cache_resource(max_entries=4, show_spinner=False)
def _ruler(model_id: str, stamp: str, _settings: Settings) -> Ruler:
    return rulers.ruler_of(model_id, _settings)


def show_model_sees(
    row: str, principle: Principle, constitution: Constitution, by: Readers
) -> None:
    """Draw the tokens of each request, and a popover with the requests themselves."""
    if not (principle.text.strip() or principle.critique.strip()):
        return
    whole = constitution if by.setting.principles == "whole" else Constitution("")
    try:
        found = _measured(principle, whole, by.key, by)
    except CaiError as error:
        st.caption(f"What the model sees cannot be shown: {label(str(error), limit=300)}")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        key = f"sees_{row}"
        popover = st.popover(
            "What the model sees",
            icon=":material/visibility:",
            type="tertiary",
            key=key,
            on_change="rerun",
        )
        st.caption(_summary(found, by))
    if popover.open:
        with popover:
            if by.trouble:
                st.caption(f"Without worked examples: {label(by.trouble, limit=300)}")
            for measured in found:
                _show(measured, by)


@st.cache_data(max_entries=1000, show_spinner=False)
def _measured(
    principle: Principle, constitution: Constitution, key: tuple[object, ...], _by: Readers
) -> tuple[Measured, ...]:
    pieces = seen(
        principle,
        constitution,
        setting=_by.setting,
        examples=_by.examples,
        rounds=_by.rounds,
    )
    return tuple(
        Measured(piece, _by.ruler(piece.who).count_text(piece.alone), _count_whole(piece, _by))
        for piece in pieces
    )


def _count_whole(piece: Seen, by: Readers) -> int | None:
    """None where the model's template refuses the chat."""
    try:
        return by.ruler(piece.who).count_chat(piece.chat)
    except CaiError:
        return None


def _summary(found: Sequence[Measured], by: Readers) -> str:
    parts = []
    for measured in found:
        about = "" if by.ruler(measured.seen.who).exact else "about "
        parts.append(f"{measured.seen.what} {about}{measured.alone}")
    return "Tokens: " + " · ".join(parts)


def _show(measured: Measured, by: Readers) -> None:
    piece, ruler = measured.seen, by.ruler(measured.seen.who)
    st.markdown(f"**{_TITLES[piece.what]}** · {ruler.said(measured.alone)}")
    if piece.general:
        st.caption(_GENERAL[piece.what])
    if piece.what == "comparison":
        turns = piece.chat[-2:]
        st.html(_marked(turns[0].content, piece.alone))
        st.caption(f"The judge's own turn is begun for it: {label(turns[1].content, limit=200)}")
    else:
        st.html(_marked(piece.alone, piece.alone))
        st.caption(_BEFORE[piece.what])
    st.caption(_around(measured, by))


def _around(measured: Measured, by: Readers) -> str:
    """Who counted, and what the whole takes."""
    piece, ruler = measured.seen, by.ruler(measured.seen.who)
    said = []
    if not ruler.exact:
        why = label(ruler.why_estimate, limit=200)
        said.append(f"Estimated, 4 characters a token: {why}.")
    if measured.whole is not None:
        window = f" of the window's {ruler.context:,}" if ruler.knows_window else ""
        shown = f", {piece.examples} worked examples in front" if piece.examples else ""
        said.append(
            f"{ruler.said(measured.whole).capitalize()}{window} with its template{shown} and short"
            f" stand-ins for the data ({label(ruler.model_id, limit=60)})."
        )
    return " ".join(said)


def _marked(text: str, part: str) -> str:
    """The text as it is, as HTML, with the principle's part of it marked."""
    before, found, after = text.partition(part)
    shown = html.escape(before)
    shown += f"<mark>{html.escape(found)}</mark>" if before or after else html.escape(found)
    return (
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45;font-size:.9em;'
        'border-left:3px solid rgba(18,130,122,.7);padding:.1rem .8rem">'
        f"{shown}{html.escape(after)}</div>"
    )
