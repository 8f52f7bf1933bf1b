"""Answers in the making: their rows, and how a token is drawn for each.

A row's draws depend on its prompt and the seed alone, so that an answer does not depend on what else
is in the batch, but for rounding (about one draw in 10^5).
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cai_core.errors import ModelError
from cai_core.models.sharing import Tokens
from cai_core.schema import Sampling
from cai_core.stats import FloatArray

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class Row:
    """One answer in the making; `draws` holds one number in [0, 1) a token."""

    place: int
    ids: Tokens
    limit: int
    draws: FloatArray
    out: list[int] = field(default_factory=list)
    ended: bool = False

    @property
    def running(self) -> bool:
        return not self.ended and len(self.out) < self.limit


def rows_of(prompts: Sequence[Tokens], params: Sampling, window: int) -> list[Row]:
    """A row a prompt; where the window is nearly full, the answer is cut short."""
    if params.max_new_tokens < 1 or params.temperature < 0:
        raise ModelError("an answer needs at least one token and no negative temperature")
    rows = []
    for place, ids in enumerate(prompts):
        limit = min(params.max_new_tokens, window - len(ids))
        rows.append(Row(place, ids, limit, draws(params.seed, ids, limit)))
    return rows


def batches(rows: Sequence[Row], most_rows: int, most_tokens: int) -> Iterator[list[Row]]:
    """Rows of like length together, the longest first; `most_tokens` of cache hold a batch."""
    batch: list[Row] = []
    for row in sorted(rows, key=lambda row: -len(row.ids)):
        widest = len((batch or [row])[0].ids) + row.limit
        if batch and (len(batch) == most_rows or (len(batch) + 1) * widest > most_tokens):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def draws(seed: int, ids: Tokens, count: int) -> FloatArray:
    """Numbers in [0, 1) that depend on seed and prompt only."""
    digest = hashlib.sha256(f"{seed} {ids}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big")).random(count)


def draw(logits: "Tensor", rows: Sequence[Row], params: Sampling) -> "Tensor":
    """One token a row from logits (rows, vocab), by the inverse of the cumulative distribution."""
    import torch

    if params.temperature == 0:
        return logits.argmax(-1)
    scaled = logits.float() / params.temperature
    if 0 < params.top_k < scaled.shape[-1]:
        least = scaled.topk(params.top_k).values[:, -1:]
        scaled = scaled.masked_fill(scaled < least, -math.inf)
    chances = scaled.softmax(-1)
    if params.top_p < 1:
        falling = chances.sort(descending=True).values
        inside = (falling.cumsum(-1) - falling) < params.top_p
        least = falling.masked_fill(~inside, math.inf).min(-1, keepdim=True).values
        chances = chances.masked_fill(chances < least, 0)
    heaped = chances.cumsum(-1)
    drawn = [min(row.draws[len(row.out)], 1 - 1e-6) for row in rows]  # never past the last token
    points = heaped[:, -1] * torch.tensor(drawn, dtype=heaped.dtype, device=heaped.device)
    return torch.searchsorted(heaped, points[:, None], right=True)[:, 0]


def padded(endings: Sequence[Tokens], device: str) -> "tuple[Tensor, Tensor]":
    """Endings padded on the left and their mask, both (rows, width)."""
    import torch

    width = max(map(len, endings))
    ids = torch.zeros(len(endings), width, dtype=torch.long)
    mask = torch.zeros(len(endings), width, dtype=torch.long)
    for row, ending in enumerate(endings):
        ids[row, width - len(ending) :] = torch.tensor(ending, dtype=torch.long)
        mask[row, width - len(ending) :] = 1
    return ids.to(device), mask.to(device)


def without_gaps(running: Sequence[bool]) -> list[int]:
    """Places of the running rows, gaps filled from the end, so that few rows move.

    >>> without_gaps([True, False, True, False, True])
    [0, 4, 2]
    """
    kept = [place for place, runs in enumerate(running) if runs]
    behind = [place for place in kept if place >= len(kept)]
    return [place if running[place] else behind.pop() for place in range(len(kept))]
