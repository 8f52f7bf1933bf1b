"""A model of this machine: transformers weights from a folder, written and scored in batches.

One loop over the key-value cache serves `generate` and `stream`. What the rows of a batch begin
with alike is computed once. CUDA and Apple's GPU are untried. Not here: where folders come from
(catalogue), how chats become tokens (rendering), how tokens are drawn (decoding).
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from cai_core.errors import Stopped
from cai_core.models.decoding import Row, batches, draw, padded, rows_of, without_gaps
from cai_core.models.device import best_device, free_memory, memory_errors
from cai_core.models.rendering import ChatRenderer
from cai_core.models.sharing import (
    WORTH,
    Context,
    Shared,
    Tokens,
    common_length,
    share,
)
from cai_core.models.weights import (
    check_folder,
    folder_fingerprint,
    load_tokenizer,
    load_weights,
)
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage
from cai_core.stats import FloatArray

# Tokens in one forward pass, and rows of a batch. Measured with the built-in model on 2 cores:
# prompts at 1,040 tokens/s in passes of 4,096 tokens, 640 in passes of 8,192 and more.
PASS_TOKENS = {"cpu": 4096, "mps": 4096, "cuda": 16384}
BATCH_ROWS = {"cpu": 64, "mps": 64, "cuda": 128}
MEMORY_SHARE = 0.25  # of the free memory, for the key-value cache of a batch
LOGITS = 64_000_000  # numbers of a pass whose every prediction is needed: 256 MB
SLACK = 128  # tokens that a cache layer makes room for at a time
SLICE_ROWS = 512  # contexts in one plan: those of 16 principles on 16 pairs in both orders
QUIET = Hooks()
UNLIMITED = 1_000_000  # tokenizers say 10^30 where nothing limits them


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
        """Keep these rows. Moved rows must come from behind the new end (see `_without`)."""
        moved = [(to, row) for to, row in enumerate(indices.tolist()) if to != row]
        for tensor in (self.keys, self.values):
            for to, row in moved:
                tensor[to] = tensor[row]
        count = len(indices)
        self.keys, self.values = self.keys[:count], self.values[:count]

    def branch(self, rows: int) -> "GrowingLayer":
        """A layer of `rows` rows that goes on from this one's only row, and leaves this as it is."""
        other = GrowingLayer()
        other.dtype, other.device, other.is_initialized = self.dtype, self.device, True
        other.keys = self.keys.expand(rows, -1, -1, -1)
        other.values = self.values.expand(rows, -1, -1, -1)
        return other


def _roomy(old: Tensor, length: int) -> Tensor:
    rows, heads, used, width = old.shape
    room = old.new_empty(rows, heads, length, width)
    room[:, :, :used] = old
    return room


class LocalModel:
    """A causal language model from a folder of safetensors; loads on first use.

    Args:
        folder: what `save_pretrained` wrote, or a snapshot from the Hub.
        id: the id it was asked for by; `path:FOLDER` unless told.
        fingerprint: the hash of its weights where it is known already.
        device: "cpu", "cuda" or "mps"; the best that is there unless told.
    Raises:
        ModelError: not a folder of a language model as safetensors.
    """

    def __init__(
        self, folder: Path, *, id: str = "", fingerprint: str = "", device: str = ""
    ) -> None:
        check_folder(folder)
        self.folder = folder
        self.id = id or f"path:{folder}"
        self.device = device or best_device()
        self._fingerprint = fingerprint
        self.usage = Usage()

    @cached_property
    def fingerprint(self) -> str:
        return self._fingerprint or folder_fingerprint(self.folder)

    @cached_property
    def context(self) -> int:
        config = self._config
        names = ("max_position_embeddings", "n_positions", "max_seq_len")
        limits = [int(getattr(config, name, 0) or 0) for name in names]
        limits.append(int(self._tokenizer.model_max_length))
        return min(limit for limit in [*limits, UNLIMITED] if limit > 0)

    def count_tokens(self, chat: Chat) -> int:
        return len(self.prompt_tokens(chat))

    def prompt_tokens(self, chat: Chat) -> Tokens:
        """What the model reads before it writes."""
        return self._renderer.tokens([self._renderer.text(chat)])[0]

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        """One answer a chat, in order; the same chat and seed give the same answer."""
        rows = rows_of(self._renderer.prompts(chats, self.context), params, self.context)
        for batch in batches(rows, BATCH_ROWS[self.device], self._cache_tokens()):
            for _ in self._write(batch, params):
                if hooks.should_stop():
                    raise Stopped("stopped while answers were being written")
            done = [row for row in rows if not row.running]
            hooks.progress(Progress(len(done), len(rows), sum(len(row.out) for row in done)))
        self._count(len(rows), sum(len(row.ids) for row in rows), sum(len(r.out) for r in rows))
        return [
            Completion(
                self._renderer.opening(chat) + self._renderer.answer(row.out),
                len(row.out),
                row.ended,
                prompt_tokens=len(row.ids),
            )
            for chat, row in zip(chats, rows, strict=True)
        ]

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        (row,) = rows_of(self._renderer.prompts([chat], self.context), params, self.context)
        sent = 0
        yield from filter(None, [self._renderer.opening(chat)])
        for _ in self._write([row], params):
            text = self._renderer.answer(row.out)
            whole = self._renderer.settled(text) if row.running else len(text)
            if whole > sent:
                yield text[sent:whole]
                sent = whole

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        """Sums of token log-probabilities, by chat and choice; shared prefixes are read once."""
        contexts = self._renderer.contexts(chats, choices, self.context)
        scores = np.zeros((len(chats), len(choices)))
        worth = WORTH if self._shares else math.inf
        for start in range(0, len(contexts), SLICE_ROWS):
            part = contexts[start : start + SLICE_ROWS]
            plan = share([c.ids for c in part], [c.first for c in part], worth=worth)
            self._score(plan, part, self._cache(), scores)
        self._count(len(chats), sum(len(c.ids) for c in contexts), 0)
        return scores

    def _count(self, asked: int, read: int, written: int) -> None:
        self.usage.asked += asked
        self.usage.prompt_tokens += read
        self.usage.tokens += written

    # What is loaded on first use

    @cached_property
    def _tokenizer(self) -> Any:
        return load_tokenizer(self.folder)

    @cached_property
    def _renderer(self) -> ChatRenderer:
        return ChatRenderer(self._tokenizer)

    @cached_property
    def _model(self) -> Any:
        return load_weights(self.folder, self.device)

    @cached_property
    def _config(self) -> Any:
        return self._model.config.get_text_config(decoder=True)

    @cached_property
    def _ends(self) -> frozenset[int]:
        given = [self._tokenizer.eos_token_id, self._config.eos_token_id]
        given.append(self._model.generation_config.eos_token_id)
        lists = [ids if isinstance(ids, list) else [ids] for ids in given]
        return frozenset(token for ids in lists for token in ids if token is not None)

    # Batches and passes

    def _cache_tokens(self) -> int:
        """Tokens whose keys and values fit in a share of the free memory."""
        config = self._config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = (
            getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        )
        per_token = 2 * config.num_hidden_layers * heads * width * self._model.dtype.itemsize
        return int(MEMORY_SHARE * free_memory(self.device) / per_token)

    def _cache(self) -> DynamicCache:
        cache = DynamicCache(config=self._model.config)
        cache.layers = [GrowingLayer() if type(x) is DynamicLayer else x for x in cache.layers]
        return cache

    @cached_property
    def _shares(self) -> bool:
        """Whether prefixes can be shared; a sliding window would count the padding behind one."""
        return all(isinstance(layer, GrowingLayer) for layer in self._cache().layers)

    def _forward(self, cache: DynamicCache, ids: Tensor, mask: Tensor, wanted: int) -> Tensor:
        """Read ids (rows, new) behind the cache; logits of the last columns: (rows, wanted, vocab)."""
        places = (mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        with memory_errors(self.device):
            out = self._model(
                input_ids=ids,
                attention_mask=mask,  # (rows, cached + new)
                position_ids=places,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=max(wanted, 1),
            )
        logits: Tensor = out.logits[:, :wanted]
        return logits

    def _passes(
        self, cache: DynamicCache, ids: Tensor, mask: Tensor, wanted: int
    ) -> Iterator[tuple[int, Tensor]]:
        """Read ids (rows, width) some columns at a time; gives (column, logits from there on)."""
        rows, width = ids.shape
        step = PASS_TOKENS[self.device] // rows
        if wanted > 1:
            step = min(step, LOGITS // (rows * self._config.vocab_size))
        cached = mask.shape[1] - width
        for start in range(0, width, max(1, step)):
            end = min(start + max(1, step), width)
            want = max(0, end - max(start, width - wanted))
            logits = self._forward(cache, ids[:, start:end], mask[:, : cached + end], want)
            if want:
                yield end - want, logits

    def _extended(self, cache: DynamicCache, ids: Tokens) -> DynamicCache:
        """A one-row cache that has read these tokens too; the given one stays as it is."""
        cached = cache.get_seq_length()
        longer = self._branch(cache, 1)
        for _ in self._passes(longer, *padded([ids], cached, self.device), 0):
            pass
        return longer

    def _branch(self, cache: DynamicCache, rows: int) -> DynamicCache:
        """A cache of `rows` rows that go on from the only row of this one."""
        other = self._cache()
        if cache.get_seq_length():
            layers: list[Any] = list(cache.layers)
            other.layers = [layer.branch(rows) for layer in layers]
        return other

    # Writing and scoring

    @torch.inference_mode()
    def _write(self, rows: list[Row], params: Sampling) -> Iterator[None]:
        """Write one token into every running row a turn."""
        cache, mask, logits = self._read([row.ids for row in rows])
        while True:
            tokens = draw(logits, rows, params)
            for row, token in zip(rows, tokens.tolist(), strict=True):
                self._take(row, token)
            yield
            kept = without_gaps([row.running for row in rows])
            if not kept:
                return
            if len(kept) < len(rows):
                rows = [rows[place] for place in kept]
                places = torch.tensor(kept, device=self.device)
                cache.batch_select_indices(places)
                mask, tokens = mask[places], tokens[places]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            logits = self._forward(cache, tokens[:, None], mask, 1)[:, -1]

    def _read(self, prompts: Sequence[Tokens]) -> tuple[DynamicCache, Tensor, Tensor]:
        """The cache of these prompts, its mask, and the predictions for their next tokens."""
        shared = 0
        if self._shares and len(prompts) > 1:
            low, high = min(prompts), max(prompts)  # what these share, all share
            shared = min(common_length(low, high), min(map(len, prompts)) - 1)
            shared = shared if (len(prompts) - 1) * shared >= WORTH else 0
        prefix = self._extended(self._cache(), prompts[0][:shared]) if shared else self._cache()
        cache = self._branch(prefix, len(prompts))
        ids, mask = padded([prompt[shared:] for prompt in prompts], shared, self.device)
        *_, (_, logits) = self._passes(cache, ids, mask, 1)
        return cache, mask, logits[:, -1]

    def _take(self, row: Row, token: int) -> None:
        if token in self._ends:
            row.ended = True
            return
        row.out.append(token)
        row.ended = self._renderer.stopped(row.out)

    @torch.inference_mode()
    def _score(
        self, node: Shared, contexts: Sequence[Context], cache: DynamicCache, scores: FloatArray
    ) -> None:
        """Add the log-probabilities of everything that stands below a node of the plan."""
        cached = cache.get_seq_length()
        if node.depth > cached:
            some = contexts[node.rows()[0]].ids
            cache = self._extended(cache, some[cached : node.depth])
        leaves = sorted((contexts[row] for row in node.leaves), key=lambda c: len(c.ids))
        longest = max((len(c.ids) + SLACK for c in leaves), default=1)
        most = min(BATCH_ROWS[self.device], max(1, self._cache_tokens() // longest))
        for start in range(0, len(leaves), most):
            self._score_batch(leaves[start : start + most], cache, scores)
        for part in node.parts:
            self._score(part, contexts, cache, scores)

    def _score_batch(
        self, contexts: Sequence[Context], prefix: DynamicCache, scores: FloatArray
    ) -> None:
        cached = prefix.get_seq_length()
        ids, mask = padded([c.ids[cached:] for c in contexts], cached, self.device)
        cache = self._branch(prefix, len(contexts))
        wanted = max(len(c.ids) - c.first for c in contexts)
        for column, logits in self._passes(cache, ids, mask, wanted):
            logs = logits.float().log_softmax(-1)
            for row, context in enumerate(contexts):
                begin = len(context.ids) - ids.shape[1] + column  # place of the first column
                for home, lookups in context.lookups.items():
                    for place, token in lookups:
                        if 0 <= place - begin < logits.shape[1]:
                            scores[home] += logs[row, place - begin, token].item()
