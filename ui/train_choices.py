"""What training starts from: datasets, models and reward models, as choices with readable names."""

from collections.abc import Sequence

import streamlit as st
from sqlite_utils import Database

from cai_core.models import catalogue
from cai_core.schema import ConstitutionRef
from cai_core.settings import Settings
from cai_core.store import datasets, work
from cai_core.store.datasets import Dataset, DatasetKind
from ui import cards
from ui.plain import shorten

NEEDS = {
    "sft": "an SFT dataset",
    "preference": "a preference dataset",
    "prompts": "a prompt dataset",
}


def dataset(db: Database, kind: DatasetKind, *, key: str, wanted: str = "") -> Dataset | None:
    """Choose a frozen dataset of a kind; None, with a way out shown, where there is none.

    Args:
        wanted: folder of the one that is chosen at first; the newest where it is not there.
    """
    found = datasets.find(db, kind=kind)
    if not found:
        cards.empty(
            f"This needs {NEEDS[kind]}",
            "Freeze one on the curate page, and come back.",
            page="curate",
            label="Build it",
        )
        return None
    return st.selectbox(
        f"Dataset ({kind})",
        found,
        index=next((n for n, one in enumerate(found) if str(one.path) == wanted), 0),
        format_func=dataset_name,
        key=key,
        help="Newest first.",
        persist_state="session",
    )


def dataset_name(item: Dataset) -> str:
    return f"{item.name} · {item.manifest.get('rows', '?')} rows · {item.id[:8]}"


def trainable_models(
    *, key: str, label: str = "Base model", trained: bool = False, wanted: str = ""
) -> str:
    """Choose a local model; the workspace's base model stands first, or with `trained` newest runs."""
    settings = Settings.load()
    found = {item.id: item for item in catalogue.known(settings) if item.kind != "endpoint"}
    ids = sorted(found, key=lambda name: name != settings.base_model)
    if trained:
        ids.sort(key=lambda name: not name.startswith("run:"))  # stable: newest runs stay first
    return st.selectbox(
        label,
        ids,
        index=ids.index(wanted) if wanted in ids else 0,
        format_func=lambda name: model_name(name, found[name].note),
        key=key,
        persist_state="session",
    )


def model_name(model_id: str, note: str) -> str:
    return f"{model_id} · {shorten(note, 60)}" if note else model_id


def reward_models(db: Database, *, key: str, wanted: str = "") -> str | None:
    """Choose a finished reward model, a chain's too; None where there is none."""
    jobs = work.find(db, states=["succeeded"], kinds=["reward", "chain"])
    names = {
        f"run:{job.id}/reward" if job.kind == "chain" else f"run:{job.id}": job.title
        for job in jobs
    }
    if not names:
        st.info("This needs a reward model: train one first.", icon=":material/info:")
        return None
    return st.selectbox(
        "Reward model",
        list(names),
        index=list(names).index(wanted) if wanted in names else 0,
        format_func=lambda name: f"{names[name]} · {name}",
        key=key,
        persist_state="session",
    )


def constitution_of(found: Sequence[Dataset]) -> ConstitutionRef | None:
    """The constitution that the first of these datasets was made under, if it says one."""
    for item in found:
        for row in item.manifest.get("constitutions") or ():
            if ref := ConstitutionRef.from_row(row):
                return ref
    return None
