"""A chat that is too long loses the beginning of its prompt, never a word of its answer.

What goes is what was said first: whole exchanges, and of the first that is left the leading tokens of
its user turn. A system turn stays, and so does the template's form: a user turn follows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cai_core.errors import TrainError
from cai_core.schema import Row

Fits = Callable[[Sequence[Row]], bool]


def render(tokenizer: Any, rows: Sequence[Row]) -> list[int]:
    """Token ids of a chat in its template, as in training."""
    ids: list[int] = tokenizer.apply_chat_template(list(rows))["input_ids"]
    return ids


def fitted(
    tokenizer: Any, prompt: Sequence[Row], answers: Sequence[Row], limit: int
) -> list[Row] | None:
    """The prompt, cut so that it and the longest of the answers are at most `limit` tokens.

    Returns:
        One prompt for all answers, as it is where it fits; None where the answers alone do not.
    """
    longest = max(answers, key=lambda row: len(render(tokenizer, [*prompt, row])))

    def fits(rows: Sequence[Row]) -> bool:
        return len(render(tokenizer, [*rows, longest])) <= limit

    if fits(prompt):
        return list(prompt)
    for rows, first in _ever_later(prompt):
        if (cut := _cut(tokenizer, rows, first, fits)) is not None:
            return cut
    return None


def within(tokenizer: Any, chat: Sequence[Row], limits: Sequence[int]) -> list[Row]:
    """A chat that ends in its answer, cut to the first limit in which the answer stands whole.

    Where it fits into none it loses its own beginning too, down to the last limit.

    Raises:
        TrainError: not even a word of the answer fits.
    """
    for limit in limits:
        prompt = fitted(tokenizer, chat[:-1], chat[-1:], limit)
        if prompt is not None:
            return [*prompt, chat[-1]]
    rows, first = _ever_later(chat[:-1])[-1]
    ids = _ids(tokenizer, rows[first]["content"])
    shortest = [*_with_end(tokenizer, rows, first, ids[-1:]), chat[-1]]
    cut = _cut(
        tokenizer, shortest, len(rows), lambda tried: len(render(tokenizer, tried)) <= limits[-1]
    )
    if cut is None:
        raise TrainError(f"no answer fits into {limits[-1]} tokens beside the template's own")
    return cut


def _ever_later(prompt: Sequence[Row]) -> list[tuple[list[Row], int]]:
    """The prompt without 0, 1, ... of its oldest exchanges, and the place of its first user turn."""
    system = [row for row in prompt[:1] if row["role"] == "system"]
    places = [place for place, row in enumerate(prompt) if row["role"] == "user"]
    if not places:
        raise TrainError("a prompt without a user turn cannot be cut to fit max_length")
    return [([*system, *prompt[place:]], len(system)) for place in places]


def _cut(tokenizer: Any, rows: list[Row], place: int, fits: Fits) -> list[Row] | None:
    """With as many of the last tokens of the turn at `place` as fit; None where not one does."""
    ids = _ids(tokenizer, rows[place]["content"])
    if not fits(_with_end(tokenizer, rows, place, ids[-1:])):
        return None
    if fits(rows):
        return rows
    few, many = 1, len(ids)  # few fits, many does not
    while many - few > 1:
        middle = (few + many) // 2
        if fits(_with_end(tokenizer, rows, place, ids[len(ids) - middle :])):
            few = middle
        else:
            many = middle
    return _with_end(tokenizer, rows, place, ids[len(ids) - few :])


def _ids(tokenizer: Any, text: str) -> list[int]:
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def _with_end(tokenizer: Any, rows: Sequence[Row], place: int, ids: list[int]) -> list[Row]:
    """The chat whose turn at `place` is what these tokens say, without half a character at the cut."""
    text = tokenizer.decode(ids, clean_up_tokenization_spaces=False).lstrip("\ufffd")
    return [*rows[:place], {**rows[place], "content": text}, *rows[place + 1 :]]


@dataclass(frozen=True)
class FittingPairs:
    """Preference rows whose prompts were cut to fit; `cut` and `dropped` count pairs."""

    rows: tuple[Row, ...]
    cut: int = 0
    dropped: int = 0

    @classmethod
    def of(cls, rows: Sequence[Row], tokenizer: Any, limit: int) -> "FittingPairs":
        kept: list[Row] = []
        cut = 0
        for row in rows:
            prompt = fitted(tokenizer, row["prompt"], [*row["chosen"], *row["rejected"]], limit)
            if prompt is not None:
                cut += prompt != row["prompt"]
                kept.append(row | {"prompt": prompt})
        return cls(tuple(kept), cut, len(rows) - len(kept))

    @classmethod
    def to_train_on(cls, rows: Sequence[Row], tokenizer: Any, limit: int) -> "FittingPairs":
        """Raises TrainError: no pair is left."""
        found = cls.of(rows, tokenizer, limit)
        if not found.rows:
            raise TrainError(
                f"the answers of all {len(rows)} pairs are longer than max_length = {limit}; raise it"
            )
        return found

    @property
    def notes(self) -> tuple[str, str]:
        """What happened, for people; "" where nothing did."""
        cut = f"{self.cut} pairs were cut at the beginning of their prompts to fit max_length"
        dropped = f"{self.dropped} pairs were left out: their answers are longer than max_length"
        return (cut if self.cut else "", dropped if self.dropped else "")

    @property
    def counts(self) -> Row:
        return {"cut_pairs": self.cut, "dropped_pairs": self.dropped}
