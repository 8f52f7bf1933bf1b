"""A model for tests: it says what it was told to say, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from cai_core.errors import ModelError, Stopped
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Completion, Hooks, Progress, Sampling, Usage
from cai_core.stats import FloatArray

QUIET = Hooks()


class ScriptedModel:
    """A Model without weights.

    Args:
        answers: given in this order, one a chat; or a function of the chat.
        choice_scores: log-probabilities by choice, or a function of chat and choice; without them
            it scores nothing, like an endpoint without log-probabilities.
    `history` holds every chat that was answered, streamed or scored, in order.
    """

    fingerprint = "scripted"

    def __init__(
        self,
        answers: Sequence[str] | Callable[[Chat], str] = (),
        choice_scores: Mapping[str, float] | Callable[[Chat, str], float] | None = None,
        *,
        id: str = "scripted:test",
        context: int = 4096,
    ) -> None:
        self.id = id
        self.context = context
        self.history: list[Chat] = []
        self.usage = Usage()
        self._answers = answers
        self._scores = choice_scores
        self._given = 0

    def count_tokens(self, chat: Chat) -> int:
        """Words, and one a turn."""
        return sum(1 + len(turn.content.split()) for turn in chat)

    def generate(
        self, chats: Sequence[Chat], params: Sampling, *, hooks: Hooks = QUIET
    ) -> list[Completion]:
        done: list[Completion] = []
        for chat in chats:
            if hooks.should_stop():
                raise Stopped("stopped while answers were being written")
            text = self._answer(chat)
            self.usage.asked += 1
            self.usage.tokens += len(text.split())
            done.append(
                Completion(text, len(text.split()), True, prompt_tokens=self.count_tokens(chat))
            )
            hooks.progress(Progress(len(done), len(chats), sum(c.tokens for c in done)))
        return done

    def stream(self, chat: Chat, params: Sampling) -> Iterator[str]:
        yield from self._answer(chat).splitlines(keepends=True)

    def score_choices(self, chats: Sequence[Chat], choices: Sequence[str]) -> FloatArray:
        self.history += chats
        self.usage.asked += len(chats)
        rows = [[self._score(chat, choice) for choice in choices] for chat in chats]
        return np.array(rows, dtype=np.float64).reshape(len(chats), len(choices))

    def _answer(self, chat: Chat) -> str:
        tokens = self.count_tokens(chat)
        if tokens >= self.context:
            raise ModelError(
                f"the prompt has {tokens} tokens and the model's window holds {self.context}"
            )
        self.history.append(chat)
        if callable(self._answers):
            return self._answers(chat)
        if self._given == len(self._answers):
            raise ModelError(f"the scripted model has given all its {self._given} answers")
        self._given += 1
        return self._answers[self._given - 1]

    def _score(self, chat: Chat, choice: str) -> float:
        if self._scores is None:
            raise ModelError(f"{self.id} gives no log-probabilities; judge by 'repeat'")
        if callable(self._scores):
            return self._scores(chat, choice)
        return self._scores.get(choice, -np.inf)


_: Callable[..., Model] = ScriptedModel  # it keeps to the protocol
