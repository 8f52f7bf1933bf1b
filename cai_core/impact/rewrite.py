"""One first answer, revised under both versions of a constitution."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from cai_core.schema import Chat, Label, Round, Row, Verdict, chat_from_row, chat_row, content_hash

Version = Literal["old", "new"]
VERSIONS: tuple[Version, ...] = ("old", "new")
Standard = Literal[
    "old", "new", "both"
]  # the version that a judge judges by; both where they agree
STANDARDS: tuple[Standard, ...] = ("old", "new", "both")


@dataclass(frozen=True)
class Rewrite:
    """A prompt, its first answer, and what each version made of it; None where a revision failed.

    `labels` has a judgement of the two revisions by standard, with sides as the judge saw them;
    `left_out` says why there is none. `error` is the reason of whatever failed.
    """

    id: str
    prompt: Chat
    initial: str
    old: Round | None
    new: Round | None
    labels: Mapping[Standard, Label] = field(default_factory=dict)
    left_out: str = ""
    error: str = ""

    @property
    def revisions(self) -> tuple[str, str] | None:
        """(old, new); None where one failed."""
        return (
            None if self.old is None or self.new is None else (self.old.revision, self.new.revision)
        )

    @property
    def prompt_id(self) -> str:
        """Rows of one prompt are one draw."""
        return content_hash(chat_row(self.prompt))

    def to_row(self) -> Row:
        row: Row = {"id": self.id, "prompt": chat_row(self.prompt), "initial": self.initial}
        row |= {name: _round_row(made) for name, made in (("old", self.old), ("new", self.new))}
        row["labels"] = {name: _label_row(label) for name, label in self.labels.items()}
        row |= {"left_out": self.left_out} if self.left_out else {}
        return row | ({"error": self.error} if self.error else {})

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Read what `to_row` wrote."""
        made = {name: Round.from_row(row[name]) if row[name] else None for name in VERSIONS}
        labels = {
            name: Label.from_row({**row["labels"][name], "prompt": row["prompt"]})
            for name in STANDARDS
            if name in row["labels"]
        }
        return cls(
            row["id"],
            chat_from_row(row["prompt"]),
            row["initial"],
            made["old"],
            made["new"],
            labels,
            row.get("left_out", ""),
            row.get("error", ""),
        )


def _round_row(made: Round | None) -> Row | None:
    return made.to_row() if made else None


def _label_row(label: Label) -> Row:
    """Without the conversation, which stands beside it."""
    return {name: value for name, value in label.to_row().items() if name != "prompt"}


def for_new(verdict: Verdict | None, new_side: str) -> Verdict | None:
    """A verdict with the new revision as A.

    >>> for_new("b", "b"), for_new("b", "a"), for_new("tie", "b"), for_new(None, "b")
    ('a', 'b', 'tie', None)
    """
    other: dict[Verdict, Verdict] = {"a": "b", "b": "a"}
    if verdict is None or new_side == "a":
        return verdict
    return other.get(verdict, verdict)
