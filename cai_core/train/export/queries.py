"""What a reward server is asked: chats, or OpenRLHF's rendered texts, read back into turns.

    {"chats": [[{role, content}, ...], ...]}                      each ends in an assistant turn
    {"query": [...], "prompts": [...], "labels": [...]}           as OpenRLHF sends; a label is a prompt's turns

A query is a prompt and its answer as the policy's template rendered them, special tokens and all. With the
turns in its label the answer is what stands behind the prompt. Without, the turns are read out of the text by
the marks of the reward model's own template, which must then be the policy's too.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cai_core.errors import DataError
from cai_core.schema import Chat, Message, Row, assistant, chat_from_row, chat_row

MOST_CHATS = 1024  # of one request
MOST_TEXT = 1_000_000  # characters of one chat
_TAIL = 200  # of a prompt whose beginning the policy's window cut away
# How end-of-turn tokens are written in the templates of common models; the tokenizer's own come on top.
_ENDS: tuple[str, ...] = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>", "<eos>"),
    *("<end_of_turn>", "<|end|>", "<｜end▁of▁sentence｜>"),
)

Render = Callable[[list[Row]], str]


def chats_of(body: object, template: "Template") -> list[Chat]:
    """The chats of one request.

    Raises:
        DataError: not of one of the forms, or over the limits; a sentence for whoever asked.
    """
    if not isinstance(body, dict):
        raise DataError("send a JSON object with 'chats', or with 'query' and 'prompts'")
    if "chats" in body:
        return [_chat(one, place) for place, one in enumerate(_list(body, "chats"))]
    if "query" not in body:
        raise DataError("there is neither 'chats' nor 'query'")
    queries = _texts(body, "query")
    prompts = _texts(body, "prompts") if body.get("prompts") else [""] * len(queries)
    labels = _list(body, "labels") if body.get("labels") else [None] * len(queries)
    if not len(queries) == len(prompts) == len(labels):
        raise DataError("'query', 'prompts' and 'labels' must be equally long")
    return [
        _of_query(query, prompt, label, template)
        for query, prompt, label in zip(queries, prompts, labels, strict=True)
    ]


def _list(body: Row, name: str) -> list[Any]:
    found = body[name]
    if not isinstance(found, list):
        raise DataError(f"'{name}' must be a list")
    if not 0 < len(found) <= MOST_CHATS:
        raise DataError(
            f"'{name}' has {len(found)} entries; 1 to {MOST_CHATS} are answered at once"
        )
    return found


def _texts(body: Row, name: str) -> list[str]:
    found = [body[name]] if isinstance(body[name], str) else _list(body, name)
    if not all(isinstance(one, str) and len(one) <= MOST_TEXT for one in found):
        raise DataError(f"'{name}' must hold texts of at most {MOST_TEXT:,} characters")
    return found


def _chat(turns: object, place: int) -> Chat:
    try:
        chat = _turns(turns)
    except DataError as error:
        raise DataError(f"chat {place}: {error.reason}") from error
    if sum(len(turn.content) for turn in chat) > MOST_TEXT:
        raise DataError(f"chat {place} has more than {MOST_TEXT:,} characters")
    return chat


def _turns(turns: object) -> Chat:
    """A prompt, checked as everywhere, and the answer that it ends in."""
    if not isinstance(turns, list) or not turns or not isinstance(turns[-1], dict):
        raise DataError("it must be a list of turns {role, content}")
    last = turns[-1]
    if last.get("role") != "assistant" or not isinstance(last.get("content"), str):
        raise DataError("it must end in an assistant turn")
    return (*chat_from_row(turns[:-1]), assistant(last["content"]))


@dataclass(frozen=True)
class Template:
    """The reward model's template: `render` makes a text of turns, `specials` are its special tokens."""

    render: Render
    specials: Sequence[str] = ()

    def answer(self, text: str) -> str:
        """An answer without the tokens that end it."""
        text = text.rstrip("\n")
        ends = (*self.specials, *_ENDS)
        while found := next((end for end in ends if end and text.endswith(end)), None):
            text = text[: -len(found)].rstrip("\n")
        return text

    def turns(self, text: str) -> Chat:
        """The turns of a text that ends in an answer, empty perhaps; rendered again they give the text.

        Raises:
            DataError: it is not of this template.
        """
        for marks in self._marks:
            chat = marks.turns(text)
            if chat is not None:
                chat = (*chat[:-1], assistant(self.answer(chat[-1].content)))
                if self.answer(self.render(chat_row(chat))) == self.answer(text):
                    return chat
        raise DataError(
            "a query is not rendered by this reward model's template; send its turns as JSON in 'labels',"
            " as `export openrlhf` writes them"
        )

    @cached_property
    def _marks(self) -> tuple["_Marks", ...]:
        """What stands between turns, with a system turn and without, out of a rendered conversation."""
        plain = [
            {"role": role, "content": text} for role, text in zip(_ROLES, _TEXTS[1:], strict=True)
        ]
        found = []
        for rows in ([{"role": "system", "content": _TEXTS[0]}, *plain], plain):
            text = self.render(rows)
            texts = [row["content"] for row in rows]
            if all(text.count(one) == 1 for one in texts):
                found.append(_Marks.of(text, texts))
        return tuple(found)


_ROLES = ("user", "assistant", "user", "assistant")
_TEXTS = tuple(f"\u2045{n}\u2046" for n in range(5))  # that stand in no template


@dataclass(frozen=True)
class _Marks:
    """What a template writes before and between turns; `system` is "" where there is no such turn."""

    system: str
    first: str
    to_assistant: str
    to_user: str

    @classmethod
    def of(cls, text: str, texts: Sequence[str]) -> "_Marks":
        gaps, rest = [], text
        for one in texts:
            before, rest = rest.split(one, 1)
            gaps.append(before)
        system = gaps.pop(0) if len(texts) > len(_ROLES) else ""
        return cls(system, *gaps[:3])

    def turns(self, text: str) -> Chat | None:
        """None where the text does not begin so, or does not end in an assistant turn."""
        found: list[Message] = []
        if self.system:
            if not text.startswith(self.system) or self.first not in text:
                return None
            content, text = text[len(self.system) :].split(self.first, 1)
            found.append(Message("system", content))
        elif text.startswith(self.first):
            text = text[len(self.first) :]
        else:
            return None
        while self.to_assistant in text:
            asked, text = text.split(self.to_assistant, 1)
            answer, there, text = text.partition(self.to_user)
            found += [Message("user", asked), assistant(answer)]
            if not there:
                return tuple(found)
        return None


def _of_query(query: str, prompt: str, label: object, template: Template) -> Chat:
    turns = _labelled(label)
    if turns is None and not prompt:
        return template.turns(query)
    asked = template.turns(prompt)[:-1] if turns is None else turns
    answer = _behind(query, prompt)
    if answer is None:
        raise DataError("a query does not begin with its prompt")
    return (*asked, assistant(template.answer(answer)))


def _labelled(label: object) -> Chat | None:
    """The turns of a prompt out of its label; None where the label is something else."""
    if not isinstance(label, str) or not label.lstrip().startswith("["):
        return None
    try:
        return chat_from_row(json.loads(label))
    except ValueError as error:  # DataError too
        raise DataError("a label holds no turns {role, content} that end in a user's") from error


def _behind(query: str, prompt: str) -> str | None:
    """What follows the prompt, whose beginning may have been cut away."""
    if query.startswith(prompt):
        return query[len(prompt) :]
    tail = prompt[-_TAIL:]
    at = query.find(tail)
    return query[at + len(tail) :] if tail and at >= 0 else None
