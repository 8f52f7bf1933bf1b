"""What a dataset would hold, before anything is written; and the button that freezes it."""

import hashlib
import re
import shutil
from collections import Counter

import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.curate import snapshot, split
from cai_core.curate.pool import Pool
from cai_core.curate.snapshot import Snapshot
from cai_core.schema import SPLITS, Row, Split, canonical_json
from cai_core.settings import datasets_dir
from cai_core.store import datasets
from cai_core.store.datasets import Dataset
from ui import frame
from ui.curate_recipe import Made
from ui.person import person
from ui.plain import label, shorten

SHOWN = 20  # rows of a sample

_REASONS = {
    "beyond the limit": "more than was asked for",
    "helpful beyond the share": "helpful rows that the share does not need",
    "corrected beyond the share": "more than the greatest share of corrected answers",
    "equal answers": "both answers are the same",
    "duplicate": "the same row stands in already",
    "bad": "people called both answers bad",
    "disputed": "people disagree",
    "failed": "no readable judgement or revision",
    "none": "who read it skipped it",
    "tie": "neither answer is better",
    "no better than chance": "two readings of a pair agree no more often than by chance",
    "small margin": "the judge was not sure enough",
    "not reviewed": "no person has confirmed it",
    "inconsistent": "the judge's two orders disagree",
    "dropped by a person": "somebody decided against it",
    "not confirmed": "nobody kept or corrected it",
    "refusal": "its wording declines",
    "boilerplate": "it has stock phrases",
    "repetition": "it repeats itself",
}


def show(db: Database, made: Made) -> None:
    """Draw counts and what is left out, and offer to freeze."""
    pool = made.pool
    splits = _splits(_key(pool), pool)
    with st.container(horizontal=True):
        st.metric("Rows", f"{len(pool.rows):,}")
        st.metric("Left out", f"{sum(pool.dropped.values()):,}")
        st.metric("Helpful share", _helpful_share(pool))
    st.dataframe(
        pd.DataFrame(_counts(pool, splits)), hide_index=True, alt="Rows by split and source"
    )
    _dropped(pool)
    _warnings(pool, splits)
    with st.expander("Look at some rows", icon=":material/table_rows:"):
        sample(pool.kind, [row.row for row in pool.rows[:SHOWN]])
    _freeze_form(db, made)


def _key(pool: Pool) -> str:
    digest = hashlib.sha256()
    for row in pool.rows:
        digest.update(f"{canonical_json(row.row)}{row.split}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()[:16]


@st.cache_data(max_entries=8, show_spinner="Joining near-duplicates…")
def _splits(key: str, _pool: Pool) -> list[Split]:
    """The split that freezing would give each row."""
    return split.assign([row.prompt for row in _pool.rows], [row.split for row in _pool.rows])


def _counts(pool: Pool, splits: list[Split]) -> list[Row]:
    count = Counter((one, row.source) for row, one in zip(pool.rows, splits, strict=True))
    names = {"harmless": "From the pool", "corrected": "Corrected", "helpful": "Helpful"}
    return [
        {"Split": one.capitalize()}
        | {words: count[one, name] for name, words in names.items()}
        | {"All": sum(count[one, name] for name in names)}
        for one in SPLITS
    ]


def _helpful_share(pool: Pool) -> str:
    if pool.kind == "prompts" or not pool.rows:
        return "–"
    return f"{sum(row.source == 'helpful' for row in pool.rows) / len(pool.rows):.0%}"


def _dropped(pool: Pool) -> None:
    if not pool.dropped:
        st.caption("Nothing is left out.")
        return
    rows = [
        {"Left out": reason, "Rows": n, "Because": _REASONS.get(reason, "")}
        for reason, n in sorted(pool.dropped.items(), key=lambda item: -item[1])
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Rows that are left out, by reason")


def _warnings(pool: Pool, splits: list[Split]) -> None:
    refs = {row.constitution for row in pool.rows if row.constitution}
    if len(refs) > 1:
        names = ", ".join(sorted(f"{ref.name} v{ref.version or '?'}" for ref in refs))
        st.caption(
            f"These rows were made under {len(refs)} constitutions: {label(names, limit=200)}."
        )
    if pool.rows and "train" not in splits:
        st.warning("No row is in the train split, so nothing can be trained on this.")
    elif pool.rows and "test" not in splits:
        st.caption("No row is in the test split yet, so nothing can be measured on held-out rows.")


def sample(kind: str, rows: list[Row]) -> None:
    """Draw rows of a dataset as a table of plain text."""
    wide = st.column_config.TextColumn(width="medium")
    st.dataframe(
        pd.DataFrame([_shown(row) for row in rows]),
        hide_index=True,
        alt=f"Rows of the {kind} data",
        column_config=dict.fromkeys(("Prompt", "Completion", "Chosen", "Rejected"), wide),
    )


def _shown(row: Row) -> dict[str, object]:
    found: dict[str, object] = {"Prompt": shorten(row["prompt"][-1]["content"], 300)}
    for name in ("completion", "chosen", "rejected"):
        if name in row:
            found[name.capitalize()] = shorten(row[name][-1]["content"], 300)
    if "p_chosen" in row:
        found |= {"P(chosen)": round(row["p_chosen"], 3), "Source": row["source"]}
    return found


def _freeze_form(db: Database, made: Made) -> None:
    kind = made.pool.kind
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Name", value=kind, key=f"freeze_name_{kind}", width=260, max_chars=60)
        st.button(
            "Freeze",
            type="primary",
            icon=":material/ac_unit:",
            key=f"freeze_{kind}",
            disabled=not made.pool.rows or not name.strip(),
            help="Writes the rows and a manifest. A frozen dataset never changes.",
            on_click=frame.callback(_freeze),
            args=(made, f"freeze_name_{kind}"),
        )


def _freeze(db: Database, made: Made, name_key: str) -> None:
    """Write the folder and enter it; the same rows again are what was frozen before."""
    name = " ".join(str(st.session_state[name_key]).split())
    folder = datasets_dir() / f"{slug(name)}-{_key(made.pool)[:8]}"
    frozen = snapshot.freeze(made.pool, folder, made.origin)
    twin = _twin(db, frozen)
    if twin is not None:
        shutil.rmtree(folder)
        st.toast(f"These rows are frozen already, as {label(twin.name, limit=40)}.")
        return
    datasets.add(db, folder, frozen.manifest, name=name, author=person())
    st.toast(f"Frozen: {len(made.pool.rows)} rows.", icon=":material/check:")


def _twin(db: Database, frozen: Snapshot) -> Dataset | None:
    """The dataset that holds these rows already, where this folder is not one itself."""
    there = [d for d in datasets.find(db) if d.manifest.get("hash") == frozen.hash]
    if any(one.path == frozen.path for one in there):
        return None
    return next((one for one in there if one.path.is_dir()), None)


def slug(name: str) -> str:
    """
    >>> slug("My data, v2"), slug("???")
    ('my-data-v2', 'dataset')
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "dataset"
