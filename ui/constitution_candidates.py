"""The candidates of long prose, which a person accepts one by one into a draft."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.prose import Candidate
from cai_core.errors import ConstitutionError
from cai_core.store import constitutions
from ui import frame
from ui.draft import draft_of, drafts, take_up
from ui.plain import label

PAGE = 8  # candidates at once: a rerun takes 20 ms, whether there are 8 or 400
_SHELVES = "constitution_shelves"  # session state: the Shelf of each file, by number
Decision = Literal["left", "accepted", "skipped"]
_TITLES = {"left": "To decide", "accepted": "Accepted", "skipped": "Skipped"}
_USES = {"text": "Comparison", "critique": "Critique request"}


@dataclass(frozen=True)
class Shelf:
    """The candidates of one file and what was decided; keys of candidates are unique."""

    file: str
    candidates: tuple[Candidate, ...]
    target: str  # name of the constitution that accepted ones go to
    decided: dict[str, Decision] = field(default_factory=dict)
    open: bool = True
    number: int = field(default_factory=count(1).__next__)  # keeps the widgets of two files apart

    def of(self, decision: Decision) -> list[Candidate]:
        return [c for c in self.candidates if self.decided.get(c.key, "left") == decision]

    def with_decision(self, keys: Sequence[str], decision: Decision) -> "Shelf":
        return replace(self, decided={**self.decided, **dict.fromkeys(keys, decision)})


def open_shelf(file: str, candidates: Sequence[Candidate], target: str) -> None:
    """Show the candidates of a file, with what was decided of the same ones; others are put aside."""
    given = tuple(candidates)
    same = (s for s in _shelves().values() if (s.file, s.candidates) == (file, given))
    shelf = next((s for s in same if s.of("left")), Shelf(file, given, target))
    _close()
    _keep_shelf(replace(shelf, open=True))


def _keep_shelf(shelf: Shelf) -> None:
    _shelves()[shelf.number] = shelf


def _shelves() -> dict[int, Shelf]:
    found: dict[int, Shelf] = st.session_state.setdefault(_SHELVES, {})
    return found


def _shelf() -> Shelf | None:
    """The one that is open."""
    return next((shelf for shelf in _shelves().values() if shelf.open), None)


def show_way_back() -> None:
    """Draw how to go on with candidates that were put aside."""
    for number, shelf in _shelves().items():
        n = len(shelf.of("left"))
        if shelf.open or not n:
            continue
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{n} candidates of {label(shelf.file)} are undecided.")
            key = f"shelf_open_{number}"
            st.button("Go on with them", key=key, type="tertiary", on_click=_open, args=(number,))


def show_candidates(db: Database) -> bool:
    """Draw the accept list where one is open; whether it is."""
    shelf = _shelf()
    if not shelf or not shelf.open:
        return False
    st.subheader(f"Candidates of {label(shelf.file)}", anchor=False)
    counts = {kind: len(shelf.of(kind)) for kind in _TITLES}
    st.caption(
        f"{len(shelf.candidates)} sentences say how to answer: {counts['left']} to decide,"
        f" {counts['accepted']} accepted, {counts['skipped']} skipped. Rules of grammar found and"
        " worded them, no model; edit what they got wrong."
    )
    _show_target(db, shelf)
    shown = _chosen(shelf, counts)
    _show_page(shelf, shown)
    return True


def _show_target(db: Database, shelf: Shelf) -> None:
    names = list(dict.fromkeys([shelf.target, *constitutions.names(db), *drafts()]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "Accepted ones go to the draft of",
            names,
            index=0,
            key=f"shelf_target_{shelf.number}",
            accept_new_options=True,
            on_change=_aim,
            width=320,
        )
        st.button("Done", key="shelf_close", icon=":material/check:", on_click=_close)


def _chosen(shelf: Shelf, counts: dict[Decision, int]) -> list[Candidate]:
    """Draw the filters; what passes them."""
    sections = list(dict.fromkeys(c.section for c in shelf.candidates))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "Show",
            list(_TITLES),
            default="left",
            key=f"shelf_kind_{shelf.number}",
            format_func=lambda one: f"{_TITLES[one]} ({counts[one]})",
        )
        kind = kind or "left"
        left = shelf.of(kind)
        section = st.selectbox(
            "Section",
            ["", *[s for s in sections if s and any(c.section == s for c in left)]],
            key=f"shelf_section_{shelf.number}",
            format_func=lambda one: one or "All sections",
            width=420,
        )
        shown = [c for c in left if not section or c.section == section]
        if section and kind == "left" and shown:
            st.button(
                f"Accept all {len(shown)} of it",
                key="shelf_accept_section",
                on_click=frame.callback(_accept),
                args=([c.key for c in shown],),
            )
    return shown


def _show_page(shelf: Shelf, shown: Sequence[Candidate]) -> None:
    if not shown:
        st.caption("None here.")
        return
    pages = (len(shown) - 1) // PAGE + 1
    page = 0
    if pages > 1:
        key = f"shelf_page_{shelf.number}"
        st.session_state[key] = min(st.session_state.get(key, 1), pages)
        page = st.pagination(pages, key=key) - 1
    for candidate in shown[page * PAGE : (page + 1) * PAGE]:
        _show_candidate(shelf, candidate)


def _show_candidate(shelf: Shelf, candidate: Candidate) -> None:
    key, decision = candidate.key, shelf.decided.get(candidate.key, "left")
    with st.container(border=True, gap="small"):
        wording, passage = st.columns([11, 9], gap="medium")
        with wording:
            st.caption(f"**{label(key)}** · {_place(candidate)}")
            if decision == "left":
                _show_editor(shelf, candidate)
            else:
                st.text(candidate.wording)
            if decision == "skipped":
                st.button(
                    "Take back", key=f"shelf_back_{key}", on_click=_decide, args=(key, "left")
                )
        with passage:
            st.caption("Passage")
            st.text(candidate.source)


def _place(candidate: Candidate) -> str:
    also = (
        f", and nearly so on {label(', '.join(map(str, candidate.also)))}" if candidate.also else ""
    )
    tags = f" · {label(', '.join(candidate.tags))}" if candidate.tags else ""
    return f"line {candidate.line}{also}{tags}"


def _show_editor(shelf: Shelf, candidate: Candidate) -> None:
    key = candidate.key
    wording, used = _kept(shelf, key, "wording"), _kept(shelf, key, "use")
    st.text_area(
        "Wording",
        st.session_state.get(wording, candidate.wording),
        key=f"shelf_{wording}",
        height=96,
        label_visibility="collapsed",
        on_change=_keep,
        args=(wording,),
    )
    use = "text" if candidate.text else "critique"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Use as",
            list(_USES),
            default=st.session_state.get(used, use),
            key=f"shelf_{used}",
            format_func=lambda one: _USES[one],
            label_visibility="collapsed",
            on_change=_keep,
            args=(used,),
        )
        st.button(
            "Accept",
            key=f"shelf_accept_{key}",
            type="primary",
            on_click=frame.callback(_accept),
            args=([key],),
        )
        st.button("Skip", key=f"shelf_skip_{key}", on_click=_decide, args=(key, "skipped"))


def _kept(shelf: Shelf, key: str, what: str) -> str:
    """Where an edit waits while another page is open, which forgets the widget."""
    return f"{what}_{shelf.number}_{key}"


def _keep(where: str) -> None:
    st.session_state[where] = st.session_state[f"shelf_{where}"]


def _accept(db: Database, keys: Sequence[str]) -> None:
    """Append candidates as they were edited to the draft of the target."""
    shelf = _shelf()
    if not shelf:
        return
    chosen = [_edited(shelf, c) for c in shelf.candidates if c.key in set(keys)]
    draft = draft_of(db, shelf.target)
    for candidate in chosen:
        draft = draft.with_principle(candidate.principle)
    take_up(draft)
    _keep_shelf(shelf.with_decision(keys, "accepted"))


def _edited(shelf: Shelf, candidate: Candidate) -> Candidate:
    state, key = st.session_state, candidate.key
    wording = state.get(_kept(shelf, key, "wording"), candidate.wording).strip()
    use = state.get(_kept(shelf, key, "use")) or ("text" if candidate.text else "critique")
    if not wording:
        raise ConstitutionError(f"the candidate '{key}' has no wording; write one, or skip it")
    text, critique = (wording, "") if use == "text" else ("", wording)
    return replace(candidate, text=text, critique=critique)


def _decide(key: str, decision: Decision) -> None:
    shelf = _shelf()
    if shelf:
        _keep_shelf(shelf.with_decision([key], decision))


def _aim() -> None:
    shelf = _shelf()
    chosen = st.session_state[f"shelf_target_{shelf.number}"] if shelf else None
    name = " ".join(str(chosen or "").split())
    if shelf and name:
        _keep_shelf(replace(shelf, target=name))


def _close() -> None:
    shelf = _shelf()
    if shelf:
        _keep_shelf(replace(shelf, open=False))


def _open(number: int) -> None:
    _close()
    _keep_shelf(replace(_shelves()[number], open=True))
