"""Who works here: a name, asked once per browser and kept in its cookie. No login."""

from urllib.parse import quote, unquote

import streamlit as st

from ui.plain import label

PERSON = "person"  # session state
COOKIE = "ratify_person"
_YEAR_S = 365 * 24 * 3600


def person() -> str:
    """The name given in this browser; every page body can rely on one."""
    return str(st.session_state[PERSON])


def require_person() -> None:
    """Go on where the name is known; else ask for it and end the run here."""
    if not st.session_state.get(PERSON):
        st.session_state[PERSON] = _clean(unquote(st.context.cookies.get(COOKIE, "")))
    if not st.session_state[PERSON]:
        _ask()
        st.stop()
    _remember(person())


def show_person() -> None:
    """The name at the foot of the menu, with a way to change it."""
    if not st.session_state.get(PERSON):
        return
    with st.popover(label(person()), icon=":material/person:", width="stretch", type="tertiary"):
        _form("Change", value=person())


def _ask() -> None:
    with st.container(border=True, width=520):
        st.subheader("What is your name?")
        st.caption(
            "It stands beside the versions you save and the verdicts you give. "
            "This browser remembers it; there is no account."
        )
        _form("Go on")


def _form(button: str, *, value: str = "") -> None:
    with st.form("person_form", border=False):
        st.text_input("Name", value=value, key="person_name", max_chars=60, placeholder="Ada")
        st.form_submit_button(button, type="primary", on_click=_take)


def _take() -> None:
    name = _clean(st.session_state["person_name"])
    if name:
        st.session_state[PERSON] = name


def _clean(name: str) -> str:
    return " ".join(name.split())[:60]


def _remember(name: str) -> None:
    """Set the cookie; a quoted name is letters, digits and %-codes, so it cannot end the script."""
    if unquote(st.context.cookies.get(COOKIE, "")) == name:
        return
    cookie = f"{COOKIE}={quote(name, safe='')}; path=/; max-age={_YEAR_S}; SameSite=Strict"
    st.html(f"<script>document.cookie = '{cookie}';</script>", unsafe_allow_javascript=True)
