"""What the model saw: every call's chat as it was sent."""

from collections.abc import Mapping

import streamlit as st

from cai_core.schema import Chat

LONG = 1200  # characters; what is longer scrolls


def chat_text(chat: Chat) -> str:
    """The chat with a line for each role; a begun assistant turn stands last."""
    return "\n\n".join(f"<{turn.role}>\n{turn.content}" for turn in chat)


def show_seen(chats: Mapping[str, Chat], *, key: str) -> None:
    """An expander with one call at a time; the keys say which call it was."""
    if not chats:
        return
    panel = st.expander(
        "What the model saw", icon=":material/visibility:", key=key, on_change="rerun"
    )
    if not panel.open:
        return
    with panel:
        names = list(chats)
        name = names[0]
        if len(names) > 1:
            name = st.selectbox("Call", names, key=f"{key}_call")
        text = chat_text(chats[name])
        with st.container(height=360 if len(text) > LONG else "content", border=False):
            st.code(text, language=None, wrap_lines=True)
