"""The values that cross room borders: frozen dataclasses, and their rows in files.

Every class that stands in a file has `from_row(row)` and `to_row()`. Rows are checked when read;
fields that we do not know are kept in `extra` and written back. No file is opened here.
"""

import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, cast

from cai_core.errors import ConstitutionError, DataError

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "dev", "test"]
Verdict = Literal["a", "b", "tie", "bad", "skip"]
AnnotatorKind = Literal["judge", "person", "rule"]
Method = Literal["logprob", "cot", "repeat"]
PrincipleMode = Literal["whole", "each", "draw"]
Row = dict[str, Any]

SPLITS: tuple[Split, ...] = ("train", "dev", "test")
VERDICTS: tuple[Verdict, ...] = ("a", "b", "tie", "bad", "skip")
HUMAN_P: Mapping[str, float] = {"a": 1.0, "tie": 0.5, "b": 0.0}


def canonical_json(value: object) -> str:
    """One text for one value: sorted keys, no spaces, UTF-8 kept.

    >>> canonical_json({"b": 1, "a": "é"})
    '{"a":"é","b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def content_hash(value: object, *, digits: int = 16) -> str:
    """First `digits` hex digits of SHA-256 over the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()[
        :digits
    ]


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def to_row(self) -> Row:
        return {"role": self.role, "content": self.content}


Chat = tuple[Message, ...]


def user(content: str) -> Message:
    return Message("user", content)


def assistant(content: str) -> Message:
    return Message("assistant", content)


def chat_from_row(value: object, *, column: str = "prompt") -> Chat:
    """Read a conversation that ends in a user turn: a text, or a list of {role, content}.

    Raises:
        DataError: empty, an unknown role, a turn without text, or not ending in a user turn.
    """
    if isinstance(value, str):
        if not value.strip():
            raise DataError(f"'{column}' is empty; write what is asked", column=column)
        return (user(value),)
    if not isinstance(value, list) or not value:
        raise DataError(
            f"'{column}' must be a text or a list of {{role, content}} turns", column=column
        )
    turns = tuple(_message(turn, column) for turn in value)
    if turns[-1].role != "user":
        raise DataError(f"'{column}' must end in a user turn", column=column)
    if not turns[-1].content.strip():
        raise DataError(f"the last user turn of '{column}' is empty", column=column)
    return turns


def _message(turn: object, column: str) -> Message:
    if not isinstance(turn, dict) or turn.get("role") not in ("system", "user", "assistant"):
        raise DataError(
            f"a turn of '{column}' needs a role: system, user or assistant", column=column
        )
    if not isinstance(turn.get("content"), str):
        raise DataError(f"a turn of '{column}' has no text in 'content'", column=column)
    return Message(turn["role"], turn["content"])


def chat_row(chat: Chat) -> list[Row]:
    return [message.to_row() for message in chat]


def first_user_turn(chat: Chat) -> str:
    return next((m.content for m in chat if m.role == "user"), "")


def _text(row: Mapping[str, Any], column: str, *, needed: bool = True) -> str:
    value = row.get(column, "")
    if not isinstance(value, str):
        raise DataError(f"'{column}' must be a text", column=column)
    if needed and not value.strip():
        raise DataError(f"'{column}' is missing or empty; fill it", column=column)
    return value


def _probability(row: Mapping[str, Any], column: str) -> float | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DataError(f"'{column}' must be a number from 0 to 1", column=column)
    return float(value)


def _number(row: Mapping[str, Any], column: str) -> float | None:
    value = row.get(column)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"'{column}' must be a number", column=column)
    return float(value)


def _choice(row: Mapping[str, Any], column: str, allowed: Sequence[str]) -> Any:
    value = row.get(column)
    if value is not None and value not in allowed:
        raise DataError(
            f"'{column}' is {value!r}; it must be one of {', '.join(allowed)}", column=column
        )
    return value


def _tags(row: Mapping[str, Any]) -> tuple[str, ...]:
    value = row.get("tags") or []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or not all(isinstance(tag, str) for tag in value):
        raise DataError("'tags' must be a list of texts", column="tags")
    return tuple(value)


def _object(row: object) -> Row:
    if not isinstance(row, dict):
        raise DataError("a row must be a JSON object")
    return row


def _extra(row: Row, known: set[str]) -> Row:
    return {key: value for key, value in row.items() if key not in known}


@dataclass(frozen=True)
class Prompt:
    """What is asked: a conversation that ends in a user turn."""

    id: str
    messages: Chat
    tags: tuple[str, ...] = ()
    source: str = ""
    split: Split | None = None
    extra: Row = field(default_factory=dict)

    @classmethod
    def of(cls, messages: Chat | str, **more: Any) -> Self:
        """A prompt whose id is the hash of its conversation."""
        chat = (user(messages),) if isinstance(messages, str) else messages
        return cls(id=content_hash(chat_row(chat)), messages=chat, **more)

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = _object(row)
        chat = chat_from_row(row.get("prompt"))
        return cls(
            id=str(row.get("id") or content_hash(chat_row(chat))),
            messages=chat,
            tags=_tags(row),
            source=_text(row, "source", needed=False),
            split=_choice(row, "split", SPLITS),
            extra=_extra(row, {"id", "prompt", "tags", "source", "split"}),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.messages), "tags": list(self.tags)}
        row |= {"source": self.source, "split": self.split}
        return row | self.extra


@dataclass(frozen=True)
class Pair:
    """One prompt with two answers, in no order of merit."""

    id: str
    prompt: Chat
    response_a: str
    response_b: str
    label: Verdict | None = None
    annotator: str = ""
    extra: Row = field(default_factory=dict)

    @staticmethod
    def id_of(prompt: Chat, one: str, other: str) -> str:
        """The identity of a pair: its prompt and its two answers, unordered."""
        return content_hash({"prompt": chat_row(prompt), "responses": sorted((one, other))})

    @classmethod
    def of(cls, prompt: Chat, response_a: str, response_b: str, **more: Any) -> Self:
        return cls(
            cls.id_of(prompt, response_a, response_b), prompt, response_a, response_b, **more
        )

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Read {prompt, response_a, response_b}, {prompt, chosen, rejected} or a raw hh dialogue."""
        row = _object(row)
        if "response_a" not in row and "chosen" in row:
            row = _pair_row_from_chosen(row)
        chat = chat_from_row(row.get("prompt"))
        a, b = _text(row, "response_a"), _text(row, "response_b")
        known = {"id", "prompt", "response_a", "response_b", "label", "annotator"}
        return cls(
            id=str(row.get("id") or cls.id_of(chat, a, b)),
            prompt=chat,
            response_a=a,
            response_b=b,
            label=_choice(row, "label", VERDICTS),
            annotator=_text(row, "annotator", needed=False),
            extra=_extra(row, known),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt)}
        row |= {"response_a": self.response_a, "response_b": self.response_b}
        if self.label is not None:
            row["label"] = self.label
        if self.annotator:
            row["annotator"] = self.annotator
        return row | self.extra

    def swapped(self) -> Self:
        return replace(self, response_a=self.response_b, response_b=self.response_a)


def hh_dialogue(text: str) -> Chat:
    r"""Read a raw hh dialogue: turns that begin with a blank line and Human: or Assistant:.

    >>> [m.role for m in hh_dialogue("\n\nHuman: Hi\n\nAssistant: Hello")]
    ['user', 'assistant']
    """
    turns: list[Message] = []
    for part in ("\n\n" + text.strip()).split("\n\n"):
        if part.startswith("Human:"):
            turns.append(user(part.removeprefix("Human:").strip()))
        elif part.startswith("Assistant:"):
            turns.append(assistant(part.removeprefix("Assistant:").strip()))
        elif part and turns:
            turns[-1] = replace(turns[-1], content=f"{turns[-1].content}\n\n{part}".strip())
    if len(turns) < 2:
        raise DataError("this is not a dialogue: it needs a 'Human:' and an 'Assistant:' turn")
    return tuple(turns)


def _split_dialogue(value: object, column: str) -> tuple[Chat, str]:
    if isinstance(value, str):
        turns = hh_dialogue(value)
    elif isinstance(value, list):
        turns = tuple(_message(turn, column) for turn in value)
    else:
        raise DataError(f"'{column}' must be a text or a list of turns", column=column)
    if not turns or turns[-1].role != "assistant":
        raise DataError(f"'{column}' must end in an assistant turn", column=column)
    return turns[:-1], turns[-1].content


def _pair_row_from_chosen(row: Row) -> Row:
    """Turn {prompt?, chosen, rejected} into our row; sides by the parity of the id's hash."""
    if row.get("prompt") is not None:
        prompt = chat_from_row(row["prompt"])
        chosen, rejected = (_answer(row.get(c), c) for c in ("chosen", "rejected"))
    else:
        prompt, chosen = _split_dialogue(row.get("chosen"), "chosen")
        other, rejected = _split_dialogue(row.get("rejected"), "rejected")
        if other != prompt:
            raise DataError("'chosen' and 'rejected' do not share their conversation")
    given = row.get("id") or Pair.id_of(prompt, chosen, rejected)
    first = int(content_hash(str(given)), 16) % 2 == 0
    a, b = (chosen, rejected) if first else (rejected, chosen)
    rest = {k: v for k, v in row.items() if k not in ("chosen", "rejected", "prompt")}
    return {
        **rest,
        "id": given,
        "prompt": chat_row(prompt),
        "response_a": a,
        "response_b": b,
        "label": "a" if first else "b",
    }


def _answer(value: object, column: str) -> str:
    if isinstance(value, list):
        return _split_dialogue(value, column)[1]
    if not isinstance(value, str):
        raise DataError(f"'{column}' must be a text or a list of turns", column=column)
    return value


@dataclass(frozen=True)
class Principle:
    """One rule. At least one of `text` (comparison wording) and `critique` is there."""

    key: str
    text: str = ""
    critique: str = ""
    revision: str = ""
    weight: float = 1.0
    enabled: bool = True
    tags: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Raises ConstitutionError: a field of the wrong type, no wording, a negative weight."""
        if not isinstance(row, dict):
            raise ConstitutionError("a principle must be a mapping with key, text, critique, ...")
        key = row.get("key")
        if not isinstance(key, str) or not key.strip():
            raise ConstitutionError("a principle has no 'key'; give it a short unique name")
        unknown = set(row) - {"key", "text", "critique", "revision", "weight", "enabled", "tags"}
        if unknown:
            raise ConstitutionError(f"principle '{key}' has an unknown field '{min(unknown)}'")
        wordings = {name: row.get(name) or "" for name in ("text", "critique", "revision")}
        for name, value in wordings.items():
            if not isinstance(value, str):
                raise ConstitutionError(f"principle '{key}': '{name}' must be a text")
        weight = row.get("weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not weight >= 0:
            raise ConstitutionError(f"principle '{key}': 'weight' must be a number of 0 or more")
        if not math.isfinite(weight):
            raise ConstitutionError(f"principle '{key}': 'weight' must be finite")
        if not isinstance(row.get("enabled", True), bool):
            raise ConstitutionError(f"principle '{key}': 'enabled' must be true or false")
        if not wordings["text"].strip() and not wordings["critique"].strip():
            raise ConstitutionError(
                f"principle '{key}' has neither a text nor a critique; write one"
            )
        try:
            tags = _tags(row)
        except DataError as error:
            raise ConstitutionError(f"principle '{key}': {error}") from error
        enabled = bool(row.get("enabled", True))
        return cls(key.strip(), **wordings, weight=float(weight), enabled=enabled, tags=tags)

    def to_row(self) -> Row:
        return {
            "key": self.key,
            "text": self.text,
            "critique": self.critique,
            "revision": self.revision,
            "weight": self.weight,
            "enabled": self.enabled,
            "tags": list(self.tags),
        }


@dataclass(frozen=True)
class Constitution:
    """Ordered principles with a name. A draft may be empty; `check` refuses what cannot be used."""

    name: str
    principles: tuple[Principle, ...] = ()
    description: str = ""

    @property
    def hash(self) -> str:
        """First 12 hex digits of SHA-256 over name and principles in order."""
        rows = [principle.to_row() for principle in self.principles]
        return content_hash({"name": self.name, "principles": rows}, digits=12)

    @property
    def enabled(self) -> tuple[Principle, ...]:
        return tuple(principle for principle in self.principles if principle.enabled)

    def principle(self, key: str) -> Principle:
        for principle in self.principles:
            if principle.key == key:
                return principle
        raise ConstitutionError(f"constitution '{self.name}' has no principle '{key}'")

    def check(self) -> Self:
        """Itself, or ConstitutionError: no name, no enabled principle, a key that stands twice."""
        if not self.name.strip():
            raise ConstitutionError("the constitution has no name; give it one")
        seen: set[str] = set()
        for principle in self.principles:
            if principle.key in seen:
                raise ConstitutionError(
                    f"the key '{principle.key}' stands twice; every principle needs its own"
                )
            seen.add(principle.key)
        if not self.enabled:
            raise ConstitutionError(
                f"constitution '{self.name}' has no enabled principle; add or enable one"
            )
        return self

    @classmethod
    def from_row(cls, row: object) -> Self:
        if not isinstance(row, dict):
            raise ConstitutionError("a constitution must be a mapping with name and principles")
        name, description = row.get("name"), row.get("description") or ""
        if not isinstance(name, str) or not isinstance(description, str):
            raise ConstitutionError("'name' and 'description' of a constitution must be texts")
        principles = row.get("principles") or []
        if not isinstance(principles, list):
            raise ConstitutionError("'principles' must be a list")
        return cls(name, tuple(Principle.from_row(p) for p in principles), description)

    def to_row(self) -> Row:
        rows = [principle.to_row() for principle in self.principles]
        return {"name": self.name, "description": self.description, "principles": rows}


@dataclass(frozen=True)
class ConstitutionRef:
    """Which constitution something was made under; version is None for a file or a draft."""

    name: str
    hash: str
    version: int | None = None

    @classmethod
    def of(cls, constitution: Constitution, version: int | None = None) -> Self:
        return cls(constitution.name, constitution.hash, version)

    @classmethod
    def from_row(cls, row: object) -> "ConstitutionRef | None":
        if not isinstance(row, dict) or not row.get("hash"):
            return None
        return cls(str(row.get("name", "")), str(row["hash"]), row.get("version"))

    def to_row(self) -> Row:
        return {"name": self.name, "version": self.version, "hash": self.hash}


@dataclass(frozen=True)
class Version:
    """One immutable, numbered state of a constitution in the store."""

    id: str
    number: int
    constitution: Constitution
    parent: str | None
    author: str
    message: str
    created: str

    @property
    def ref(self) -> ConstitutionRef:
        return ConstitutionRef.of(self.constitution, self.number)


@dataclass(frozen=True)
class Review:
    """How a person came to give a verdict; `pi` is the probability that the row came up."""

    blind: bool
    queue: str
    pi: float | None
    reviewer: str
    constitution_version: int | None = None
    first: bool = True

    @classmethod
    def from_row(cls, row: object) -> "Review | None":
        if not isinstance(row, dict):
            return None
        return cls(
            blind=bool(row.get("blind", False)),
            queue=str(row.get("queue", "")),
            pi=_probability(row, "pi"),
            reviewer=str(row.get("reviewer", "")),
            constitution_version=row.get("constitution_version"),
            first=bool(row.get("first", True)),
        )

    def to_row(self) -> Row:
        return dict(vars(self))


@dataclass(frozen=True)
class Orders:
    """P(response_a is better) as asked with A first (`ab`) and with B first (`ba`)."""

    ab: float
    ba: float

    @classmethod
    def from_row(cls, row: object) -> "Orders | None":
        if not isinstance(row, dict):
            return None
        ab, ba = _probability(row, "ab"), _probability(row, "ba")
        return None if ab is None or ba is None else cls(ab, ba)


@dataclass(frozen=True)
class Label:
    """One annotator's verdict on a pair; a judge's label is also called a judgement.

    `p_a` in [0, 1] is P(response_a is better), None where the verdict is bad, skip or failed.
    """

    pair: Pair
    verdict: Verdict | None
    p_a: float | None
    kind: AnnotatorKind = "judge"
    annotator: str = ""
    p_raw: float | None = None
    orders: Orders | None = None
    offset: float | None = None
    flipped: bool | None = None
    inconsistent: bool | None = None
    mass: float | None = None
    votes: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    principles: str = ""
    template: str = ""
    constitution: ConstitutionRef | None = None
    seed: int | None = None
    rationale: str = ""
    error: str = ""
    review: Review | None = None
    extra: Row = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The pair's id: one row an id in a labels file."""
        return self.pair.id

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = _object(row)
        review = Review.from_row(row.get("review"))
        known = {*_LABEL_FIELDS, "id", "prompt", "response_a", "response_b", "label"}
        votes = row.get("votes") or {}
        if not isinstance(votes, dict):
            raise DataError("'votes' must be a mapping of principle to probability", column="votes")
        for key in votes:
            _probability(votes, key)
        return cls(
            pair=Pair.from_row({k: v for k, v in row.items() if k in _PAIR_FIELDS}),
            verdict=_choice(row, "verdict", VERDICTS),
            p_a=_probability(row, "p_a"),
            kind=_choice(row, "kind", ("judge", "person", "rule"))
            or ("person" if review else "judge"),
            annotator=str(row.get("judge") or row.get("annotator") or ""),
            p_raw=_probability(row, "p_raw"),
            orders=Orders.from_row(row.get("orders")),
            offset=_number(row, "offset"),
            flipped=row.get("flipped"),
            inconsistent=row.get("inconsistent"),
            mass=_number(row, "mass"),
            votes=cast(dict[str, float], votes),
            method=str(row.get("method") or ""),
            principles=str(row.get("principles") or ""),
            template=str(row.get("template") or ""),
            constitution=ConstitutionRef.from_row(row.get("constitution")),
            seed=row.get("seed"),
            rationale=str(row.get("rationale") or ""),
            error=str(row.get("error") or ""),
            review=review,
            extra=_extra(row, known),
        )

    def to_row(self) -> Row:
        row = self.pair.to_row()
        row |= {"verdict": self.verdict, "p_a": self.p_a, "p_raw": self.p_raw}
        row["orders"] = vars(self.orders).copy() if self.orders else None
        row |= {"offset": self.offset, "flipped": self.flipped, "inconsistent": self.inconsistent}
        row |= {"mass": self.mass, "votes": dict(self.votes), "method": self.method}
        row |= {"principles": self.principles, "template": self.template, "judge": self.annotator}
        row["constitution"] = self.constitution.to_row() if self.constitution else None
        row |= {"seed": self.seed, "kind": self.kind}
        if self.rationale:
            row["rationale"] = self.rationale
        if self.error:
            row["error"] = self.error
        if self.review:
            row["review"] = self.review.to_row()
        return row | self.extra


_PAIR_FIELDS = {"id", "prompt", "response_a", "response_b", "chosen", "rejected", "label"}
_LABEL_FIELDS = {
    *("verdict", "p_a", "kind", "judge", "annotator", "p_raw", "orders", "offset", "flipped"),
    *("inconsistent", "mass", "votes", "method", "principles", "template", "constitution"),
    *("seed", "rationale", "error", "review"),
}


@dataclass(frozen=True)
class Round:
    """One critique under one principle (its key, or "whole"), and the rewritten response."""

    principle: str
    critique: str
    revision: str


@dataclass(frozen=True)
class Revision:
    """A prompt, the initial response, and the rounds that rewrote it."""

    id: str
    prompt: Chat
    initial: str
    rounds: tuple[Round, ...]
    model: str = ""
    constitution: ConstitutionRef | None = None
    seed: int | None = None
    error: str = ""
    extra: Row = field(default_factory=dict)

    @property
    def final(self) -> str:
        return self.rounds[-1].revision if self.rounds else self.initial

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = _object(row)
        chat = chat_from_row(row.get("prompt"))
        rounds = row.get("rounds") or []
        if not isinstance(rounds, list) or not all(isinstance(r, dict) for r in rounds):
            raise DataError("'rounds' must be a list of {principle, critique, revision}")
        known = {"id", "prompt", "initial", "rounds", "model", "constitution", "seed", "error"}
        return cls(
            id=str(row.get("id") or content_hash(chat_row(chat))),
            prompt=chat,
            initial=_text(row, "initial", needed=False),
            rounds=tuple(
                Round(*(_text(r, c, needed=False) for c in ("principle", "critique", "revision")))
                for r in rounds
            ),
            model=_text(row, "model", needed=False),
            constitution=ConstitutionRef.from_row(row.get("constitution")),
            seed=row.get("seed"),
            error=str(row.get("error") or ""),
            extra=_extra(row, known),
        )

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt), "initial": self.initial}
        row["rounds"] = [vars(r).copy() for r in self.rounds]
        row |= {"model": self.model, "seed": self.seed}
        row["constitution"] = self.constitution.to_row() if self.constitution else None
        if self.error:
            row["error"] = self.error
        return row | self.extra


@dataclass(frozen=True)
class Progress:
    """How far a stage is; `total` is 0 while it is not known."""

    done: int
    total: int
    tokens: int = 0
    cached: int = 0
    failed: int = 0


ProgressHook = Callable[[Progress], None]
StopHook = Callable[[], bool]
MetricHook = Callable[[int, Mapping[str, float]], None]  # (step, values)


def no_progress(progress: Progress) -> None:
    """Say nothing."""


def never_stop() -> bool:
    return False


def no_metric(step: int, values: Mapping[str, float]) -> None:
    """Keep nothing."""


@dataclass(frozen=True)
class Hooks:
    """What a stage tells and asks of whoever runs it; `should_stop` at least once a batch or step."""

    progress: ProgressHook = no_progress
    should_stop: StopHook = never_stop
    metric: MetricHook = no_metric


@dataclass(frozen=True)
class Sampling:
    """How a model writes. `temperature` 0 is greedy; `top_k` 0 and `top_p` 1 leave all tokens in.

    Defaults: temperature 1 as in CAI section 3.1; 256 tokens hold most hh answers.
    """

    max_new_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Completion:
    """One generated answer; `finished` is False when it was cut at `max_new_tokens`."""

    text: str
    tokens: int
    finished: bool
    prompt_tokens: int = 0
    cached: bool = False
