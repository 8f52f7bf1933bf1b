"""Corrections: the answer that would have been right, written by a person. An append-only log.

One enters the supervised data as it is, and the preference data as better than both answers of its
pair. It says nothing of which of these two is better, and measures nothing.
"""

from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.schema import CORRECTED, HUMAN_P, Label, Pair, Review, Row, Verdict, content_hash
from cai_core.store import pairs, undos
from cai_core.store.database import first, insert, now, rows, write_tx
from cai_core.store.pairs import PairFilter, StoredPair


@dataclass(frozen=True)
class Correction:
    """What one person wrote in place of both answers of a pair."""

    id: str
    pair: StoredPair
    person: str
    text: str
    created: str

    @property
    def labels(self) -> tuple[Label, Label]:
        """Against either answer: verdicts of the writer in the queue "corrected", not blind."""
        there = self.pair.pair
        return self._against(there.response_a), self._against(there.response_b)

    def _against(self, answer: str) -> Label:
        """The correction against one answer; its side is the parity of the new pair's id."""
        pair = Pair.of(self.pair.pair.prompt, self.text, answer)
        verdict: Verdict = "a" if int(pair.id, 16) % 2 == 0 else "b"
        return Label(
            pair=pair if verdict == "a" else pair.swapped(),
            verdict=verdict,
            p_a=HUMAN_P[verdict],
            kind="person",
            annotator=self.person,
            review=Review(False, CORRECTED, None, self.person, first=False),
            extra={"split": self.pair.split, "corrects": self.pair.id},
        )


def add(db: Database, pair_id: str, text: str, *, person: str) -> str:
    """Append a correction; its id. A person's newest standing one on a pair counts.

    Raises:
        NotFoundError: no such pair. DataError: no text, or no name.
    """
    if not text.strip():
        raise DataError("the corrected answer is empty; write it, or leave the pair as it is")
    if not person.strip():
        raise DataError("a correction needs a name; give yours first")
    with write_tx(db):
        pairs.get(db, pair_id)
        row: Row = {"pair": pair_id, "person": person, "text": text, "created": now()}
        row["id"] = content_hash(row)
        insert(db, "corrections", row)
        return str(row["id"])


def undo(db: Database, correction_id: str, *, who: str) -> None:
    """Append an undo: the correction stands no more, what this person wrote before it does again.

    Raises:
        NotFoundError: no such correction. DataError: it was undone already.
    """
    undos.append(db, "corrections", target=correction_id, who=who, what="correction")


_STANDS = "NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = c.id)"
_SELECT = f"""SELECT c.id AS c_id, c.person, c.text, c.created, {pairs.COLUMNS}
    FROM corrections c JOIN pairs p ON p.id = c.pair {pairs.TEXTS}"""
_NEWEST = f"""c.seq IN (SELECT max(c.seq) FROM corrections c WHERE {_STANDS}
    GROUP BY c.pair, c.person)"""


def standing(db: Database, where: PairFilter | None = None) -> list[Correction]:
    """Each person's newest standing correction of each pair that passes the filter, oldest first."""
    clause, params = pairs.clause_of(where or PairFilter())
    sql = f"""{_SELECT} WHERE {_NEWEST}
        AND p.seq IN (SELECT s.pair FROM pair_states s WHERE {clause}) ORDER BY c.seq"""
    return [_correction(row) for row in rows(db, sql, params)]


def of_pair(db: Database, pair_id: str) -> list[Correction]:
    """The standing corrections of one pair."""
    sql = f"{_SELECT} WHERE c.pair = ? AND {_NEWEST} ORDER BY c.seq"
    return [_correction(row) for row in rows(db, sql, [pair_id])]


def last_of(db: Database, person: str) -> Correction | None:
    """The newest standing correction of a person: what an undo key undoes."""
    sql = f"{_SELECT} WHERE c.person = ? AND {_STANDS} ORDER BY c.seq DESC LIMIT 1"
    row = first(db, sql, [person])
    return _correction(row) if row else None


def count(db: Database) -> int:
    """How many corrections stand."""
    sql = f"SELECT count(*) FROM corrections c WHERE {_NEWEST}"
    return int(db.conn.execute(sql).fetchone()[0])


def _correction(row: Row) -> Correction:
    return Correction(
        row["c_id"], pairs.stored_pair(row), row["person"], row["text"], row["created"]
    )
