"""What stands in a server's chat completion: the answer, the thinking before it, first tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cai_core.models.thinking import CLOSE, OPEN, UnfinishedThought, split_thinking

AROUND = " \t\r\n\"'`*([“‘"  # what a model may write before the option itself


@dataclass(frozen=True)
class Step:
    """One written token, and the log-probabilities of those that could have stood there."""

    token: str
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reply:
    """One choice of a chat completion; `tokens` and `prompt_tokens` are 0 where nobody counted."""

    text: str
    thinking: str = ""
    reason: str | None = None
    prompt_tokens: int = 0
    tokens: int = 0
    steps: tuple[Step, ...] = ()

    @classmethod
    def of(cls, row: object) -> "Reply | None":
        """Read a response; None where it is no chat completion."""
        choices = row.get("choices") if isinstance(row, dict) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(row, dict) or not isinstance(choice, dict):
            return None
        text, thinking = _apart(_dict(choice.get("message")))
        usage = _dict(row.get("usage"))
        return cls(
            text,
            thinking,
            choice.get("finish_reason"),
            _count(usage.get("prompt_tokens")),
            _count(usage.get("completion_tokens")),
            _steps(_dict(choice.get("logprobs")).get("content")),
        )

    @property
    def only_thought(self) -> bool:
        return bool(self.thinking) and not self.text

    def verdict(self, choices: Sequence[str]) -> Step | None:
        """The first token behind the thinking that is one of the choices, else the first word.

        None where only thinking was written, or nothing.
        """
        steps = self._answer_steps()
        said = [step for step in steps if step.token.strip(AROUND)]
        exact = (step for step in said if any(is_choice(step.token, c) for c in choices))
        return next(exact, said[0] if said else steps[0] if steps else None)

    def _answer_steps(self) -> Sequence[Step]:
        """The tokens of the answer: those of thinking may stand before them."""
        if not self.thinking:
            return self.steps
        written = ""
        for place, step in enumerate(self.steps):
            written += step.token
            if CLOSE in written:
                return self.steps[place + 1 :]
        if self.only_thought or written.lstrip().startswith(OPEN):
            return ()
        return self._tail()

    def _tail(self) -> Sequence[Step]:
        """The last tokens, that together are the answer; all where they do not fit it."""
        tail = ""
        for place in range(len(self.steps) - 1, -1, -1):
            tail = self.steps[place].token + tail
            if tail.strip() == self.text.strip():
                return self.steps[place:]
        return self.steps


def is_choice(token: str, choice: str) -> bool:
    """
    >>> is_choice(' "A', "A"), is_choice("Ah", "A")
    (True, False)
    """
    return token.strip(AROUND) == choice.strip()


def answer_pieces(pieces: Iterator[str]) -> Iterator[str]:
    """The pieces of an answer without the thinking that stands in tags before it."""
    held = ""
    for piece in pieces:
        held += piece
        start = held.lstrip()
        if start.startswith(OPEN):
            _, end, answer = held.partition(CLOSE)
            if not end:
                continue
            held = answer.lstrip()
        elif OPEN.startswith(start):
            continue
        if held:
            yield held
        yield from pieces
        return
    if held and not held.lstrip().startswith(OPEN):
        yield held


def _apart(message: dict[str, Any]) -> tuple[str, str]:
    """Answer and thinking of a message: in a field of its own, or in tags."""
    content = message.get("content")
    try:
        thinking, text = split_thinking(content) if isinstance(content, str) else ("", "")
    except UnfinishedThought:
        thinking, text = str(content), ""
    named = message.get("reasoning_content") or message.get("reasoning")
    return text, named if isinstance(named, str) and named else thinking


def _steps(content: object) -> tuple[Step, ...]:
    entries = [_dict(entry) for entry in content] if isinstance(content, list) else []
    return tuple(
        Step(str(entry.get("token", "")), _top(entry.get("top_logprobs"))) for entry in entries
    )


def _top(entries: object) -> tuple[tuple[str, float], ...]:
    found = [_dict(entry) for entry in entries] if isinstance(entries, list) else []
    return tuple(
        (str(e["token"]), float(e["logprob"]))
        for e in found
        if "token" in e and isinstance(e.get("logprob"), int | float)
    )


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
