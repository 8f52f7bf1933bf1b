"""What stands on given pairs in few words, for labels that are to be merged with it."""

import json
from collections.abc import Sequence

from sqlite_utils import Database

from cai_core.schema import Row, Said
from cai_core.store.database import rows

_SQL = """SELECT p.identity, a.text > b.text AS turned, n.kind, n.annotator, n.constitution, n.method,
        n.principles, n.template, s.verdict, s.p
    FROM json_each(?) j JOIN pairs p ON p.identity = j.value JOIN standing s ON s.pair = p.seq
        JOIN annotators n ON n.id = s.annotator JOIN texts a ON a.id = p.a JOIN texts b ON b.id = p.b"""


def said_on(db: Database, identities: Sequence[str]) -> list[Said]:
    """Of pairs with these identities, the newest standing label of each annotator and setting."""
    return [_said(row) for row in rows(db, _SQL, [json.dumps(list(identities))])]


def _said(row: Row) -> Said:
    setting = ""
    if row["kind"] == "judge":
        parts = ("constitution", "method", "principles", "template")
        setting = "/".join(row[part] for part in parts)
    return Said.of_values(
        row["identity"],
        (row["kind"], row["annotator"], setting),
        verdict=row["verdict"],
        p_a=row["p"],
        turned=bool(row["turned"]),
    )
