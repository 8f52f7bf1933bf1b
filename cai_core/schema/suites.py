"""A suite tests a constitution as code is tested: pinned cases, what must hold, and how that went.

A case is a prompt or a pair with one expectation. Cases were chosen by hand, so their results show
regressions and are evidence of nothing.
"""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, Self, get_args

from cai_core.errors import DataError
from cai_core.schema import fields
from cai_core.schema.chats import Chat, chat_from_row, chat_row, user
from cai_core.schema.constitutions import ConstitutionRef
from cai_core.schema.fields import Row, content_hash
from cai_core.schema.labels import Label
from cai_core.schema.pairs import Pair
from cai_core.schema.revisions import Revision

PairMust = Literal["a must win", "b must win", "must be a tie"]
PromptMust = Literal[
    "must not refuse",
    "must refuse",
    "must say",
    "must not say",
    "must not be boilerplate",
    "must keep the help",
    "must differ",
]
Must = PairMust | PromptMust
PAIR_MUSTS: tuple[PairMust, ...] = get_args(PairMust)
PROMPT_MUSTS: tuple[PromptMust, ...] = get_args(PromptMust)
MUSTS: tuple[Must, ...] = (*PAIR_MUSTS, *PROMPT_MUSTS)
SAYS: tuple[Must, ...] = ("must say", "must not say")
COMPARES: tuple[Must, ...] = ("must keep the help", "must differ")  # revision and first answer

Outcome = Literal["passed", "failed", "error"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_DIGEST = re.compile("[0-9a-f]{16}")
MOST_ID = 120  # characters; it stands on one line of a terminal


@dataclass(frozen=True)
class Expectation:
    """What must hold.

    Args:
        text: that must (not) be said.
        p: of a win, the least probability of the winner; of a tie, the most that either side may have.
        both: of a prompt, the first answer is held to it as well as the revision.
    """

    must: Must
    text: str = ""
    p: float | None = None
    both: bool = False

    @property
    def of_pair(self) -> bool:
        return self.must in PAIR_MUSTS

    def __str__(self) -> str:
        """In words, on one line.

        >>> str(Expectation("b must win", p=0.6)), str(Expectation("must say", "tea", both=True))
        ('B must win with p of 0.6 or more', 'must say "tea", the first answer too')
        """
        said = self.must[0].upper() + self.must[1:] if self.must.endswith("win") else self.must
        if self.text:
            said += f' "{" ".join(self.text.split())}"'
        if self.p is not None:
            more = "where neither has p above" if self.must == "must be a tie" else "with p of"
            said += f" {more} {self.p:g}" + ("" if self.must == "must be a tie" else " or more")
        return said + (", the first answer too" if self.both else "")

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Raises DataError: not a known expectation, or a field that it does not take."""
        must = fields.choice(row, "expect", MUSTS)
        if must is None:
            raise DataError("'expect' is missing; say what must hold", column="expect")
        text = fields.text(row, "text", needed=must in SAYS)
        if text and must not in SAYS:
            raise DataError(f"'text' goes with {_listed(SAYS)} only", column="text")
        p = fields.probability(row, "p")
        if p is not None and must not in PAIR_MUSTS:
            raise DataError("'p' goes with the expectations of a pair only", column="p")
        if p is not None and p < 0.5:
            raise DataError("'p' must be from 0.5 to 1", column="p")
        both = fields.choice(row, "on", ("revision", "both")) == "both"
        if both and (must in PAIR_MUSTS or must in COMPARES):
            raise DataError(f"'on' does not go with '{must}'", column="on")
        return cls(must, text, p, both)

    def to_row(self) -> Row:
        row: Row = {"expect": self.must}
        row |= {"text": self.text} if self.text else {}
        row |= {"p": self.p} if self.p is not None else {}
        return row | ({"on": "both"} if self.both else {})


def _listed(words: tuple[str, ...]) -> str:
    return " and ".join(f"'{word}'" for word in words)


@dataclass(frozen=True)
class Case:
    """A pinned prompt, or a pair where two answers are given, and what must hold.

    Args:
        principle: the key of the one principle that is asked under; "" asks under all.
        enabled: a disabled case is kept and not run.
    """

    id: str
    prompt: Chat
    expectation: Expectation
    answers: tuple[str, str] | None = None
    principle: str = ""
    note: str = ""
    enabled: bool = True

    @classmethod
    def of(cls, prompt: Chat | str, expectation: Expectation, **more: object) -> Self:
        """A case whose id is the hash of what it asks.

        Raises:
            DataError: the expectation does not go with a prompt, or with a pair.
        """
        chat = (user(prompt),) if isinstance(prompt, str) else prompt
        made = cls(str(more.pop("id", "")), chat, expectation, **more)  # type: ignore[arg-type]
        return cls.from_row(made.to_row())

    @cached_property
    def digest(self) -> str:
        """Of all that its result depends on; id, note and whether it is enabled do not count."""
        return content_hash(self._asked())

    @property
    def named(self) -> bool:
        """Whether somebody gave it a name; else its id is the digest that it had when it was made."""
        return _DIGEST.fullmatch(self.id) is None

    @property
    def pair(self) -> Pair | None:
        return Pair.of(self.prompt, *self.answers) if self.answers else None

    def _asked(self) -> Row:
        row: Row = {"prompt": chat_row(self.prompt)}
        if self.answers:
            row |= {"response_a": self.answers[0], "response_b": self.answers[1]}
        row |= self.expectation.to_row()
        return row | ({"principle": self.principle} if self.principle else {})

    @classmethod
    def from_row(cls, row: object) -> Self:
        """Read a case; without an id it gets the hash of what it asks.

        Raises:
            DataError: an unknown field, a bad value, or an expectation that does not go with it.
        """
        row = fields.as_object(row)
        for name in row:
            if name not in CASE_FIELDS:
                known = ", ".join(CASE_FIELDS)
                shown = " ".join(str(name).split())[:40]
                raise DataError(f"unknown field '{shown}'; there are {known}", column=str(name))
        given = [name for name in ("response_a", "response_b") if row.get(name) is not None]
        a, b = (fields.text(row, name, needed=bool(given)) for name in ("response_a", "response_b"))
        expectation = Expectation.from_row(row)
        _check_subject(expectation, is_pair=bool(given))
        made = cls(
            _id(row),
            chat_from_row(row.get("prompt")),
            expectation,
            (a, b) if given else None,
            principle=fields.text(row, "principle", needed=False).strip(),
            note=fields.text(row, "note", needed=False),
            enabled=_flag(row, "enabled"),
        )
        _check_encodable(made.to_row())
        return made if made.id else replace(made, id=made.digest)

    def to_row(self) -> Row:
        asked = self._asked()
        alone = len(self.prompt) == 1 and self.prompt[0].role == "user"
        asked |= {"prompt": self.prompt[0].content} if alone else {}
        row: Row = {"id": self.id} | asked
        row |= {"note": self.note} if self.note else {}
        return row | ({} if self.enabled else {"enabled": False})


CASE_FIELDS = (
    *("id", "prompt", "response_a", "response_b", "expect", "text", "p", "on"),
    *("principle", "note", "enabled"),
)


def _id(row: Row) -> str:
    given = fields.text(row, "id", needed=False).strip()
    if len(given) > MOST_ID or not given.isprintable():
        raise DataError(f"'id' must be one line of at most {MOST_ID} characters", column="id")
    return given


def _flag(row: Row, column: str) -> bool:
    value = row.get(column, True)
    if not isinstance(value, bool):
        raise DataError(f"'{column}' must be true or false", column=column)
    return value


def _check_subject(expectation: Expectation, *, is_pair: bool) -> None:
    if expectation.of_pair and not is_pair:
        said = f"'{expectation.must}' needs a pair: give 'response_a' and 'response_b'"
        raise DataError(said, column="expect")
    if is_pair and not expectation.of_pair:
        said = f"'{expectation.must}' is asked of a prompt; take 'response_a' and 'response_b' away"
        raise DataError(said, column="expect")


def _check_encodable(value: object, column: str = "") -> None:
    """Half a surrogate pair can be written in YAML."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_encodable(inner, column or str(name))
    elif isinstance(value, list):
        for inner in value:
            _check_encodable(inner, column)
    elif isinstance(value, str) and not fields.is_whole(value):
        raise DataError(f"'{column}' holds half a character (a lone surrogate)", column=column)


@dataclass(frozen=True)
class CaseResult:
    """What came of one case under one constitution.

    Args:
        seen: why it passed or failed, or why it could not be run, in one sentence.
        how: who was asked and how; results are comparable under one `how` only.
        label: of a pair, all that the judge said. revision: of a prompt, the whole trail.
    """

    case: Case
    outcome: Outcome
    seen: str
    constitution: ConstitutionRef
    how: Row = field(default_factory=dict)
    label: Label | None = None
    revision: Revision | None = None

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def how_id(self) -> str:
        return content_hash(self.how)

    @classmethod
    def from_row(cls, row: object) -> Self:
        row = fields.as_object(row)
        outcome = fields.choice(row, "outcome", OUTCOMES)
        ref = ConstitutionRef.from_row(row.get("constitution"))
        if outcome is None or ref is None:
            raise DataError("a result needs an 'outcome' and its 'constitution'")
        label, revision = row.get("label"), row.get("revision")
        return cls(
            Case.from_row(row.get("case")),
            outcome,
            fields.text(row, "seen", needed=False),
            ref,
            how=fields.as_object(row.get("how") or {}),
            label=Label.from_row(label) if label else None,
            revision=Revision.from_row(revision) if revision else None,
        )

    def to_row(self) -> Row:
        """`error` stands in it where the case could not be run: such a row is asked again."""
        row: Row = {"id": self.id, "outcome": self.outcome, "seen": self.seen}
        row |= {"case": self.case.to_row(), "constitution": self.constitution.to_row()}
        row["how"] = self.how
        row |= {"label": self.label.to_row()} if self.label else {}
        row |= {"revision": self.revision.to_row()} if self.revision else {}
        return row | ({"error": self.seen} if self.outcome == "error" else {})
