"""A model of this machine: transformers weights from a folder, written and scored in batches.

One loop over the key-value cache serves `generate` and `stream`. What the rows of a batch begin
with alike is read once, and what was read of a chat before is not read again. Not here: where
folders come from (catalogue), how chats become tokens (rendering), how tokens are read (reader),
scored (scoring), drawn (decoding) and kept (keeping).
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cai_core.errors import Stopped
from cai_core.models.capabilities import UNKNOWN_CONTEXT
from cai_core.models.decoding import Row, batches, draw, rows_of, without_gaps
from cai_core.models.device import best_device
from cai_core.models.features import read_features
from cai_core.models.keeping import KEPT_SHARE, KeptRows, gathered, kept_row
from cai_core.models.protocol import Features
from cai_core.models.reader import Reader, Stems
from cai_core.models.rendering import ChatRenderer
from cai_core.models.ruler import LIMITS
from cai_core.models.scoring import score
from cai_core.models.sharing import WORTH, Tokens, common_length
from cai_core.models.weights import (
    check_folder,
    folder_fingerprint,
    load_tokenizer,
    load_weights,
)
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage
from cai_core.stats import FloatArray

QUIET = Hooks()


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
        self._kept = KeptRows()

    @cached_property
    def fingerprint(self) -> str:
        return self._fingerprint or folder_fingerprint(self.folder)

    @cached_property
    def context(self) -> int:
        config = self._reader.config
        limits = [int(getattr(config, name, 0) or 0) for name in LIMITS]
        limits.append(int(self._tokenizer.model_max_length))
        # Tokenizers say 10^30 where nothing limits them.
        return min(limit for limit in [*limits, UNKNOWN_CONTEXT] if limit > 0)

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
        for batch in batches(rows, self._reader.most_rows, self._reader.room()):
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
        with torch.inference_mode():
            score(self._reader, contexts, scores)
        self._count(len(chats), sum(len(c.ids) for c in contexts), 0)
        return scores

    def features(self, chats: Sequence[Chat], *, hooks: Hooks = QUIET) -> Features:
        """Of hidden states, see `cai_core.models.features`: (chats, d), in order."""
        answers = self._renderer.answers(chats, self.context)
        rows: list[Features | None] = [None] * len(chats)
        with torch.inference_mode():
            for done, (place, values) in enumerate(read_features(self._reader, answers), start=1):
                rows[place] = values
                hooks.progress(Progress(done, len(chats)))
                if hooks.should_stop():
                    raise Stopped("stopped while answers were being read")
        self._count(len(chats), sum(len(answer.ids) for answer in answers), 0)
        return np.stack([row for row in rows if row is not None])

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
    def _ends(self) -> frozenset[int]:
        given = [self._tokenizer.eos_token_id, self._reader.config.eos_token_id]
        given.append(self._model.generation_config.eos_token_id)
        lists = [ids if isinstance(ids, list) else [ids] for ids in given]
        return frozenset(token for ids in lists for token in ids if token is not None)

    @cached_property
    def _reader(self) -> Reader:
        return Reader(self._model, self.device)

    # Writing

    @torch.inference_mode()
    def _write(self, rows: list[Row], params: Sampling) -> Iterator[None]:
        """Write one token into every running row a turn."""
        prefix, stems, logits = self._read([row.ids for row in rows])
        while True:
            tokens = draw(logits, rows, params)
            for row, token in zip(rows, tokens.tolist(), strict=True):
                self._take(row, token)
            self._keep(prefix, stems, rows)
            yield
            kept = without_gaps([row.running for row in rows])
            if not kept:
                return
            if len(kept) < len(rows):
                rows = [rows[place] for place in kept]
                stems.keep(kept)
                tokens = tokens[torch.tensor(kept, device=self.device)]
            stems.mask = torch.cat([stems.mask, stems.mask.new_ones(len(rows), 1)], dim=1)
            logits = self._reader.forward(stems, tokens[:, None], 1)[:, -1]

    def _read(self, prompts: Sequence[Tokens]) -> tuple[Stems, Stems, Tensor]:
        """The prefix of these prompts, what was read of them, and what is predicted next.

        What was read of them before is not read again.
        """
        reader, shared = self._reader, self._shared(prompts)
        prefix = reader.prefix(prompts[0][:shared]) if shared else reader.nothing(1)
        found = [self._kept.best(ids) for ids in prompts]
        found = [one if one and one[1] > shared else None for one in found]
        if any(found):
            stems = gathered(reader, found, prefix)
        else:
            stems = reader.picked(prefix, [0] * len(prompts))
        begun = [one[1] if one else shared for one in found]
        endings = [ids[length:] for ids, length in zip(prompts, begun, strict=True)]
        *_, (_, logits) = reader.predictions(stems, endings, 1)
        return prefix, stems, logits[:, -1]

    def _shared(self, prompts: Sequence[Tokens]) -> int:
        """Tokens that all these prompts begin with, where reading them once pays."""
        if not self._reader.shares or len(prompts) < 2:
            return 0
        low, high = min(prompts), max(prompts)  # what these share, all share
        shared = min(common_length(low, high), min(map(len, prompts)) - 1)
        return shared if (len(prompts) - 1) * shared >= WORTH else 0

    def _keep(self, prefix: Stems, stems: Stems, rows: Sequence[Row]) -> None:
        """Keep what the rows that have just ended have read, where it can be gone on from."""
        ended = [place for place, row in enumerate(rows) if not row.running]
        if not ended or not self._reader.shares:
            return
        most = int(KEPT_SHARE * self._reader.room())
        for place in ended:
            ids = (*rows[place].ids, *rows[place].out)
            self._kept.add(kept_row(stems, place, ids, prefix), most=most)

    def _take(self, row: Row, token: int) -> None:
        if token in self._ends:
            row.ended = True
            return
        row.out.append(token)
        row.ended = self._renderer.stopped(row.out)
