"""A model that remembers: what it was asked before comes out of the cache, and it is not loaded."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from cai_core.errors import CaiError, ModelError
from cai_core.models.features import FEATURES, packed, unpacked
from cai_core.models.protocol import Cache, Features, Featuring, Keeping, Model
from cai_core.models.rendering import RENDERING
from cai_core.schema import (
    Chat,
    Completion,
    Hooks,
    Progress,
    Row,
    Sampling,
    Usage,
    chat_row,
    content_hash,
)
from cai_core.settings import Endpoint
from cai_core.stats import FloatArray

CHUNK = 128  # answers that are kept at a time: two batches of a local model
WAVES = 8  # of questions side by side in a chunk: the last ones of each wait alone
QUIET = Hooks()


def cache_key(fingerprint: str, what: str, chat: Chat, more: Row) -> str:
    """SHA-256 over everything that an output depends on."""
    asked = {"model": fingerprint, "rendering": RENDERING, "what": what}
    return content_hash(asked | {"chat": chat_row(chat), "more": more}, digits=64)


def endpoint_fingerprint(endpoint: Endpoint, model: str) -> str:
    """What stands for the weights of a model that runs elsewhere."""
    return f"{endpoint.base_url.rstrip('/')} {model}"


def sampling_row(params: Sampling) -> Row:
    """What of these parameters matters: a greedy answer depends on no seed."""
    row = dict(vars(params))
    if params.temperature == 0:
        for name in ("seed", "top_k", "top_p"):
            del row[name]
    return row


class CachedModel:
    """A Model in front of another, which `load` gives on the first miss.

    Answers are kept as they are finished, so that a stopped run loses at most `CHUNK` of them.

    Args:
        context: the window where it is known without loading; what is kept of it may be outdated.
        at_once: questions that the model takes side by side.
    """

    def __init__(
        self,
        id: str,
        fingerprint: str,
        load: Callable[[], Model],
        cache: Cache,
        *,
        context: int | None = None,
        at_once: int = 1,
    ) -> None:
        self.id = id
        self.fingerprint = fingerprint
        self.at_once = at_once
        self._context = context
        self._load = load
        self._cache = cache
        self._asked = 0
        self._hits = 0

    @cached_property
    def model(self) -> Model:
        """The model itself; asking for it loads it."""
        return self._load()

    @property
    def usage(self) -> Usage:
        """Questions with those from the cache; tokens are the model's own."""
        loaded = vars(self).get("model")
        paid = loaded.usage if loaded else Usage()
        return Usage(self._asked, self._hits, paid.prompt_tokens, paid.tokens)

    @cached_property
    def context(self) -> int:
        if self._context is not None:
            return self._context
        key = cache_key(self.fingerprint, "context", (), {})
        return int(self._remembered([key], lambda missing: [self.model.context])[0])

    def count_tokens(self, chat: Chat) -> int:
        key = cache_key(self.fingerprint, "tokens", chat, {})
        return int(self._remembered([key], lambda missing: [self.model.count_tokens(chat)])[0])

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        keys = [self._answer_key(chat, params) for chat in chats]
        found = self._cache.get(sorted(set(keys)))
        paid = set(found)
        wanted = {key: chat for key, chat in zip(keys, chats, strict=True) if key not in found}
        hits = sum(key in paid for key in keys)
        if hits:
            hooks.progress(Progress(hits, len(chats), cached=hits))
        todo = list(wanted)
        size = CHUNK if self.at_once == 1 else max(CHUNK, WAVES * self.at_once)
        for start in range(0, len(todo), size):
            part = todo[start : start + size]
            before = Progress(hits + start, len(chats), _tokens(found, todo[:start]), hits)
            telling = replace(hooks, progress=_behind(before, hooks))
            try:
                done = self.model.generate([wanted[key] for key in part], params, hooks=telling)
            except CaiError:
                self._rescue(lambda m, key: _kept_row(m, wanted[key], params), part)
                raise
            fresh = {key: _to_row(answer) for key, answer in zip(part, done, strict=True)}
            self._cache.put(fresh)
            found |= fresh
        self._asked += len(keys)
        self._hits += hits
        return [_from_row(found[key], cached=key in paid) for key in keys]

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        """The kept answer in one piece, else pieces as they come; those are not kept."""
        key = self._answer_key(chat, params)
        kept = self._cache.get([key])
        if key in kept:
            yield str(kept[key]["text"])
        else:
            yield from self.model.stream(chat, params)

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        more = {"choices": list(choices)}
        keys = [cache_key(self.fingerprint, "choices", chat, more) for chat in chats]

        def score(missing: Sequence[int]) -> list[list[float | None]]:
            try:
                scores = self.model.score_choices([chats[place] for place in missing], choices)
            except CaiError:
                chat_of = {keys[place]: chats[place] for place in missing}
                self._rescue(lambda m, key: _kept_scores(m, chat_of[key], choices), chat_of)
                raise
            self._hits -= len(missing)  # counted below as if all were kept
            return [_finite(row) for row in scores.tolist()]

        rows = self._remembered(keys, score)
        self._asked += len(keys)
        self._hits += len(keys)
        values = [[-math.inf if x is None else x for x in row] for row in rows]
        return np.array(values, dtype=np.float64).reshape(len(chats), len(choices))

    def features(self, chats: Sequence[Chat], *, hooks: Hooks = QUIET) -> Features:
        """Kept as float16, a few kilobytes an answer; the newly read ones come back as they are kept."""
        keys = self._feature_keys(chats)
        found = self._cache.get(sorted(set(keys)))
        hits = sum(key in found for key in keys)
        wanted = {key: chat for key, chat in zip(keys, chats, strict=True) if key not in found}
        todo = list(wanted)
        for start in range(0, len(todo), CHUNK):
            part = todo[start : start + CHUNK]
            before = Progress(hits + start, len(chats), cached=hits)
            telling = replace(hooks, progress=_behind(before, hooks))
            rows = _featuring(self.model).features([wanted[key] for key in part], hooks=telling)
            fresh = {key: packed(row) for key, row in zip(part, rows, strict=True)}
            self._cache.put(fresh)
            found |= fresh
        self._asked += len(keys)
        self._hits += hits
        return np.array([unpacked(found[key]) for key in keys], dtype=np.float32)

    def kept_features(self, chats: Sequence[Chat]) -> list[Features | None]:
        """The features (d,) of each chat where they are kept; nothing is loaded."""
        keys = self._feature_keys(chats)
        found = self._cache.get(sorted(set(keys)))
        return [unpacked(found[key]) if key in found else None for key in keys]

    def _feature_keys(self, chats: Sequence[Chat]) -> list[str]:
        return [
            cache_key(self.fingerprint, "features", chat, {"version": FEATURES}) for chat in chats
        ]

    def _rescue(self, kept: Callable[[Keeping, str], Any], keys: Iterable[str]) -> None:
        """Keep what was answered before a call ended half way."""
        model = self.model
        if isinstance(model, Keeping):
            found = {key: kept(model, key) for key in keys}
            self._cache.put({key: value for key, value in found.items() if value is not None})

    def _answer_key(self, chat: Chat, params: Sampling) -> str:
        return cache_key(self.fingerprint, "answer", chat, sampling_row(params))

    def _remembered(
        self, keys: Sequence[str], compute: Callable[[Sequence[int]], Sequence[Any]]
    ) -> list[Any]:
        """The values of `keys`; `compute` is given the places of those that are not kept."""
        found = self._cache.get(sorted(set(keys)))
        first: dict[str, int] = {}
        for place, key in enumerate(keys):
            if key not in found:
                first.setdefault(key, place)
        if first:
            fresh = dict(zip(first, compute(list(first.values())), strict=True))
            self._cache.put(fresh)
            found |= fresh
        return [found[key] for key in keys]


def _featuring(model: Model) -> Featuring:
    if isinstance(model, Featuring):
        return model
    raise ModelError(f"{model.id} shows no hidden states; choose a model of this machine")


def _kept_row(model: Keeping, chat: Chat, params: Sampling) -> Row | None:
    answer = model.kept_answer(chat, params)
    return _to_row(answer) if answer else None


def _kept_scores(
    model: Keeping, chat: Chat, choices: Sequence[str]
) -> Sequence[float | None] | None:
    scores = model.kept_scores(chat, choices)
    return _finite(scores) if scores else None


def _finite(row: Sequence[float]) -> list[float | None]:
    return [x if math.isfinite(x) else None for x in row]


def _behind(before: Progress, hooks: Hooks) -> Callable[[Progress], None]:
    """Tell progress as of the whole call."""
    return lambda now: hooks.progress(
        replace(before, done=before.done + now.done, tokens=before.tokens + now.tokens)
    )


def _tokens(found: Row, keys: Sequence[str]) -> int:
    return sum(found[key]["tokens"] for key in keys)


def _to_row(answer: Completion) -> Row:
    row = dict(vars(answer))
    del row["cached"]
    return row


def _from_row(row: Row, *, cached: bool) -> Completion:
    return Completion(**row, cached=cached)
