"""What people decided on helpful answers: keep, reject or correct. An append-only log.

The answers themselves stand in files that ship or are given; one is known by its id, which is a hash of
its prompt and its text.
"""

from sqlite_utils import Database

from cai_core.store.decisions import Decision, DecisionEvent, DecisionLog

_LOG = DecisionLog("helpful_decisions", "answer")

undo = _LOG.undo
history = _LOG.history
last_of = _LOG.last_of


def decide(
    db: Database, answer_id: str, verdict: Decision, *, person: str, text: str = "", note: str = ""
) -> str:
    """Append a decision; its id. The newest standing one on an answer counts.

    Raises:
        DataError: no such decision, a correction without text, or no name.
    """
    return _LOG.append(db, answer_id, verdict, person=person, text=text, note=note)


def decisions(db: Database) -> dict[str, DecisionEvent]:
    """The newest standing decision on each answer, by the answer's id."""
    return _LOG.standing(db)
