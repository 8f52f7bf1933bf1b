"""A chat with what a run trained: the whole conversation is sent each turn, the answer streams."""

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.schema import Chat, Sampling, assistant, user
from cai_core.store import work
from ui import cards, live

MAX_TOKENS = 200
CHATTING = ("sft", "ppo", "dpo", "rloo", "grpo")  # kinds whose result talks
CHAIN_PARTS = ("ppo", "sft")


def parts(job: work.Job) -> list[str]:
    """Model ids of this run that can talk; the newest stage of a chain first."""
    out = queue.out_of(job)
    if job.kind in CHATTING:
        return [f"run:{job.id}"] if (out / "run.json").exists() else []
    if job.kind == "chain":
        return [f"run:{job.id}/{p}" for p in CHAIN_PARTS if (out / p / "run.json").exists()]
    return []


def show(db: Database, job: work.Job) -> None:
    """Draw the conversation so far and ask for the next turn."""
    model_id = st.selectbox("Model", parts(job), key=f"chat_model_{job.id}")
    slot = f"chat_{job.id}_{model_id}"
    chat: Chat = st.session_state.get(slot, ())
    # Slots that are emptied in so many words: beside parts that redraw on their own, Streamlit's
    # clearing of what is no longer drawn comes too late at times, and an old chat would stay.
    talk = st.empty()
    asked = st.chat_input("Ask the trained model", key=f"ask_{slot}")
    again = st.empty()
    if asked:
        chat = (*chat, user(asked))
    if not chat:
        return
    with talk.container():
        cards.turns(chat)
        if asked:
            _answer(db, model_id, chat, slot)
    again.button(
        "Begin anew",
        icon=":material/refresh:",
        key=f"anew_{slot}",
        on_click=st.session_state.pop,
        args=(slot, None),
    )


def _answer(db: Database, model_id: str, chat: Chat, slot: str) -> None:
    """Stream the answer and keep it; what was said so far stays where a click breaks in."""

    def keep(said: str) -> None:
        st.session_state[slot] = (*chat, assistant(said))

    keep("")  # the question stays even where the model fails at once
    params = Sampling(max_new_tokens=MAX_TOKENS)
    keep(live.stream_answer(db, model_id, chat, params, keep=keep))
