"""A chat with what a run trained: the whole conversation is sent each turn, the answer streams."""

from pathlib import Path

import streamlit as st
from sqlite_utils import Database

from cai_core.jobs import queue
from cai_core.schema import Chat, Sampling, assistant, user
from cai_core.store import work
from cai_core.train import checkpoints
from ui import cards, live

MAX_TOKENS = 200
CHATTING = ("sft", "ppo", "dpo", "rloo", "grpo")  # kinds whose result talks
CHAIN_PARTS = ("ppo", "sft")
BEST = "best"  # the checkpoint that an independent judge liked most
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")


def parts(job: work.Job) -> dict[str, str]:
    """What of this run can talk: names by model id, the newest first."""
    out, run = queue.out_of(job), f"run:{job.id}"
    if job.kind in CHATTING:
        return _talking(out, run)
    found: dict[str, str] = {}
    for part in CHAIN_PARTS if job.kind == "chain" else ():
        found |= {k: f"{part}: {v}" for k, v in _talking(out / part, f"{run}/{part}").items()}
    return found


def _talking(out: Path, run: str) -> dict[str, str]:
    """The result, the best checkpoint, and while it learns the newest whole checkpoint."""
    found = {run: "the result"} if (out / "run.json").exists() else {}
    if (out / BEST / "config.json").exists():
        found[f"{run}/{BEST}"] = "the checkpoint that the judge likes best"
    newest = checkpoints.newest_valid(out / checkpoints.CHECKPOINTS)
    if newest and any((newest / name).exists() for name in _WEIGHTS):
        found[f"path:{newest}"] = f"the newest checkpoint, {newest.name.replace('-', ' ')}"
    return found


def show(db: Database, job: work.Job) -> None:
    """Draw the conversation so far and ask for the next turn."""
    found = parts(job)
    if not found:
        st.caption("There is no checkpoint that can talk yet.")
        return
    model_id = st.selectbox(
        "Model",
        list(found),
        format_func=lambda one: found.get(one, one),
        key=f"chat_model_{job.id}",
    )
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
