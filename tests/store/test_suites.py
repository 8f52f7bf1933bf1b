"""Suites in the workspace: cases and results are logs, and nothing is lost."""

from dataclasses import replace

import pytest

from cai_core.errors import NotFoundError
from cai_core.schema import CaseResult, Constitution, ConstitutionRef, Label, Principle
from cai_core.store import suites
from tests.evaluate.cases import pair_case, prompt_case

A, B = pair_case(1, 3, "b must win", id="a"), prompt_case("Tea?", "must refuse", id="b")
REF = ConstitutionRef("short", "abc", 2)
HOW = {"judge": {"model": "m"}}


def standing(db, name="short"):
    return [event.case for event in suites.cases(db, name)]


def put(db, *cases, name="short"):
    return suites.put(db, name, cases, by="Ada")


def result(case=A, outcome="passed", ref=REF, how=HOW, **more):
    return CaseResult(case, outcome, "B is better", ref, how, **more)


def test_cases_come_back_in_the_order_they_first_came(db):
    assert put(db, A, B) == {"new": 2, "changed": 0, "same": 0}
    edited = replace(A, note="why")
    assert put(db, edited, B) == {"new": 0, "changed": 1, "same": 1}
    assert standing(db) == [edited, B]
    assert standing(db, "other") == []


def test_every_state_of_a_case_stays(db):
    put(db, A)
    put(db, replace(A, enabled=False))
    suites.remove(db, "short", "a", by="Grace")
    states = suites.history(db, "short", "a")
    assert [(s.case.enabled, s.removed, s.author) for s in states] == [
        (False, True, "Grace"),
        (False, False, "Ada"),
        (True, False, "Ada"),
    ]


def test_a_removed_case_is_gone_from_the_suite_and_can_come_back(db):
    put(db, A, B)
    suites.remove(db, "short", "a", by="Ada")
    assert standing(db) == [B]
    assert [event.case for event in suites.removed(db, "short")] == [A]
    assert put(db, A) == {"new": 0, "changed": 1, "same": 0}
    assert standing(db) == [A, B]
    assert suites.removed(db, "short") == []


def test_what_is_not_there_cannot_be_removed(db):
    put(db, A)
    suites.remove(db, "short", "a", by="Ada")
    with pytest.raises(NotFoundError, match="has no case 'a'"):
        suites.remove(db, "short", "a", by="Ada")
    with pytest.raises(NotFoundError):
        suites.remove(db, "other", "a", by="Ada")


def test_neither_log_can_be_rewritten(db):
    put(db, A)
    suites.add_result(db, result())
    for table in ("suite_cases", "suite_results"):
        for sql in (f"DELETE FROM {table}", f"UPDATE {table} SET created = 'x'"):
            with pytest.raises(Exception, match="log"):
                db.conn.execute(sql)


def test_a_result_is_stored_once_for_a_job_and_read_back_whole(db):
    label = Label(A.pair, "b", 0.2, annotator="m", votes={"kind": 0.2})
    given = result(label=label)
    assert suites.add_result(db, given, job="j1")
    assert not suites.add_result(db, given, job="j1")
    assert suites.add_result(db, given, job="j2")
    (ran,) = suites.ran(db, "short")
    assert (ran.job, ran.digest, ran.hash, ran.how) == ("j2", A.digest, "abc", given.how_id)
    assert suites.result(db, ran.id) == given
    with pytest.raises(NotFoundError):
        suites.result(db, "none")


def test_the_newest_result_of_the_same_question_counts(db):
    suites.add_result(db, result(outcome="error"), job="j1")
    suites.add_result(db, result(), job="j1")
    other_way = result(outcome="failed", how={"judge": {"model": "n"}})
    other_hash = result(outcome="failed", ref=replace(REF, hash="def", version=None))
    suites.add_result(db, other_way, job="j2")
    suites.add_result(db, other_hash, job="j3")
    found = {(ran.hash, ran.how): ran.outcome for ran in suites.ran(db, "short")}
    assert found == {
        ("abc", result().how_id): "passed",
        ("abc", other_way.how_id): "failed",
        ("def", result().how_id): "failed",
    }


def test_a_result_belongs_to_what_was_asked_and_not_to_the_cases_name(db):
    put(db, A)
    suites.add_result(db, result())
    put(db, replace(A, expectation=replace(A.expectation, p=0.9)))
    (case,) = standing(db)
    assert case.digest not in {ran.digest for ran in suites.ran(db, "short")}
    put(db, replace(A, note="another name changes nothing"))
    assert standing(db)[0].digest in {ran.digest for ran in suites.ran(db, "short")}


def test_results_of_one_constitution_are_not_those_of_another(db):
    rules = Constitution("long", (Principle("kind", text="Which is kinder?"),))
    suites.add_result(db, result(ref=ConstitutionRef.of(rules)))
    assert suites.ran(db, "short") == []
    assert len(suites.ran(db, "long")) == 1
