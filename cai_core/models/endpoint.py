"""A model behind a server that speaks the OpenAI chat protocol: vLLM, llama.cpp, Ollama, hosted ones.

A begun assistant turn is sent as the last message, with vLLM's flag to continue it; llama.cpp and
Ollama continue it anyway, hosted services begin a new turn. Draws are the server's own.
"""

import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property
from threading import Lock
from typing import Any, NoReturn, TypeVar

import numpy as np
import openai
from httpx2 import InvalidURL
from openai import OpenAI

from cai_core.errors import ModelError, Stopped
from cai_core.models.cached import endpoint_fingerprint
from cai_core.models.rendering import readable
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage, chat_row, user
from cai_core.settings import Endpoint
from cai_core.stats import FloatArray

T = TypeVar("T")

QUIET = Hooks()
UNKNOWN_CONTEXT = 1_000_000  # servers do not say; one that is too small refuses with a sentence
CHARS_PER_TOKEN = 4.0  # English text; for estimates only
TURN_TOKENS = 4
ASK_STOP_SECONDS = 0.2
TOP_LOGPROBS = (20, 5)  # most that servers give; what the strict ones give

# What a server may refuse to know; it is then asked again without.
OPTIONAL = ("seed", "top_k", "continue_final_message", "add_generation_prompt")


class EndpointModel:
    """One model of an endpoint.

    Raises:
        ModelError: the variable that should hold the key is not set.
    """

    context = UNKNOWN_CONTEXT

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint = endpoint
        self.model = model
        self.id = f"endpoint:{endpoint.name}/{model}"
        self.fingerprint = endpoint_fingerprint(endpoint, model)
        self.usage = Usage()
        self._counting = Lock()
        self._refused: set[str] = set()  # options that this server does not take
        self._paid: dict[tuple[Chat, Sampling], Completion] = {}
        self._key = _key_of(endpoint)

    def count_tokens(self, chat: Chat) -> int:
        """An estimate: the tokenizer is the server's."""
        letters = sum(len(turn.content) for turn in chat)
        return math.ceil(letters / CHARS_PER_TOKEN) + TURN_TOKENS * len(chat)

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        """One answer a chat; where one fails, those of the others are kept for the next call."""
        tokens = 0

        def ask(chat: Chat) -> Completion:
            return self._paid.pop((chat, params), None) or self._answer(chat, params)

        def told(done: int, chat: Chat, answer: Completion) -> None:
            nonlocal tokens
            tokens += answer.tokens
            self._paid[chat, params] = answer
            hooks.progress(Progress(done, len(chats), tokens))

        answers = self._each(chats, ask, told, hooks)
        self._paid.clear()
        return answers

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        finished = False
        try:
            with self._ask(chat, stream=True, **_sampling(params)) as chunks:
                for chunk in chunks:
                    for choice in getattr(chunk, "choices", None) or ():
                        finished = finished or choice.finish_reason is not None
                        text = choice.delta.content if choice.delta else None
                        if text:
                            yield text
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            self._fail(error)
        if not finished:
            raise ModelError(f"{self._name} broke off in the middle of an answer; try again")

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        """From the log-probabilities of the first token; a longer choice is not reported."""
        rows = self._each(chats, lambda chat: self._scores(chat, choices), _untold, QUIET)
        return np.array(rows, dtype=np.float64).reshape(len(chats), len(choices))

    def probe(self) -> str:
        """Ask once, and say in a sentence how it went. Raises ModelError."""
        began = time.monotonic()
        chat = (user("Answer with one letter, A or B: which comes first?"),)
        self._answer(chat, Sampling(max_new_tokens=8, temperature=0))
        seconds = time.monotonic() - began
        try:
            self._scores(chat, ("A", "B"))
        except ModelError:
            return f"answered in {seconds:.1f} s, without log-probabilities: judge by 'repeat'"
        return f"answered in {seconds:.1f} s, with log-probabilities"

    # One request

    @cached_property
    def _client(self) -> OpenAI:
        client = OpenAI(
            base_url=self.endpoint.base_url,
            api_key=self._key,
            timeout=self.endpoint.timeout_s,
            max_retries=self.endpoint.retries,
        )
        client.organization = client.project = None  # the environment's belong to another service
        return client

    @property
    def _name(self) -> str:
        return f"endpoint '{self.endpoint.name}'"

    def _answer(self, chat: Chat, params: Sampling) -> Completion:
        response = self._ask(chat, **_sampling(params))
        choice = self._first_choice(response)
        text = getattr(getattr(choice, "message", None), "content", None)
        reason = getattr(choice, "finish_reason", None)
        if not isinstance(text, str) or not text:
            raise ModelError(
                f"{self._name} gave an empty answer (finish reason: {reason}); ask for more tokens"
                " or choose another model"
            )
        usage = getattr(response, "usage", None)
        written = getattr(usage, "completion_tokens", None) or self._estimate(text)
        read = getattr(usage, "prompt_tokens", None) or self.count_tokens(chat)
        self._count(read, written)
        return Completion(text, written, reason != "length", prompt_tokens=read)

    def _scores(self, chat: Chat, choices: Sequence[str]) -> list[float]:
        response = self._ask(chat, max_tokens=1, temperature=1.0, logprobs=True)
        logprobs = getattr(self._first_choice(response), "logprobs", None)
        content = getattr(logprobs, "content", None)
        if not content or not getattr(content[0], "top_logprobs", None):
            raise ModelError(
                f"{self._name} gives no log-probabilities for '{self.model}'; judge by 'repeat'"
            )
        self._count(self.count_tokens(chat), 1)
        entries = [(entry.token, entry.logprob) for entry in content[0].top_logprobs]
        return [_log_sum(value for token, value in entries if _is(token, c)) for c in choices]

    def _count(self, read: int, written: int) -> None:
        with self._counting:
            self.usage += Usage(1, 0, read, written)

    def _ask(self, chat: Chat, **options: Any) -> Any:
        """Send one request, again without what the server says it does not know."""
        messages: Any = [turn | {"content": readable(turn["content"])} for turn in chat_row(chat)]
        while True:
            asked = self._options(chat, options)
            try:
                return self._client.chat.completions.create(
                    model=self.model, messages=messages, **asked
                )
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if not self._learnt(asked, str(error)):
                    self._fail(error)
            except (openai.OpenAIError, InvalidURL, ValueError) as error:
                self._fail(error)

    def _options(self, chat: Chat, options: dict[str, Any]) -> dict[str, Any]:
        """The options of a request, less what this server has refused."""
        asked = dict(options)
        body = {"top_k": asked.pop("top_k", None)}
        if chat[-1].role == "assistant":
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        if asked.get("logprobs"):
            asked["top_logprobs"] = TOP_LOGPROBS["top_logprobs" in self._refused]
        if "max_tokens" in self._refused:
            asked["max_completion_tokens"] = asked.pop("max_tokens")
        body = self._allowed(body)
        return self._allowed(asked) | ({"extra_body": body} if body else {})

    def _allowed(self, options: dict[str, Any]) -> dict[str, Any]:
        refused = self._refused.intersection(OPTIONAL)
        return {k: v for k, v in options.items() if v is not None and k not in refused}

    def _learnt(self, asked: dict[str, Any], message: str) -> bool:
        """Note the options that this refusal names; whether the next request will be another."""
        able = set(OPTIONAL)
        if "max_completion_tokens" in message:
            able.add("max_tokens")
        if asked.get("top_logprobs") == TOP_LOGPROBS[0]:
            able.add("top_logprobs")
        sent = {*asked, *asked.get("extra_body", ())}
        named = {name for name in sent & able if re.search(rf"\b{name}\b", message)}
        self._refused |= named  # another request under way may have noted them already
        return bool(named)

    def _first_choice(self, response: Any) -> Any:
        choices = getattr(response, "choices", None)
        if not isinstance(choices, list) or not choices:
            raise ModelError(
                f"{self._name} answered with something that is no chat completion; its base_url"
                f" usually ends in /v1: {self.endpoint.base_url}"
            )
        return choices[0]

    @staticmethod
    def _estimate(text: str) -> int:
        return math.ceil(len(text) / CHARS_PER_TOKEN)

    def _fail(self, error: Exception) -> NoReturn:
        raise ModelError(f"{self._name} {_sentence(error, self.endpoint, self.model)}") from error

    # Several requests at once

    def _each(
        self,
        chats: Sequence[Chat],
        ask: Callable[[Chat], T],
        told: Callable[[int, Chat, T], None],
        hooks: Hooks,
    ) -> list[T]:
        """Ask for every chat, as many at once as the endpoint allows; a failure ends it."""
        pool = ThreadPoolExecutor(self.endpoint.concurrency)
        try:
            chat_of = {pool.submit(ask, chat): chat for chat in chats}
            for done, future in enumerate(_as_they_come(chat_of, hooks), 1):
                if future.exception() is None:
                    told(done, chat_of[future], future.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for future in chat_of:
            if not future.cancelled():
                future.result()  # the first failure is raised before a dropped one is asked
        return [future.result() for future in chat_of]


def _as_they_come(futures: Iterable[Future[T]], hooks: Hooks) -> Iterator[Future[T]]:
    """Finished ones first. After a failure those not begun are dropped, those begun are awaited.

    Raises:
        Stopped: it was asked for; what is under way is not awaited.
    """
    waiting = set(futures)
    while waiting:
        if hooks.should_stop():
            raise Stopped("stopped while answers were being written")
        done, waiting = wait(waiting, timeout=ASK_STOP_SECONDS, return_when=FIRST_COMPLETED)
        if any(future.exception() for future in done):
            waiting = {future for future in waiting if not future.cancel()}
        yield from done


def _key_of(endpoint: Endpoint) -> str:
    """The key from the environment; a server without keys is sent a word in its place."""
    if not endpoint.key_variable:
        return "none"
    key = os.environ.get(endpoint.key_variable, "")
    if not key:
        raise ModelError(
            f"the key of endpoint '{endpoint.name}' is missing: set the environment variable"
            f" {endpoint.key_variable} and start again"
        )
    return key


def _sampling(params: Sampling) -> dict[str, Any]:
    options: dict[str, Any] = {"max_tokens": params.max_new_tokens}
    options |= {"temperature": params.temperature, "top_p": params.top_p}
    if params.temperature > 0:
        options |= {"seed": params.seed, "top_k": params.top_k or None}
    return options


def _untold(done: int, chat: Chat, value: object) -> None:
    """Say nothing."""


def _is(token: str, choice: str) -> bool:
    return token.strip() == choice.strip()


def _log_sum(logs: Iterable[float]) -> float:
    """log of the sum of exp; -inf for none."""
    return float(np.logaddexp.reduce([*logs, -math.inf]))


def _sentence(error: Exception, endpoint: Endpoint, model: str) -> str:
    """What went wrong, and what to do, for a person."""
    tries = f"after {endpoint.retries + 1} tries" if endpoint.retries else "at once"
    said = " ".join(str(getattr(error, "message", "") or error).split())[:200]
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            where = f"${endpoint.key_variable}" if endpoint.key_variable else "its key_variable"
            return f"refused the key ({error.status_code}); check {where}"
        case openai.NotFoundError():
            return f"knows no model '{model}' at {endpoint.base_url} (404); check both: {said}"
        case openai.RateLimitError():
            return f"still has too many requests {tries} (429); lower its concurrency, or wait"
        case openai.APITimeoutError():
            return f"gave no answer within {endpoint.timeout_s:g} s; raise its timeout_s, or wait"
        case openai.APIConnectionError() | InvalidURL():
            return f"cannot be reached at {endpoint.base_url}; is the server running?"
        case openai.InternalServerError():
            return f"failed {tries} ({error.status_code}): {said}"
        case openai.APIStatusError():
            return f"refused the request ({error.status_code}): {said}"
        case openai.APIError():
            return f"reported an error: {said}"
        case _:
            return f"answered with something that cannot be read: {said}"
