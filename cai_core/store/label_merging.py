"""What stands on given pairs in few words, for labels that are to be merged with it."""

import json
from collections.abc import Sequence

from sqlite_utils import Database

from cai_core.schema import Row, Said
from cai_core.store.database import rows

_SQL = """SELECT p.identity, a.text > b.text AS turned, l.kind, l.annotator, l.verdict, l.p_a,
        l.constitution_hash, l.method, l.principles, l.template
    FROM json_each(?) given JOIN pairs p ON p.identity = given.value JOIN labels l ON l.pair = p.id
        JOIN texts a ON a.id = p.a JOIN texts b ON b.id = p.b
    WHERE NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id) ORDER BY l.seq"""


def said_on(db: Database, identities: Sequence[str]) -> list[Said]:
    """Of pairs with these identities, the newest standing label of each annotator and setting."""
    newest: dict[tuple[str, ...], Said] = {}
    for row in rows(db, _SQL, [json.dumps(list(identities))]):
        said = _said(row)
        newest[said.key] = said
    return list(newest.values())


def _said(row: Row) -> Said:
    setting = ""
    if row["kind"] == "judge":
        parts = (row["constitution_hash"], row["method"], row["principles"], row["template"])
        setting = "/".join(part or "" for part in parts)
    return Said.of_values(
        row["identity"],
        (row["kind"], row["annotator"], setting),
        verdict=row["verdict"],
        p_a=row["p_a"],
        turned=bool(row["turned"]),
    )
