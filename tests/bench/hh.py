"""The human-labelled pairs of $CAI_TEST_DATA and the sixteen principles that benchmarks judge by."""

import gzip
import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cai_core.constitution import document
from cai_core.errors import DataError
from cai_core.schema import Constitution, Pair, Split
from cai_core.settings import DATA_DIR
from cai_core.text import split_of

PRINCIPLES = 16


def pairs(split: Split | None = None, *, count: int | None = None, seed: int = 0) -> list[Pair]:
    """Pairs of one split, or of all, in random order; `label` is the person's verdict.

    Raises:
        DataError: $CAI_TEST_DATA is not set.
    """
    if not os.environ.get("CAI_TEST_DATA"):
        raise DataError("set CAI_TEST_DATA to the folder with hh_harmless_pairs.jsonl.gz")
    with gzip.open(Path(os.environ["CAI_TEST_DATA"]) / "hh_harmless_pairs.jsonl.gz", "rt") as file:
        found = [Pair.from_row(json.loads(line)) for line in file]
    found = [pair for pair in found if split is None or split_of(first_question(pair)) == split]
    random.Random(seed).shuffle(found)
    return found[:count]


def first_question(pair: Pair) -> str:
    return next(turn.content for turn in pair.prompt if turn.role == "user")


def unlabelled(some: Sequence[Pair]) -> list[Pair]:
    """The pairs as a judge is given them."""
    return [replace(pair, label=None) for pair in some]


def sixteen() -> Constitution:
    """The first sixteen principles of the shipped constitution 'general'."""
    rules = document.read(DATA_DIR / "constitutions" / "general.yaml")
    return replace(rules, principles=rules.principles[:PRINCIPLES])
