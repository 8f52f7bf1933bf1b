"""Labels of a file become probabilities: judges calibrated by people, people trusted as far as they agree."""

import random

import pytest

from cai_core.cli.preference_labels import preference_labels
from cai_core.schema import Label
from tests.cli.test_dataset import dataset_rows, label_row, manifest, run, write


def review(who, **more):
    return {"blind": True, "queue": "even", "pi": 0.5, "reviewer": who, "first": True} | more


def person_row(i, verdict, who, **more):
    p_a = {"a": 1.0, "b": 0.0}.get(verdict)
    return label_row(i, verdict, p_a, kind="person", judge=who, review=review(who, **more))


def overconfident(n, right=0.7, seed=0):
    """A judge that says 0.98 and is right in 70 of 100, each pair read blind by Ada."""
    chance = random.Random(seed)
    said = ["a" if chance.random() < right else "b" for _ in range(n)]
    return [
        row
        for i, verdict in enumerate(said)
        for row in (label_row(i, "a", 0.98), person_row(i, verdict, "Ada"))
    ]


def labels_of(rows):
    return [Label.from_row(row) for row in rows]


def test_a_judge_is_calibrated_by_the_blind_verdicts_in_its_file_from_fifty_on():
    rows = [*overconfident(60), label_row(900, "a", 0.98)]
    found = preference_labels(labels_of(rows))
    assert found.pairs[-1].source == "judge"
    assert 0.6 < found.pairs[-1].p_a < 0.8
    assert found.pairs[-1].p_judge == found.pairs[-1].p_a
    people = found.pairs[0]
    assert people.p_a in (0.0, 1.0)
    assert 0.6 < people.p_judge < 0.8
    assert "m's log-odds are divided by" in found.said["calibration"]["words"]
    few = preference_labels(labels_of(rows[:80]))
    assert few.said["calibration"]["words"] == (
        "not calibrated: 40 pairs with a judgement and a first blind verdict, and 50 are needed"
    )
    assert few.pairs[0].p_judge == 0.98


def test_verdicts_with_the_judgement_in_sight_calibrate_nothing():
    rows = overconfident(60)
    for row in rows[1::2]:
        row["review"] = review("Ada", blind=False)
    assert not preference_labels(labels_of(rows)).calibration.temperatures


def test_each_judge_setting_has_its_own_temperature():
    rows = overconfident(60) + [label_row(i, "a", 0.6, judge="other") for i in range(500, 510)]
    found = preference_labels(labels_of(rows))
    assert len(found.calibration.temperatures) == 1
    assert {pair.p_a for pair in found.pairs if pair.judge == "other"} == {0.6}
    assert "not calibrated: 0 pairs" in found.calibration.sentence


def test_the_manifest_says_which_temperature_or_why_none(tmp_path):
    rows = [*overconfident(60), label_row(900, "a", 0.98)]
    labels = write(tmp_path / "l.jsonl", rows)
    made = {}
    for name, option in (("auto", []), ("off", ["--no-calibrate"])):
        done = run(
            "build", "--kind", "preference", "--labels", labels, *option, "--out", tmp_path / name
        )
        assert done.exit_code == 0, done.stderr
        made[name] = manifest(tmp_path / name)["labels"]["calibration"]
    (setting,) = made["auto"]["settings"]
    assert (setting["judge"], setting["reviewed"]) == ("m", 60)
    assert setting["temperature"]["value"] > 2
    assert made["off"]["words"] == "not calibrated: it was not asked for"
    assert "m's log-odds are divided by" in run("show", tmp_path / "auto").stdout
    assert [
        r["p_judge"] for r in dataset_rows(tmp_path / "off") if r["labelled_by"] == "judge"
    ] == [0.98]


def test_calibration_that_is_asked_for_and_cannot_be_had_is_refused(tmp_path):
    labels = write(tmp_path / "l.jsonl", overconfident(5))
    done = run(
        "build", "--kind", "preference", "--labels", labels, "--calibrate", "--out", tmp_path / "d"
    )
    assert done.exit_code == 1
    assert "5 pairs with a judgement and a first blind verdict, and 10 are needed" in done.stderr
    assert not (tmp_path / "d").exists()
    done = run(
        "build", "--kind", "prompts", "--prompts", labels, "--calibrate", "--out", tmp_path / "d"
    )
    assert done.exit_code == 2


def read_twice(n, agree, seed=0):
    """n pairs that Ada and Bob read blind, of which the first `agree` they agree on."""
    return [
        row
        for i in range(n)
        for row in (person_row(i, "a", "Ada"), person_row(i, "a" if i < agree else "b", "Bob"))
    ]


def test_a_person_counts_as_far_as_two_of_them_agree():
    rows = [*read_twice(60, 45), person_row(200, "b", "Ada")]
    found = preference_labels(labels_of(rows))
    r = found.reliability.used
    assert r == pytest.approx(0.85, abs=0.02)
    assert found.pairs[-1].p_a == pytest.approx(1 - r)
    both = found.pairs[0].p_a
    assert both == pytest.approx(r * r / (r * r + (1 - r) ** 2))


def test_people_who_were_not_measured_count_as_certain_and_the_manifest_says_so(tmp_path):
    labels = write(tmp_path / "l.jsonl", [*read_twice(12, 12), label_row(100)])
    helpful = write(tmp_path / "h.jsonl", read_twice(40, 30))
    done = run(
        "build", "--kind", "preference", "--labels", labels, "--helpful", helpful,
        "--out", tmp_path / "d",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    said = manifest(tmp_path / "d")["labels"]
    assert (
        "not measured (12 pairs read by two people, 0 twice by one; 30"
        in said["reliability"]["words"]
    )
    assert said["reliability"]["used"] is None
    assert said["helpful"]["reliability"]["used"] == pytest.approx(0.85, abs=0.03)
    rows = dataset_rows(tmp_path / "d")
    assert {r["p_chosen"] for r in rows if r["source"] == "harmless"} == {1.0, 0.9}
    assert all(0.9 < r["p_chosen"] < 1 for r in rows if r["source"] == "helpful")
    assert manifest(tmp_path / "d")["sources"] == {"harmless": 13, "helpful": 30}


def test_people_who_agree_by_chance_teach_nothing():
    found = preference_labels(labels_of([*read_twice(60, 30), person_row(200, "b", "Ada")]))
    made = found.rows()
    assert made.dropped == {"disputed": 30, "no better than chance": 31}


def test_the_verdict_beside_a_judgement_is_its_reviewers():
    row = label_row(0, "a", 0.9, label="b", review=review("Ada"))
    (pair,) = preference_labels([Label.from_row(row)]).pairs
    assert (pair.source, pair.p_a, pair.p_judge) == ("people", 0.0, 0.9)
