"""What was made under a version, and that such a version neither changes nor vanishes."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.store import constitutions, datasets, labels, revisions, uses, work
from cai_core.store.uses import Use
from tests.store.rows import PAIR, REF, SHORT, judgement, pair, revision
from tests.store.test_work import ROW

OTHER = replace(SHORT, name="other")


def test_a_version_that_nothing_was_made_under_is_not_in_use(db):
    constitutions.save(db, SHORT, author="Ada")
    assert uses.of_hashes(db, [SHORT.hash]) == {SHORT.hash: Use()}


def test_labels_revisions_datasets_and_runs_are_counted_by_hash(db):
    constitutions.save(db, SHORT, author="Ada")
    labels.add(db, judgement())
    undone = labels.add(db, judgement(pair("other")))
    labels.undo(db, undone, who="Ada")
    revisions.add(db, revision("one"))
    here = {"constitution": REF.to_row()}
    datasets.add(db, Path("/d"), {"kind": "sft", "hash": "1", **here})
    both = {"constitutions": [REF.to_row()]}
    datasets.add(db, Path("/e"), {"kind": "preference", "hash": "2", **both})
    work.add(db, ROW | {"id": "1", "config": here})
    found = uses.of_hashes(db, [SHORT.hash, OTHER.hash])
    assert found == {SHORT.hash: Use(labels=2, revisions=1, datasets=2, runs=1), OTHER.hash: Use()}


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE versions SET content = '{}'",
        "UPDATE versions SET hash = ''",
        "DELETE FROM versions",
        "DELETE FROM constitutions",
        "UPDATE constitutions SET name = 'x'",
    ],
)
def test_a_version_in_use_neither_changes_nor_vanishes(db, sql):
    saved = constitutions.save(db, SHORT, author="Ada")
    labels.add(db, judgement(PAIR))
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(sql)
    assert constitutions.get(db, saved.id) == saved
