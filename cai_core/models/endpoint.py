"""A model behind a server that speaks the OpenAI chat protocol: vLLM, llama.cpp, Ollama, hosted ones.

A begun assistant turn is sent as the last message, with vLLM's flag to continue it. Where a server
begins a new turn instead, it is asked in words. Draws are the server's own. Thinking that stands
before an answer is left out of it.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from threading import Event, Lock
from typing import Any

import numpy as np

from cai_core.errors import ModelError
from cai_core.models import begun, capabilities, probing
from cai_core.models.asking import ask_all
from cai_core.models.budget import Budget, Terms
from cai_core.models.cached import endpoint_fingerprint
from cai_core.models.capabilities import Capabilities
from cai_core.models.counting import estimate_tokens, tokens_of
from cai_core.models.rendering import readable
from cai_core.models.reply import Reply, answer_pieces, is_choice
from cai_core.models.server import Server
from cai_core.schema import Chat, Completion, Hooks, Progress, Row, Sampling, Usage, chat_row
from cai_core.settings import Endpoint
from cai_core.stats import FloatArray

QUIET = Hooks()
FIRST_WORDS = 8  # tokens within which an option comes where a new turn begins
THINKING_TOKENS = 2048  # room before the answer, for models that think


class EndpointModel:
    """One model of an endpoint.

    Args:
        known: what it can do, where that is not to be read from the workspace.
    Raises:
        ModelError: the variable that should hold the key is not set.
        BudgetError: a cost is limited, and the endpoint has no prices.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        terms: Terms | None = None,
        known: Capabilities | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.id = f"endpoint:{endpoint.name}/{model}"
        self.fingerprint = endpoint_fingerprint(endpoint, model)
        self.usage = Usage()
        self._terms = terms or Terms()
        self._budget = self._terms.budget or Budget()
        self._budget.check(endpoint)
        self._known = capabilities.known(endpoint, model) if known is None else known
        self._server = Server(endpoint, model, _key_of(endpoint))
        self._server.refused |= set(self._known.refused)
        self._counting, self._finding = Lock(), Lock()
        self._paid: dict[tuple[Chat, Sampling], Completion] = {}
        self._paid_scores: dict[tuple[Chat, tuple[str, ...]], list[float]] = {}

    @property
    def context(self) -> int:
        return self._known.context or capabilities.UNKNOWN_CONTEXT

    @property
    def at_once(self) -> int:
        return self.endpoint.concurrency

    def count_tokens(self, chat: Chat) -> int:
        """An estimate: the tokenizer is the server's."""
        return estimate_tokens(chat)

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        """One answer a chat; where one fails, those of the others are kept for the next call."""
        tokens = 0

        def ask(chat: Chat, stop: Event) -> Completion:
            return self._paid.pop((chat, params), None) or self._answer(chat, params, stop)

        def told(done: int, chat: Chat, answer: Completion) -> None:
            nonlocal tokens
            tokens += answer.tokens
            self._paid[chat, params] = answer
            hooks.progress(Progress(done, len(chats), tokens))

        answers = ask_all(chats, ask, told=told, hooks=hooks, at_once=self.at_once)
        self._paid.clear()
        return answers

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        anew = self._begins_anew(chat, Event())
        asked = begun.to_write(chat) if anew else chat
        most = self._room(params.max_new_tokens)
        body = self._body(asked, **_sampling(params, most))
        read, written = self.count_tokens(asked), 0
        with self._budget.request(self.endpoint, read, most) as settle:
            pieces = answer_pieces(self._server.stream(body, self._terms.should_stop))
            for piece in begun.pieces_behind(chat[-1].content, pieces) if anew else pieces:
                written += tokens_of(piece)
                yield piece
            self._count(settle, read, written)
        if not written:
            raise ModelError(f"{self._server.name} gave an empty answer; ask for more tokens")

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        """From the log-probabilities of the first token; a longer choice is not reported."""
        hooks = Hooks(should_stop=self._terms.should_stop)
        names = tuple(choices)

        def ask(chat: Chat, stop: Event) -> list[float]:
            paid = self._paid_scores.pop((chat, names), None)
            return paid or self._scores(chat, choices, stop)

        def told(done: int, chat: Chat, scores: list[float]) -> None:
            self._paid_scores[chat, names] = scores

        rows = ask_all(chats, ask, told=told, hooks=hooks, at_once=self.at_once)
        self._paid_scores.clear()
        return np.array(rows, dtype=np.float64).reshape(len(chats), len(choices))

    def kept_answer(self, chat: Chat, params: Sampling) -> Completion | None:
        return self._paid.get((chat, params))

    def kept_scores(self, chat: Chat, choices: Sequence[str]) -> list[float] | None:
        return self._paid_scores.get((chat, tuple(choices)))

    def probe(self) -> Capabilities:
        """Find out what it can do, and write that down. Raises ModelError."""
        self._known = probing.probe(self._server)
        capabilities.keep(self.endpoint, self.model, self._known)
        return self._known

    # One question

    def _answer(self, chat: Chat, params: Sampling, stop: Event) -> Completion:
        anew = self._begins_anew(chat, stop)
        asked = begun.to_write(chat) if anew else chat

        def ask() -> Reply:
            most = self._room(params.max_new_tokens)
            return self._ask(asked, stop, **_sampling(params, most))

        reply = self._with_room_to_think(ask)
        if not reply.text:
            raise ModelError(self._nothing_said(reply))
        text = begun.without_beginning(reply.text, chat[-1].content) if anew else reply.text
        return Completion(
            text, reply.tokens, reply.reason != "length", prompt_tokens=reply.prompt_tokens
        )

    def _scores(self, chat: Chat, choices: Sequence[str], stop: Event) -> list[float]:
        anew = self._begins_anew(chat, stop)
        asked = begun.to_choose(chat, choices) if anew else chat

        def ask() -> Reply:
            most = self._room(FIRST_WORDS if anew else 1)
            return self._ask(asked, stop, max_tokens=most, temperature=1.0, logprobs=True)

        reply = self._with_room_to_think(ask)
        step = reply.verdict(choices) if anew or reply.thinking else next(iter(reply.steps), None)
        if step is None and reply.thinking:
            raise ModelError(
                f"{self._server.name}: '{self.model}' thinks before it answers, and came to no"
                f" option within {THINKING_TOKENS:,} tokens; judge by 'repeat'"
            )
        if step is None or not step.top:
            raise ModelError(
                f"{self._server.name} gives no log-probabilities for '{self.model}'; judge by"
                " 'repeat'"
            )
        return [
            _log_sum(value for token, value in step.top if is_choice(token, c)) for c in choices
        ]

    def _with_room_to_think(self, ask: Callable[[], Reply]) -> Reply:
        """What it says; asked again with more tokens where it only thought, and so from then on."""
        reply = ask()
        if not reply.only_thought or self._known.thinks:
            return reply
        self._learnt(thinks=True)
        return ask()

    def _room(self, tokens: int) -> int:
        return tokens + (THINKING_TOKENS if self._known.thinks else 0)

    def _nothing_said(self, reply: Reply) -> str:
        what = "thought, and gave no answer" if reply.thinking else "gave an empty answer"
        return (
            f"{self._server.name} {what} (finish reason: {reply.reason}); ask for more tokens"
            " or choose another model"
        )

    def _ask(self, chat: Chat, stop: Event, **options: Any) -> Reply:
        """Send one request within the budget, and count what it took."""

        def stopped() -> bool:
            return stop.is_set()

        read, most = self.count_tokens(chat), int(options["max_tokens"])
        with self._budget.request(self.endpoint, read, most, stopped=stopped) as settle:
            reply = self._server.ask(self._body(chat, **options), stopped)
            reply = replace(
                reply,
                prompt_tokens=reply.prompt_tokens or read,
                tokens=reply.tokens or tokens_of(reply.thinking + reply.text),
            )
            self._count(settle, reply.prompt_tokens, reply.tokens)
        return reply

    def _body(self, chat: Chat, **options: Any) -> Row:
        turns = [turn | {"content": readable(turn["content"])} for turn in chat_row(chat)]
        body: Row = {"model": self.model, "messages": turns} | options
        if begun.is_begun(chat):
            body |= {"continue_final_message": True, "add_generation_prompt": False}
        return body

    def _count(self, settle: Callable[[int, int], None], read: int, written: int) -> None:
        settle(read, written)
        with self._counting:
            self.usage += Usage(1, 0, read, written)

    # What it can do

    def _begins_anew(self, chat: Chat, stop: Event) -> bool:
        """Whether the begun turn of this chat must be asked for in words; found out once."""
        if not begun.is_begun(chat):
            return False
        with self._finding:
            if self._known.continues is None and not stop.is_set():
                self._learnt(continues=probing.continues(self._server))
        return self._known.continues is False

    def _learnt(self, **news: bool) -> None:
        refused = tuple(sorted(self._server.refused))
        self._known = replace(self._known, refused=refused, **news)  # type: ignore[arg-type]
        capabilities.keep(self.endpoint, self.model, self._known)


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


def _sampling(params: Sampling, most: int) -> Row:
    options: Row = {"max_tokens": most, "temperature": params.temperature, "top_p": params.top_p}
    if params.temperature > 0:
        options |= {"seed": params.seed, "top_k": params.top_k or None}
    return options


def _log_sum(logs: Iterable[float]) -> float:
    """log of the sum of exp; -inf for none."""
    return float(np.logaddexp.reduce([*logs, -math.inf]))
