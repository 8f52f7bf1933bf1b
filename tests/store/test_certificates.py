"""Certificates and temperatures: logs of what somebody decided."""

import pytest
from sqlite_utils.utils import sqlite3

from cai_core.errors import DataError
from cai_core.store import certificates, labels, temperatures
from tests.store.rows import judgement, pair


def test_the_newest_certificate_of_a_subject_is_found(db):
    one = certificates.stamp(db, "judge:x", {"estimate": 0.7}, words="70%", person="Ada")
    certificates.stamp(db, "judge:y", {"estimate": 0.1}, words="10%", person="Ada")
    two = certificates.stamp(db, "judge:x", {"estimate": 0.8}, words="80%", person="Ben")
    assert certificates.newest(db, "judge:x") == two
    assert certificates.find(db, "judge:x") == [two, one]
    assert certificates.newest(db, "judge:z") is None
    assert (two.person, two.row, two.words) == ("Ben", {"estimate": 0.8}, "80%")


def test_a_certificate_that_is_stamped_twice_is_there_once(db):
    one = certificates.stamp(db, "judge:x", {"estimate": 0.7}, words="70%", person="Ada")
    assert certificates.stamp(db, "judge:x", {"estimate": 0.7}, words="70%", person="Ben") == one
    assert [row["what"] for row in db["audit"].rows] == ["stamp certificate"]


@pytest.mark.parametrize("table", ["certificates", "temperatures"])
@pytest.mark.parametrize("action", ["UPDATE {} SET person = 'x'", "DELETE FROM {}"])
def test_nothing_is_ever_changed(db, table, action):
    labels.add(db, judgement())
    certificates.stamp(db, "judge:x", {}, words="", person="Ada")
    temperatures.use(db, labels.judge_uses(db)[0], 2.0, n=50, person="Ada")
    with pytest.raises(sqlite3.IntegrityError, match="are a log"):
        db.conn.execute(action.format(table))


def test_the_last_temperature_counts_until_it_is_stopped(db):
    labels.add(db, judgement())
    labels.add(db, judgement(pair("q2"), template="other"))
    other, mine = labels.judge_uses(db)
    assert temperatures.standing(db, mine) is None
    temperatures.use(db, mine, 2.0, n=50, person="Ada")
    temperatures.use(db, mine, 3.0, n=60, person="Ben")
    found = temperatures.standing(db, mine)
    assert (found.value, found.n, found.person) == (3.0, 60, "Ben")
    assert temperatures.standing(db, other) is None
    temperatures.stop(db, mine, person="Ada")
    assert temperatures.standing(db, mine) is None


def test_a_temperature_must_be_above_nothing(db):
    labels.add(db, judgement())
    with pytest.raises(DataError, match="above 0"):
        temperatures.use(db, labels.judge_uses(db)[0], 0.0, n=50, person="Ada")
