"""Counts per stage, and the cycles."""

from dataclasses import replace
from pathlib import Path

from cai_core.schema import ConstitutionRef, Principle, Prompt
from cai_core.store import constitutions, datasets, labels, overview, prompts, revisions, work
from tests.store.rows import PAIR, REF, SHORT, judgement, pair, review, revision
from tests.store.test_work import ROW


def test_an_empty_workspace_counts_nothing(db):
    counts = overview.counts(db)
    assert (counts.versions, counts.pairs, counts.judged, counts.running) == (0, 0, 0, 0)
    assert (counts.datasets, counts.runs) == ({}, {})
    assert overview.cycles(db) == []


def test_counts_say_what_stands(db):
    constitutions.save(db, SHORT, author="Ada")
    prompts.add(db, [Prompt.of("one"), Prompt.of("two")], set_name="s")
    revisions.add(db, revision("one", error="timed out"), job="j")
    revisions.decide(db, revisions.add(db, revision("one"), job="j"), "keep", person="Ada")
    revisions.add(db, revision("two"), job="j")
    labels.add(db, judgement())
    labels.add(db, judgement(annotator="n"))
    labels.add(db, judgement(pair("other"), verdict=None, p_a=None))
    for choice, person in (("a", "Ada"), ("b", "Ada"), ("b", "Grace")):
        labels.add(db, labels.verdict_label(PAIR, choice, review=review(person)))
    undone = labels.add(db, labels.verdict_label(pair("other"), "a", review=review("Ada")))
    labels.undo(db, undone, who="Ada")
    datasets.add(db, Path("/d"), {"kind": "sft", "hash": "1"})
    for key, kind in (("1", "judge"), ("2", "sft"), ("3", "sft")):
        work.add(db, ROW | {"id": key, "kind": kind})
    work.move(db, "1", "starting")
    work.move(db, "2", "starting")
    work.move(db, "2", "succeeded")
    assert overview.counts(db) == overview.Counts(
        constitutions=1,
        versions=1,
        prompts=2,
        revisions=2,
        decided=1,
        pairs=2,
        judged=1,
        verdicts=2,
        reviewed=1,
        datasets={"sft": 1},
        runs={"sft": 1},
        running=1,
        queued=1,
    )


def test_a_cycle_counts_what_was_made_under_its_version(db):
    one = constitutions.save(db, SHORT, author="Ada")
    longer = replace(SHORT, principles=(*SHORT.principles, Principle("brief", "Be brief.")))
    two = constitutions.save(db, longer, author="Ada", parent=one.id)
    revisions.add_many(db, [revision("one"), revision("two")])
    labels.add(db, judgement())
    labels.add(db, judgement(constitution=two.ref))
    datasets.add(db, Path("/1"), {"kind": "sft", "hash": "1", "constitution": REF.to_row()})
    both = [REF.to_row(), two.ref.to_row()]
    datasets.add(db, Path("/2"), {"kind": "preference", "hash": "2", "constitutions": both})
    work.add(db, ROW | {"config": {"constitution": REF.to_row()}})
    work.move(db, "j", "starting")
    work.move(db, "j", "succeeded")
    newer, older = overview.cycles(db)
    assert newer.version == two
    assert (newer.revisions, newer.judged, newer.runs) == (0, 1, {})
    assert newer.datasets == {"preference": 1}
    assert older.version == one
    assert (older.revisions, older.judged, older.runs) == (2, 1, {"judge": 1})
    assert older.datasets == {"sft": 1, "preference": 1}


def test_versions_that_nothing_was_made_under_are_left_out_but_the_newest(db):
    parent = None
    for n in range(3):
        more = (*SHORT.principles, Principle(f"p{n}", "More."))
        saved = constitutions.save(db, replace(SHORT, principles=more), author="Ada", parent=parent)
        parent = saved.id
    assert [cycle.version.number for cycle in overview.cycles(db)] == [3]


def test_a_draft_has_no_cycle(db):
    labels.add(db, judgement(constitution=ConstitutionRef("draft", "f" * 12)))
    assert overview.cycles(db) == []


def test_a_restored_version_does_not_count_twice(db):
    one = constitutions.save(db, SHORT, author="Ada")
    other = replace(SHORT, principles=SHORT.principles[:1])
    two = constitutions.save(db, other, author="Ada", parent=one.id)
    constitutions.save(db, SHORT, author="Ada", parent=two.id)
    labels.add(db, judgement())
    found = overview.cycles(db)
    assert sum(cycle.judged for cycle in found) == 1
    assert found[0].version.number == 3
