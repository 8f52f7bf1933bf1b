"""What surrounds every page: its title, the menu, the person, a connection, and errors as red boxes.

    with frame.page("review") as db:          the only statement of a page
    @frame.fragment(run_every="2s")           the same for a part that Streamlit reruns on its own
    st.button("Save", on_click=frame.callback(save))

Each opens its own connection, passes it on as `db`, closes it, and shows a CaiError as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import CaiError
from cai_core.settings import database_path
from cai_core.store import database
from ui import kept_drafts, menu
from ui.person import person, require_person, show_person
from ui.plain import label

__all__ = ["arrived", "callback", "fragment", "page", "person", "rerun_with"]

# A file: for a Material icon in the browser's tab Streamlit asks Google's servers.
_ICON = Path(__file__).with_name("icon.svg")
_LOGO = Path(__file__).with_name("logo.svg")
_MENU_WIDTH = 216  # pixels; the longest title fits
_PAGE, _VISIT = "frame_page", "frame_visit"  # session state: where the person is, how many moves
_FAULT = "frame_fault"  # session state: what a callback could not do, until it was shown


@contextmanager
def page(name: str) -> Iterator[Database]:
    """Draw the frame of a page and lend it a connection; the run ends here where one is missing."""
    entry = menu.entry(name)
    if st.session_state.get(_PAGE) != name:
        st.session_state[_PAGE] = name
        st.session_state[_VISIT] = st.session_state.get(_VISIT, 0) + 1
    st.set_page_config(
        page_title=f"{entry.title} · Ratify",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state=_MENU_WIDTH,
    )
    st.logo(_LOGO, size="large")
    with st.sidebar:
        menu.show_menu()
    st.title(entry.title, anchor=False)
    st.caption(entry.says)
    _require_workspace()
    require_person()
    with st.sidebar:
        show_person()
    lent = False
    with _red_box(), _connection() as db:
        _show_fault()
        _mind_drafts(db, entry)
        lent = True
        yield db
    if not lent:
        st.stop()


def _mind_drafts(db: Database, entry: menu.Entry) -> None:
    """Keep what was edited, and say below the menu and in the browser's tab that it is not saved."""
    kept_drafts.sync(db)
    with st.sidebar:
        kept_drafts.show_note()
    if kept_drafts.unsaved_slots():
        st.set_page_config(page_title=f"• {entry.title} · Ratify")


def arrived(part: str) -> bool:
    """Whether the person has come to this page anew; True once a visit for each part that asks.

    A part ends then what was under way when the page was left: viewing a page starts nothing.
    """
    key, visit = f"frame_seen_{part}", st.session_state.get(_VISIT)
    anew = st.session_state.get(key) != visit
    st.session_state[key] = visit
    return bool(anew)


def fragment(
    fn: Callable[..., Any] | None = None, *, run_every: str | float | None = None
) -> Callable[..., Any]:
    """`st.fragment` whose function is given a fresh connection first: fn(db, ...)."""

    def decorate(inner: Callable[..., Any]) -> Callable[..., Any]:
        @st.fragment(run_every=run_every)
        @wraps(inner)
        def run(*args: Any, **kwargs: Any) -> None:
            with _red_box(), _connection() as db:
                _show_fault()
                inner(db, *args, **kwargs)

        return run

    return decorate if fn is None else decorate(fn)


def callback(fn: Callable[..., None]) -> Callable[..., None]:
    """A function for on_click or on_change that is given a fresh connection first: fn(db, ...)."""

    @wraps(fn)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            with _connection() as db:
                fn(db, *args, **kwargs)
        except CaiError as error:
            st.session_state[_FAULT] = str(error)

    return run


def rerun_with(error: CaiError) -> NoReturn:
    """Run the page anew and show the error on top: for what changed the state before it failed."""
    st.session_state[_FAULT] = str(error)
    st.rerun()


@contextmanager
def _connection() -> Iterator[Database]:
    db = database.connect()
    try:
        yield db
    finally:
        db.close()


@contextmanager
def _red_box() -> Iterator[None]:
    try:
        yield
    except CaiError as error:
        _show_error(str(error))


def _show_fault() -> None:
    """Show it in a place of its own, which is there without one too: what follows keeps its place."""
    with st.container():
        fault = st.session_state.pop(_FAULT, None)
        if fault:
            _show_error(fault)


def _show_error(message: str) -> None:
    """The message may quote a file or a model, so it is no Markdown."""
    st.error(label(message, limit=2000), icon=":material/error:")


def _require_workspace() -> None:
    if database_path().exists():
        return
    with st.container(border=True, width=640):
        st.subheader("There is no workspace yet", anchor=False)
        st.markdown(
            "Make one in a terminal, in the folder of the project, and load this page again:"
        )
        st.code("make run", language="bash")
        st.caption("or, when everything is installed already:")
        st.code("python -m cai_core init", language="bash")
        st.caption("It would stand here; the variable CAI_HOME moves it:")
        st.code(str(database_path().parent), language=None)
    st.stop()
