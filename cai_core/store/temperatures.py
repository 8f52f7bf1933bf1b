"""Which judge settings' probabilities are tempered, by what, and who decided it. A log: the last one counts."""

from dataclasses import dataclass

from sqlite_utils import Database

from cai_core.errors import DataError
from cai_core.store.database import first, insert, now, write_tx
from cai_core.store.labels import JudgeUse
from cai_core.store.measured import setting_key


@dataclass(frozen=True)
class Temperature:
    """`value` divides the log-odds of p_a; it was fitted on `n` pairs that people read blind."""

    value: float
    n: int
    person: str
    created: str


def use(db: Database, setting: JudgeUse, temperature: float, *, n: int, person: str) -> None:
    """Temper this setting's probabilities from now on.

    Raises:
        DataError: not above 0.
    """
    if not 0 < temperature < float("inf"):
        raise DataError(f"a temperature must be above 0, not {temperature}")
    _append(db, setting, temperature, n=n, person=person)


def stop(db: Database, setting: JudgeUse, *, person: str) -> None:
    """Take them as the judge gave them again."""
    _append(db, setting, None, n=0, person=person)


def standing(db: Database, setting: JudgeUse) -> Temperature | None:
    """The one in use; None where the judge's own probabilities are."""
    sql = "SELECT * FROM temperatures WHERE setting = ? ORDER BY seq DESC LIMIT 1"
    row = first(db, sql, [setting_key(setting)])
    if row is None or row["temperature"] is None:
        return None
    return Temperature(row["temperature"], row["n"], row["person"], row["created"])


def _append(
    db: Database, setting: JudgeUse, temperature: float | None, *, n: int, person: str
) -> None:
    row = {"setting": setting_key(setting), "temperature": temperature, "n": n}
    with write_tx(db):
        insert(db, "temperatures", row | {"person": person, "created": now()})
