"""Small pieces that several pages show: conversations, answers, numbers, states, empty pages.

What a model or a person wrote is shown as plain text, never as Markdown or HTML.
"""

import html
import math
from typing import Any, Literal

import streamlit as st

from cai_core.schema import Chat
from cai_core.stats import NOTHING, Estimate
from ui import menu
from ui.plain import block

Colour = Literal["green", "orange", "red", "blue", "gray"]

_ROLES = {"system": "System", "user": "User", "assistant": "Model"}
_ICONS = {
    "system": ":material/tune:",
    "user": ":material/person:",
    "assistant": ":material/smart_toy:",
}
_STATES: dict[str, tuple[str, Colour]] = {
    "queued": (":material/schedule:", "gray"),
    "starting": (":material/hourglass_top:", "blue"),
    "running": (":material/play_arrow:", "blue"),
    "stopping": (":material/hourglass_bottom:", "orange"),
    "succeeded": (":material/check:", "green"),
    "failed": (":material/error:", "red"),
    "cancelled": (":material/block:", "gray"),
    "interrupted": (":material/power_off:", "orange"),
}


def conversation(chat: Chat, *, height: int | None = None) -> None:
    """Draw a conversation turn by turn in one bordered card."""
    with st.container(border=True, height=height or "content", gap="small"):
        for message in chat:
            st.caption(_ROLES[message.role])
            st.html(block(message.content))


def turns(chat: Chat) -> None:
    """Draw a conversation as chat bubbles."""
    for message in chat:
        role = "user" if message.role == "user" else "assistant"
        with st.chat_message(role, avatar=_ICONS[message.role]):
            st.html(block(message.content))


def answer(title: str, text: str, *, caption: str = "", height: int | None = None) -> None:
    """Draw one answer in a bordered card; `title` and `caption` are ours, `text` may be anybody's."""
    with st.container(border=True, height=height or "content", gap="small"):
        if title:
            st.markdown(f"**{title}**")
        if text.strip():
            st.html(block(text))
        else:
            st.caption("The answer is empty.")
        if caption:
            st.caption(caption)


def principle(key: str, wording: str) -> None:
    """Draw a principle: its key small, its wording as it is."""
    st.html(
        '<div style="border-left:3px solid rgba(18,130,122,.7);padding:.1rem .8rem">'
        f'<div style="font-size:.85em;opacity:.7">{html.escape(key)}</div>{block(wording)}</div>'
    )


def empty(title: str, says: str, *, page: str = "", label: str = "") -> None:
    """An empty page or part: what is missing, what to do next, and a link there."""
    with st.container(border=True, width=640, gap="small"):
        st.markdown(f"**{title}**")
        st.markdown(says)
        if page:
            menu.link(page, label)


def number(
    label: str,
    estimate: Estimate,
    *,
    percent: bool = False,
    points: bool = False,
    note: str = "",
) -> None:
    """Draw an estimate with its interval and n; a dash where it is undefined."""
    value = number_text(estimate.value, percent=percent, points=points)
    st.metric(label, value, help=note or None)
    st.caption(interval_text(estimate, percent=percent, points=points))


def estimate_of(row: Any) -> Estimate:
    """An estimate as a result file has it; undefined where it says nothing."""
    if not isinstance(row, dict) or row.get("value") is None:
        return NOTHING
    value, low, high = (
        math.nan if row.get(name) is None else float(row[name]) for name in ("value", "low", "high")
    )
    return Estimate(value, low, high, n=int(row.get("n") or 0))


def number_text(
    value: float,
    *,
    percent: bool = False,
    signed: bool = False,
    points: bool = False,
    finer: bool = False,
) -> str:
    """A number for the screen; a dash where it is undefined.

    Args:
        points: of a difference of two shares. finer: with one more digit.

    >>> number_text(0.614, percent=True), number_text(0.021, points=True), number_text(math.nan)
    ('61%', '+2.1', '–')
    """
    if not math.isfinite(value):
        return "–"
    if points:
        return f"{100 * value:+.{1 + finer}f}"
    if signed:
        return f"{value:+.{2 + finer}f}"
    return f"{value:.{int(finer)}%}" if percent else f"{value:.{2 + finer}f}"


def estimate_text(estimate: Estimate, **form: bool) -> str:
    """A number with its interval, for a table or a sentence; a dash where it is undefined.

    Args:
        form: as for `number_text`.

    >>> estimate_text(Estimate(0.5, 0.4, 0.6, 90), percent=True), estimate_text(NOTHING)
    ('50% (40 to 60)', '–')
    >>> estimate_text(Estimate(0.02, math.nan, math.nan, 3), points=True)
    '+2.0 points'
    """
    told = number_text(estimate.value, **form)
    if not math.isfinite(estimate.value):
        return told
    unit = " points" if form.get("points") else ""
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return told + unit
    low, high = _ends(estimate, **form)
    return f"{told}{unit} ({low.removesuffix('%')} to {high.removesuffix('%')})"


def interval_text(estimate: Estimate, *, percent: bool = False, points: bool = False) -> str:
    """The interval and n behind a number.

    >>> interval_text(Estimate(0.5, 0.4, 0.6, 90), percent=True)
    '95% interval 40% to 60%, n = 90'
    """
    if not (math.isfinite(estimate.low) and math.isfinite(estimate.high)):
        return f"no interval, n = {estimate.n:,}"
    low, high = _ends(estimate, percent=percent, points=points)
    return f"95% interval {low} to {high}, n = {estimate.n:,}"


def _ends(estimate: Estimate, **form: bool) -> tuple[str, str]:
    """Both ends of an interval, with one more digit where they would read alike and are not.

    >>> _ends(Estimate(0.5, 0.498, 0.502, 90), percent=True)
    ('49.8%', '50.2%')
    """
    low, high = number_text(estimate.low, **form), number_text(estimate.high, **form)
    if low == high and estimate.low != estimate.high:
        low = number_text(estimate.low, finer=True, **form)
        high = number_text(estimate.high, finer=True, **form)
    return low, high


def state(name: str) -> None:
    """A job's state as a badge."""
    icon, colour = _STATES.get(name, (":material/help:", "gray"))
    st.badge(name, icon=icon, color=colour)


def verdict_text(verdict: str | None) -> str:
    """A verdict in words.

    >>> verdict_text("a"), verdict_text(None)
    ('A is better', 'no verdict')
    """
    words = {"a": "A is better", "b": "B is better", "tie": "tie", "bad": "both bad"}
    return words.get(verdict or "", "skipped" if verdict == "skip" else "no verdict")
