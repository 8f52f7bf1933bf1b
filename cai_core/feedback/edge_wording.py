"""How a model is asked for an edge case: the shipped wording, worked examples, and people's prompts.

The wording stands in data/templates/edge_cases.yaml. The answer is begun with the first words of a
message: a small model then writes a message and not about one, and ten beginnings a kind keep the
messages apart.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ruamel.yaml import YAML

from cai_core.feedback.comparison import comparison_question
from cai_core.schema import Chat, Principle, Row, assistant, user
from cai_core.settings import DATA_DIR

Kind = Literal["collide", "ambiguous", "looks-unsafe"]
KINDS: tuple[Kind, ...] = ("collide", "ambiguous", "looks-unsafe")


@dataclass(frozen=True)
class KindWording:
    """What is asked for, and how the message may begin."""

    ask: str
    openings: tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """The shipped texts; `version` stands in every prompt that was made with them."""

    version: str
    one_rule: str
    two_rules: str
    seeds: str
    request: str
    kinds: Mapping[str, KindWording]


@dataclass(frozen=True)
class Worked:
    """A shipped example of a kind; `principles` are keys of the shipped constitution `general`."""

    kind: Kind
    principles: tuple[str, ...]
    prompt: str


@dataclass(frozen=True)
class Request:
    """One edge case that is to be written: of which kind, under what, shown what, begun how."""

    kind: Kind
    principles: tuple[Principle, ...]
    seeds: tuple[str, ...]
    examples: tuple[Worked, ...]
    opening: str


@lru_cache(maxsize=1)
def wording() -> Wording:
    path = DATA_DIR / "templates" / "edge_cases.yaml"
    row: Row = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    kinds = {
        name: KindWording(kind["ask"], tuple(kind["openings"]))
        for name, kind in row.pop("kinds").items()
    }
    return Wording(kinds=kinds, **row)


@lru_cache(maxsize=1)
def worked() -> tuple[Worked, ...]:
    """The shipped examples of every kind, in their order."""
    text = (DATA_DIR / "fewshot" / "edge_cases.jsonl").read_text(encoding="utf-8")
    rows: list[Row] = [json.loads(line) for line in text.splitlines() if line.strip()]
    return tuple(Worked(row["kind"], tuple(row["principles"]), row["prompt"]) for row in rows)


def request_text(request: Request) -> str:
    """What the model reads."""
    texts = wording()
    asked = texts.request.format(
        rules=_rules(request.principles),
        ask=texts.kinds[request.kind].ask,
        examples=_numbered([example.prompt for example in request.examples]),
        opening=request.opening,
    )
    if not request.seeds:
        return asked
    lines = "\n".join(f"- {one_line(text)}" for text in request.seeds)
    return f"{texts.seeds.format(lines=lines)}\n\n{asked}"


def request_chat(request: Request) -> Chat:
    """The request, and the answer begun with its opening."""
    return (user(request_text(request)), assistant(request.opening))


def one_line(text: str) -> str:
    return " ".join(text.split())


def _rules(principles: Sequence[Principle]) -> str:
    questions = [comparison_question(principle) for principle in principles]
    if len(questions) == 1:
        return wording().one_rule.format(first=questions[0])
    return wording().two_rules.format(first=questions[0], second=questions[1])


def _numbered(texts: Sequence[str]) -> str:
    return "\n".join(f"{place}. {text}" for place, text in enumerate(texts, start=1))
