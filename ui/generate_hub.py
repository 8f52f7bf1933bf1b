"""Prompts of a dataset on the Hub, by its name: read in part, as values; no code of it ever runs."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlite_utils import Database

from cai_core.curate import formats
from cai_core.errors import CaiError, DataError
from cai_core.schema import Prompt
from ui import generate_upload
from ui.plain import label

SECONDS = 5.0  # for the Hub to answer at all
_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def show(db: Database) -> None:
    name = st.text_input("Dataset", key="hub_name", placeholder="ORG/NAME")
    left, middle, right = st.columns(3)
    with left:
        split = st.text_input("Its split", value="train", key="hub_split")
    with middle:
        column = st.text_input("Column", value="prompt", key="hub_column", help="A text, or turns.")
    with right:
        most = st.number_input("Rows at most", 1, 5000, 200, key="hub_most")
    clicked = st.button(
        "Fetch", icon=":material/cloud_download:", key="hub_fetch", disabled=not name.strip()
    )
    if clicked:
        with st.spinner("Asking the Hub…"):
            _fetch(db, name.strip(), split.strip(), column.strip(), int(most))


def _fetch(db: Database, name: str, split: str, column: str, most: int) -> None:
    try:
        rows = from_hub(name, split=split, column=column, most=most)
        said = generate_upload.keep_prompts(db, rows, name)
    except CaiError as error:
        st.error(label(str(error), limit=600), icon=":material/error:")
    else:
        st.success(label(said, limit=300), icon=":material/check:")


def from_hub(name: str, *, split: str, column: str, most: int) -> list[Prompt]:
    """The first `most` prompts of a column.

    Raises:
        DataError: no such dataset, split or column, nothing readable in it, or no network.
    """
    if not _NAME.fullmatch(name):
        raise DataError(f"'{name}' is no dataset of the Hub; write it as ORG/NAME")
    with _sentences(name):
        _ask(name)
        values = list(_values(name, split, column, most))
    lines = "\n".join(json.dumps({"prompt": value, "source": name}) for value in values)
    return list(formats.parse_prompts(lines.encode(), name=f"{name}.jsonl", skip_bad=True))


def _ask(name: str) -> None:
    """Fail soon where there is no network: what reads the data would try again for minutes."""
    from huggingface_hub import HfApi

    HfApi().dataset_info(name, timeout=SECONDS)


def _values(name: str, split: str, column: str, most: int) -> Iterator[object]:
    from datasets import load_dataset

    for row in load_dataset(name, split=split, streaming=True).take(most):
        if column not in row:
            known = ", ".join(list(row)[:8])
            raise DataError(f"{name} has no column '{column}'; it has {known}", column=column)
        yield row[column]


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """What can go wrong at the Hub, as one sentence each."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    try:
        yield
    except GatedRepoError as error:
        raise DataError(f"{name} asks for an account; download it and upload its file") from error
    except RepositoryNotFoundError as error:
        raise DataError(f"there is no dataset {name} on the Hub, or it is private") from error
    except ValueError as error:
        if isinstance(error, CaiError):
            raise
        raise DataError(f"{name}: {' '.join(str(error).split())[:300]}") from error
    except (OSError, HTTPError) as error:
        raise DataError(_NO_NETWORK) from error


_NO_NETWORK = (
    "the Hub cannot be reached from here; check the network, or download the dataset elsewhere and"
    " upload its file"
)
