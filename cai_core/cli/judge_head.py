"""`judge --judge HEAD`: labels by a learned judge. No constitution is read: people taught it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cai_core.cli.running import Running
from cai_core.errors import CaiError
from cai_core.schema import Hooks, Label, Pair, Row

if TYPE_CHECKING:
    from cai_core.feedback.features import ReadPair
    from cai_core.models.protocol import Model
    from cai_core.review.head import Head

TIE_BAND = 0.0  # of verdicts; where probabilities are asked for there are none
CHUNK = 512  # pairs whose features are held at once


def judge_by_head(running: Running, judge: str, *, pairs: Path, out: Path, tie_band: float) -> Row:
    """One label a pair in OUT, by the head of `head:ID` or of a folder."""
    from cai_core.curate.formats import stream_pairs
    from cai_core.feedback.features import read_pairs
    from cai_core.review.head_folder import find

    head = find(judge)
    found = stream_pairs(pairs, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    settings: Row = {"judge": head.annotator, "tie_band": tie_band}
    with running.output(out, settings=settings, inputs={"pairs": pairs}) as output:
        missing = found.without(output.has)
        with output.mending():
            if missing:
                read = read_pairs(missing, model_of(running, head), hooks=running.hooks)
                for label in _labels(head, read, tie_band):
                    output.write(label.to_row())
        finished = output.finish(found.ids)
    running.say_finished(finished, "judged", "without verdict")
    running.say(f"{head.annotator} was {head.taught}; it is not independent of them")
    more = {"judge": head.annotator, "taught": head.taught, "taught_by": dict(head.taught_by)}
    return finished.to_row() | more


def labels_by_head(running: Running, head: "Head", pairs: Sequence[Pair]) -> Iterator[Label]:
    """One label a pair, in order; nothing is written or told."""
    from cai_core.feedback.features import read_pairs

    quiet = Hooks(should_stop=running.hooks.should_stop)
    return _labels(head, read_pairs(pairs, model_of(running, head), hooks=quiet), TIE_BAND)


def model_of(running: Running, head: "Head") -> "Model":
    """The model whose features the head reads.

    Raises:
        CaiError: other weights than those that it learned from.
    """
    from cai_core.models.features import FEATURES

    model = running.model(head.model)
    if (model.fingerprint, FEATURES) != (head.fingerprint, head.version):
        raise CaiError(
            f"{head.annotator} learned from other features of {head.model} than it has now; learn"
            " it anew with `labels learn`"
        )
    return model


def _labels(head: "Head", read: Iterator["ReadPair"], tie_band: float) -> Iterator[Label]:
    """In order, a chunk at a time."""
    from cai_core.review.head_label import failed_label, head_labels

    while some := list(islice(read, CHUNK)):
        good = {n: one.difference for n, one in enumerate(some) if one.difference is not None}
        rows = np.array(list(good.values()), dtype=np.float32).reshape(len(good), -1)
        made = head_labels(head, [some[n].pair for n in good], rows, tie_band=tie_band)
        by_place = dict(zip(good, made, strict=True))
        for place, one in enumerate(some):
            yield by_place.get(place) or failed_label(head, one.pair, one.error)
