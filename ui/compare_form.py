"""Start a comparison: two models answer the same prompts, a judge prefers one answer of each pair."""

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.document import dump
from cai_core.jobs import queue
from cai_core.models import catalogue
from cai_core.schema import SPLITS, Version
from cai_core.settings import Settings
from cai_core.store import constitutions, prompts
from ui import cards, frame
from ui.plain import shorten

MANY = 32  # prompts by default: enough to see a large difference, minutes on a laptop


def show(db: Database) -> None:
    """The form and its button; an empty state where prompts or a constitution are missing."""
    sets, versions = prompts.sets(db), constitutions.newest_of_each(db)
    if not sets or not versions:
        cards.empty(
            "A comparison needs prompts and a constitution",
            "Load a prompt set on the generate page and save a constitution first.",
            page="generate",
            label="Load prompts",
        )
        return
    settings = Settings.load()
    found = {item.id: item for item in catalogue.known(settings)}
    left, middle, right = st.columns(3)
    with left:
        a = _model("Model A (after)", list(found), settings.base_model, last=True, key="compare_a")
        b = _model("Model B (before)", list(found), settings.base_model, key="compare_b")
    with middle:
        chosen = st.selectbox(
            "Prompt set", sets, format_func=lambda s: f"{s.name} · {s.n}", key="compare_set"
        )
        splits = ("test", "dev", "train", "all")
        split = st.selectbox("Split", splits, key="compare_split", help="Report on test.")
        most = st.number_input("Prompts at most", 2, 1000, MANY, key="compare_most")
    with right:
        judge = _model("Judge", list(found), settings.judge.model, key="compare_judge")
        version = st.selectbox(
            "Constitution", versions, format_func=_version_name, key="compare_version"
        )
        tokens = st.number_input("Tokens an answer", 8, 4096, 128, key="compare_tokens")
    asked = prompts.of_set(db, chosen.name, split=split if split in SPLITS else None, limit=most)
    said = f"{len(asked)} prompts of this split; every pair is judged in both orders."
    st.caption("Choose two different models." if a == b else said)
    st.button(
        "Compare",
        type="primary",
        icon=":material/compare_arrows:",
        disabled=not asked or a == b,
        key="compare_start",
        on_click=frame.callback(_start),
        args=(a, b, judge, version, chosen.name, split, most, tokens),
    )


def _model(label: str, ids: list[str], first: str, *, key: str, last: bool = False) -> str:
    """A model; `first` stands first, and with `last` the newest run is chosen instead of it."""
    ids = sorted(ids, key=lambda name: name != first)
    trained = [place for place, name in enumerate(ids) if name.startswith("run:")]
    return st.selectbox(label, ids, index=trained[-1] if last and trained else 0, key=key)


def _version_name(version: Version) -> str:
    return f"{version.constitution.name} v{version.number} · {shorten(version.message, 40)}"


def _start(db: Database, *chosen: object) -> None:
    a, b, judge, version, set_name, split, most, tokens = chosen
    assert isinstance(version, Version)
    asked = prompts.of_set(db, str(set_name), split=split if split in SPLITS else None, limit=most)
    setting = Settings.load().judge
    job = queue.Submission(
        kind="winrate",
        title=f"{a} against {b}",
        options={
            "prompts": "prompts.jsonl",
            "model_a": a,
            "model_b": b,
            "judge": judge,
            "method": setting.method,
            "principles": setting.principles,
            "constitution": "constitution.yaml",
            "max_new_tokens": tokens,
        },
        files={
            "prompts.jsonl": [prompt.to_row() for prompt in asked],
            "constitution.yaml": dump(version.constitution),
        },
        constitution=version.ref,
        config={"prompt_set": set_name, "split": split},
    )
    queue.submit(db, job, by=frame.person())
