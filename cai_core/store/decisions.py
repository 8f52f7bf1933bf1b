"""What people decided on rows of one kind, revisions or helpful answers: an append-only log of each."""

from dataclasses import dataclass
from typing import Literal

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import Row, content_hash
from cai_core.store import undos
from cai_core.store.database import first, insert, now, rows, write_tx

Decision = Literal["keep", "drop", "correct", "skip"]
DECISIONS: tuple[Decision, ...] = ("keep", "drop", "correct", "skip")


@dataclass(frozen=True)
class DecisionEvent:
    """What one person decided on a row; `text` is the corrected answer under "correct"."""

    id: str
    row: str
    person: str
    verdict: Decision
    text: str
    note: str
    created: str
    undone: bool = False


@dataclass(frozen=True)
class DecisionLog:
    """One table of decisions; `column` names the row that each is about."""

    table: str
    column: str

    def append(
        self, db: Database, row_id: str, verdict: Decision, *, person: str, text: str, note: str
    ) -> str:
        """Append a decision; its id. The newest standing one counts, whoever gave it.

        Raises:
            DataError: no such decision, a correction without text, or no name.
        """
        if verdict not in DECISIONS:
            raise DataError(f"a decision is one of {', '.join(DECISIONS)}, not '{verdict}'")
        if verdict == "correct" and not text.strip():
            raise DataError("the corrected response is empty; write it, or keep or drop the row")
        if not person.strip():
            raise DataError("a decision needs a name; give yours first")
        row: Row = {self.column: row_id, "person": person, "verdict": verdict, "text": text}
        row |= {"note": note, "created": now()}
        row["id"] = content_hash(row)
        with write_tx(db):
            insert(db, self.table, row)
        return str(row["id"])

    def undo(self, db: Database, decision_id: str, *, who: str) -> None:
        """Append an undo: the decision stands no more, what stood before it does again."""
        undos.append(db, self.table, target=decision_id, who=who, what="decision")

    def history(self, db: Database, row_id: str) -> list[DecisionEvent]:
        """Every decision on a row, newest first, undone ones too."""
        sql = f"{self._select} WHERE d.{self.column} = ? ORDER BY d.seq DESC"
        return [_event(row) for row in rows(db, sql, [row_id])]

    def last_of(self, db: Database, person: str) -> DecisionEvent | None:
        """The newest standing decision of a person: what an undo button undoes."""
        sql = f"{self._select} WHERE d.person = ? AND NOT {UNDONE} ORDER BY d.seq DESC LIMIT 1"
        row = first(db, sql, [person])
        return _event(row) if row else None

    def standing(self, db: Database) -> dict[str, DecisionEvent]:
        """The newest standing decision on each row, by row."""
        sql = f"{self._select} WHERE NOT {UNDONE} ORDER BY d.seq"
        return {row["row"]: _event(row) for row in rows(db, sql)}

    @property
    def _select(self) -> str:
        return f"""SELECT d.id, d.{self.column} AS row, d.person, d.verdict, d.text, d.note, d.created,
            {UNDONE} AS undone FROM {self.table} d"""


UNDONE = "EXISTS (SELECT 1 FROM undos u WHERE u.target = d.id)"


def _event(row: Row) -> DecisionEvent:
    return DecisionEvent(**row | {"undone": bool(row["undone"])})
