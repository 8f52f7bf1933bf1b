"""What a model makes of an answer: numbers from its hidden states, for a learned judge.

Of the answer's tokens the mean in three layers, and its last token in two. What the answers of one
conversation share is read once. Not here: what is learned from these numbers (review.head).
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cai_core.models.protocol import Features
from cai_core.models.sharing import Answered, Tokens, groups

if TYPE_CHECKING:
    from torch import Tensor

    from cai_core.models.reader import Reader, Stems

FEATURES = 1  # part of cache keys; goes up when features come to be made otherwise
# Depths as shares of all layers: 12, 20 and 30 of the built-in model's 30. A head on these agreed with
# people on 66% of held-out hh pairs after 200 verdicts (docs/benchmarks.md, "learned").
MEANS = (0.4, 0.67, 1.0)
LASTS = (0.67, 1.0)
ROWS = 32  # in one pass: about 4,000 tokens of hh conversations
WORTH_PADDING = 64  # tokens of padding that are cheaper than a pass of their own


def layers_of(depth: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which layers are averaged, and of which the last token is taken.

    >>> layers_of(30)
    ((12, 20, 30), (20, 30))
    """
    means, lasts = (tuple(round(share * depth) for share in some) for some in (MEANS, LASTS))
    return means, lasts


def read_features(reader: "Reader", answers: Sequence[Answered]) -> Iterator[tuple[int, Features]]:
    """(place, features) of each answer, in the order in which they are read."""
    shared = _conversations(answers, whole=not reader.shares)
    prefixes = sorted(shared, key=len)
    longest = max((len(answer.ids) for answer in answers), default=1)
    most = max(1, min(ROWS, reader.room() // longest))
    for some in groups([len(ids) for ids in prefixes], most=most, cost=WORTH_PADDING):
        read = [prefixes[one] for one in some]
        stems = reader.nothing(len(read))
        if read[-1]:
            reader.read(stems, read)
        rows = [
            _Row(stem, place, answers[place].ids[len(ids) :], answers[place].begin - len(ids))
            for stem, ids in enumerate(read)
            for place in shared[ids]
        ]
        yield from _endings(reader, stems, sorted(rows, key=lambda row: len(row.ids)), most)


def _conversations(answers: Sequence[Answered], *, whole: bool) -> dict[Tokens, list[int]]:
    """Places of the answers by what is read once for them: all before the answer, or nothing."""
    found: dict[Tokens, list[int]] = {}
    for place, answer in enumerate(answers):
        found.setdefault(() if whole else answer.ids[: answer.begin], []).append(place)
    return found


@dataclass(frozen=True)
class _Row:
    """What is left to read of the answer at `place`, behind a row of stems; `begin` as in Answered."""

    stem: int
    place: int
    ids: Tokens
    begin: int


def _endings(
    reader: "Reader", stems: "Stems", rows: Sequence[_Row], most: int
) -> Iterator[tuple[int, Features]]:
    for some in groups([len(row.ids) for row in rows], most=most, cost=WORTH_PADDING):
        part = [rows[one] for one in some]
        behind = reader.joined([(stems, row.stem) for row in part])
        made = _averaged(reader, behind, part)
        yield from ((row.place, values) for row, values in zip(part, made, strict=True))


def _averaged(reader: "Reader", stems: "Stems", rows: Sequence[_Row]) -> Features:
    """Read the rows to their ends: means over the answers, and the last tokens, (rows, d)."""
    means, lasts = layers_of(reader.config.num_hidden_layers)
    width = max(len(row.ids) for row in rows)
    counted = np.zeros((len(rows), width), dtype=np.float32)  # 1 / tokens where it is the answer's
    for number, row in enumerate(rows):
        length = len(row.ids) - row.begin
        counted[number, width - length :] = 1 / length
    sums: list[Tensor] = []
    ends: list[Tensor] = []
    for column, states in reader.states(stems, [row.ids for row in rows], (*means, *lasts)):
        share = states[0].new_tensor(counted[:, column : column + states[0].shape[1]])[:, None]
        parts = [(share @ layer)[:, 0] for layer in states[: len(means)]]
        sums = [old + new for old, new in zip(sums, parts, strict=True)] if sums else parts
        ends = [layer[:, -1] for layer in states[len(means) :]]
    made: Features = np.hstack([one.cpu().numpy() for one in (*sums, *ends)])
    return made


def packed(values: Features) -> str:
    """A row (d,) as text: base64 of its largest size (float32) and its shares of that (float16).

    >>> unpacked(packed(np.array([2.0, -70000.0, 0.5], dtype=np.float32))).round(1).tolist()
    [2.0, -70000.0, 0.5]
    """
    most = np.float32(np.abs(values).max(initial=0.0) or 1.0)
    return base64.b64encode(most.tobytes() + (values / most).astype(np.float16).tobytes()).decode()


def unpacked(text: str) -> Features:
    """The row that was packed, to three digits."""
    data = base64.b64decode(text)
    most = np.frombuffer(data, np.float32, 1)
    values: Features = np.frombuffer(data, np.float16, offset=4).astype(np.float32) * most
    return values
