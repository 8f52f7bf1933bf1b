"""Weights that read tokens: batches of rows behind key-value caches that others can go on from.

Not here: what is read for an answer (local) or for the scores of choices (scoring), and which rows
have a beginning in common (sharing). CUDA and Apple's GPU are untried.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from cai_core.models.decoding import padded
from cai_core.models.device import free_memory, memory_errors
from cai_core.models.sharing import WORTH, Tokens, common_length

# Tokens in one forward pass, and rows of a batch. Measured with the built-in model on 2 cores:
# prompts at 1,040 tokens/s in passes of 4,096 tokens, 640 in passes of 8,192 and more.
PASS_TOKENS = {"cpu": 4096, "mps": 4096, "cuda": 16384}
BATCH_ROWS = {"cpu": 64, "mps": 64, "cuda": 128}
MEMORY_SHARE = 0.25  # of the free memory, for the key-value cache of a batch
LOGITS = 64_000_000  # numbers of a pass whose every prediction is needed: 256 MB
SLACK = 128  # tokens that a cache layer makes room for at a time
PREFIXES = 4  # kept from call to call: those of an answer, a critique, a revision, a comparison


class GrowingLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A DynamicLayer with room to grow: the library's copies all keys at every token."""

    keys: Any
    values: Any

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._room: list[Tensor] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.dtype, self.device = key_states.dtype, key_states.device
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
            self.is_initialized = True
        before, after = self.keys.shape[-2], self.keys.shape[-2] + key_states.shape[-2]
        if not self._room or self._room[0].shape[-2] < after:
            self._room = [_roomy(old, after + SLACK) for old in (self.keys, self.values)]
        for room, new in zip(self._room, (key_states, value_states), strict=True):
            room[: new.shape[0], :, before:after] = new
        rows = key_states.shape[0]
        self.keys, self.values = (room[:rows, :, :after] for room in self._room)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep these rows. Moved rows must come from behind the new end (see `without_gaps`)."""
        moved = [(to, row) for to, row in enumerate(indices.tolist()) if to != row]
        for tensor in (self.keys, self.values):
            for to, row in moved:
                tensor[to] = tensor[row]
        count = len(indices)
        self.keys, self.values = self.keys[:count], self.values[:count]

    def shortened(self, length: int) -> None:
        """Forget all tokens but the first `length`; their room stays."""
        self.keys, self.values = self.keys[:, :, :length], self.values[:, :, :length]

    def picked(self, rows: Tensor) -> "GrowingLayer":
        """A layer of these rows of this one, which stays as it is."""
        if self.keys.shape[0] == 1:  # not copied before it grows
            return layer_of(*(x.expand(len(rows), -1, -1, -1) for x in (self.keys, self.values)))
        return layer_of(self.keys[rows], self.values[rows])


def layer_of(keys: Tensor, values: Tensor) -> GrowingLayer:
    """A layer that goes on from keys and values (rows, heads, tokens, width)."""
    layer = GrowingLayer()
    layer.dtype, layer.device, layer.is_initialized = keys.dtype, keys.device, True
    layer.keys, layer.values = keys, values
    return layer


def _roomy(old: Tensor, length: int) -> Tensor:
    rows, heads, used, width = old.shape
    room = old.new_empty(rows, heads, length, width)
    room[:, :, :used] = old
    return room


def stacked(rows: Sequence[Sequence[Tensor]]) -> Tensor:
    """Rows of parts as one tensor (rows, heads, tokens, width), padded on the left."""
    width = max(sum(part.shape[1] for part in parts) for parts in rows)
    some = next(part for parts in rows for part in parts)
    out = some.new_zeros(len(rows), some.shape[0], width, some.shape[2])
    for row, parts in enumerate(rows):
        end = width
        for part in reversed(parts):
            out[row, :, end - part.shape[1] : end] = part
            end -= part.shape[1]
    return out


@dataclass
class Stems:
    """Rows that were read, to be gone on from: their cache, and which of its columns count.

    `mask` is (rows, columns); a row's padding is 0 there.
    """

    cache: DynamicCache
    mask: Tensor

    @property
    def layers(self) -> list[Any]:
        return list(self.cache.layers)

    def shorten(self, columns: int) -> None:
        """Forget what was read behind the first `columns`."""
        for layer in self.layers:
            layer.shortened(columns)
        self.mask = self.mask[:, :columns]

    def keep(self, places: Sequence[int]) -> None:
        """Keep these rows; moved ones must come from behind the new end."""
        rows = torch.tensor(places, device=self.mask.device)
        self.cache.batch_select_indices(rows)
        self.mask = self.mask[rows]


class Reader:
    """Reads tokens with a causal language model from transformers on its device."""

    def __init__(self, model: Any, device: str) -> None:
        self._model = model
        self.device = device
        self.config = model.config.get_text_config(decoder=True)
        self._prefixes: dict[Tokens, Stems] = {}

    @cached_property
    def shares(self) -> bool:
        """Whether prefixes can be shared; a sliding window would count the padding behind one."""
        return all(isinstance(layer, GrowingLayer) for layer in self._cache().layers)

    @property
    def most_rows(self) -> int:
        return BATCH_ROWS[self.device]

    def room(self) -> int:
        """Tokens whose keys and values fit in a share of the free memory."""
        config = self.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        per_token = 2 * config.num_hidden_layers * heads * width * self._model.dtype.itemsize
        return int(MEMORY_SHARE * free_memory(self.device) / per_token)

    def nothing(self, rows: int) -> Stems:
        """So many rows of which nothing was read yet."""
        return Stems(self._cache(), torch.ones(rows, 0, dtype=torch.long, device=self.device))

    def of_layers(self, layers: Sequence[GrowingLayer], mask: Tensor) -> Stems:
        """Rows whose keys and values are at hand."""
        stems = Stems(self._cache(), mask)
        stems.cache.layers = list(layers)
        return stems

    def picked(self, stems: Stems, rows: Sequence[int]) -> Stems:
        """These rows, also several times, as stems of their own."""
        if not stems.mask.shape[1]:
            return self.nothing(len(rows))
        places = torch.tensor(rows, device=self.device)
        layers = [layer.picked(places) for layer in stems.layers]
        return self.of_layers(layers, stems.mask[places])

    def joined(self, rows: Sequence[tuple[Stems, int]]) -> Stems:
        """Rows of several stems, also the same several times, as stems of their own.

        Their tokens are moved together, so that only the shorter ones have padding.
        """
        lengths = [int(stems.mask[row].sum()) for stems, row in rows]
        width = max(lengths)
        if not width:
            return self.nothing(len(rows))
        if len({(id(stems), row) for stems, row in rows}) == 1 and len(rows[0][0].mask) == 1:
            return self.picked(rows[0][0], [0] * len(rows))
        mask = rows[0][0].mask.new_zeros(len(rows), width)
        for row, length in enumerate(lengths):
            mask[row, width - length :] = 1
        columns = [stems.mask[row].nonzero()[:, 0] for stems, row in rows]
        layers = []
        for number in range(len(rows[0][0].layers)):
            own = [stems.layers[number] for stems, _ in rows]
            places = list(zip(own, rows, columns, strict=True))
            keys = stacked([[layer.keys[row][:, kept]] for layer, (_, row), kept in places])
            values = stacked([[layer.values[row][:, kept]] for layer, (_, row), kept in places])
            layers.append(layer_of(keys, values))
        return self.of_layers(layers, mask)

    def prefix(self, ids: Tokens) -> Stems:
        """One row with these tokens, read from where an earlier prefix parts from it."""
        known = max(self._prefixes, key=lambda old: common_length(old, ids), default=())
        stems = self._prefixes.pop(known) if known else self.nothing(1)
        if known:
            self._prefixes[known] = stems  # used last
        same = common_length(known, ids)
        if not len(ids) == same == len(known):
            same = same if same >= WORTH else 0
            stems = self.picked(stems, [0]) if same else self.nothing(1)
            if same:
                stems.shorten(same)
            self.read(stems, [ids[same:]])
            self._prefixes[ids] = stems
            if len(self._prefixes) > PREFIXES:
                del self._prefixes[next(iter(self._prefixes))]
        return stems

    def read(self, stems: Stems, endings: Sequence[Tokens]) -> None:
        """Go on with one ending a row, where no prediction is wanted."""
        for _ in self.predictions(stems, endings, 0):
            pass

    def predictions(
        self, stems: Stems, endings: Sequence[Tokens], wanted: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Go on with one ending a row; gives (column of the endings, logits from there on).

        Endings are padded on the left; logits (rows, columns, vocabulary) are those of the last
        `wanted` columns, some columns at a time.
        """
        width = max(map(len, endings))
        step = LOGITS // (len(endings) * self.config.vocab_size) if wanted > 1 else width
        for start, end, ids in self._passes(stems, endings, step):
            want = max(0, end - max(start, width - wanted))
            logits = self.forward(stems, ids, want)
            if want:
                yield end - want, logits

    def states(
        self, stems: Stems, endings: Sequence[Tokens], layers: Sequence[int]
    ) -> Iterator[tuple[int, list[Tensor]]]:
        """Go on with one ending a row; gives (first column, hidden states of these layers).

        Layer 0 is the embedding. States are (rows, columns, width) as float32, some columns at a time;
        endings are padded on the left.
        """
        config = self.config
        token = (config.num_hidden_layers + 1) * config.hidden_size * self._model.dtype.itemsize
        step = int(MEMORY_SHARE * free_memory(self.device) / (token * len(endings)))
        for start, _, ids in self._passes(stems, endings, step):
            with memory_errors(self.device):
                out = self._model.base_model(**_asked(stems, ids), output_hidden_states=True)
            yield start, [out.hidden_states[layer].float() for layer in layers]

    def forward(self, stems: Stems, ids: Tensor, wanted: int) -> Tensor:
        """Read ids (rows, new), of which the mask knows; logits of the last `wanted` columns."""
        with memory_errors(self.device):
            out = self._model(**_asked(stems, ids), logits_to_keep=max(wanted, 1))
        logits: Tensor = out.logits[:, :wanted]
        return logits

    def _passes(
        self, stems: Stems, endings: Sequence[Tokens], step: int
    ) -> Iterator[tuple[int, int, Tensor]]:
        """(start, end, ids) of at most `step` columns each; the mask of the stems grows along."""
        ids, own = padded(endings, self.device)
        rows, width = ids.shape
        step = max(1, min(step, PASS_TOKENS[self.device] // rows))
        for start in range(0, width, step):
            end = min(start + step, width)
            stems.mask = torch.cat([stems.mask, own[:, start:end]], dim=1)
            yield start, end, ids[:, start:end]

    def _cache(self) -> DynamicCache:
        cache = DynamicCache(config=self._model.config)
        cache.layers = [GrowingLayer() if type(x) is DynamicLayer else x for x in cache.layers]
        return cache

    @property
    def worth(self) -> float:
        """Tokens saved that are worth a pass; never enough where prefixes cannot be shared."""
        return WORTH if self.shares else math.inf


def _asked(stems: Stems, ids: Tensor) -> dict[str, Any]:
    """What a pass over ids (rows, new) is called with, of which the mask knows already."""
    places = (stems.mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    return {
        "input_ids": ids,
        "attention_mask": stems.mask,
        "position_ids": places,
        "past_key_values": stems.cache,
        "use_cache": True,
    }
