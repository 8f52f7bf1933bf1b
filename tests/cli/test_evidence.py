"""`evaluate evidence` as a command: file to file, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from cai_core.cli.evidence import table_of
from cai_core.cli.main import main
from cai_core.schema import Constitution, ConstitutionRef, Label, Pair, Principle, Review, user
from cai_core.stats import sigmoid
from cai_core.text import in_locked_half, split_of

RULES = Constitution("rules", (Principle("true", "More true?"), Principle("kind", "Kinder?")))


QUESTIONS = [f"Question {i}?" for i in range(600)]
OPEN = [question for question in QUESTIONS if not in_locked_half(question)]
LOCKED = [question for question in QUESTIONS if in_locked_half(question)]


def labels(n=150, *, questions=OPEN, **more):
    """People follow `true`; `kind` is noise."""
    chance = np.random.default_rng(0)
    rows = []
    for i in range(n):
        true, kind = chance.normal(size=2)
        p = float(sigmoid((true + kind) / 2))
        pair = Pair.of((user(questions[i]),), "So it is. " * (1 + i % 5), f"Or {i}.")
        given = {
            "annotator": "m",
            "method": "logprob",
            "principles": "each",
            "template": "compare-1",
        }
        given |= {"constitution": ConstitutionRef.of(RULES)} | more
        made = Label(
            pair, "a" if p > 0.5 else "b", p, p_raw=p,
            votes={"true": float(sigmoid(true)), "kind": float(sigmoid(kind))}, **given,
        )  # fmt: skip
        rows.append(made.to_row() | {"label": "a" if true > 0 else "b"})
    return rows


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    return tmp_path


def run(place, rows, *more, rules=True):
    (place / "l.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = [
        "evaluate",
        "evidence",
        "--labels",
        place / "l.jsonl",
        "--out",
        place / "f.json",
        *more,
    ]
    words += ["--constitution", place / "c.yaml"] if rules else []
    return CliRunner().invoke(main, [str(word) for word in words])


def result(place):
    return json.loads((place / "f.json").read_text())


def test_a_labels_file_gives_its_evidence(place):
    done = run(place, labels(), "--json")
    assert done.exit_code == 0, done.output
    found = result(place)
    true, kind = found["principles"]
    assert (found["pairs"], found["reviewed"], found["constitution"]["hash"]) == (
        150,
        150,
        RULES.hash,
    )
    assert true["agreement"]["value"] == 1.0
    assert kind["agreement"]["low"] < 0.5 < kind["agreement"]["high"]
    assert 0 < kind["decides"]["value"] < 1
    assert kind["without"]["after"]["value"] == 1.0
    assert found["suggested"]["better"]
    assert found["suggested"]["weights"]["true"] > found["suggested"]["weights"]["kind"]
    assert found["likeness"]["keys"] == ["true", "kind"]
    assert json.loads(done.output)["reviewed"] == 150


def test_a_principle_without_weight_is_none_of_those_that_were_asked(place):
    weighted = Constitution("rules", (*RULES.principles, Principle("not", "Not?", weight=0.0)))
    (place / "c.yaml").write_text(json.dumps(weighted.to_row()))
    assert run(place, labels(3, constitution=ConstitutionRef.of(weighted))).exit_code == 0
    assert [one["key"] for one in result(place)["principles"]] == ["true", "kind"]


def test_without_the_constitution_nothing_is_computed_again_and_it_says_why(place):
    assert run(place, labels(20), rules=False).exit_code == 0
    found = result(place)
    assert "weights are unknown" in found["not_computed_again"]
    assert found["principles"][0]["decides"]["value"] is None
    assert found["suggested"] is None
    assert found["principles"][0]["agreement"]["n"] == 20


def test_verdicts_that_were_not_blind_or_not_first_do_not_count(place):
    rows = labels(4)
    for row, blind, first in zip(
        rows, (True, True, False, True), (True, False, True, True), strict=True
    ):
        row["review"] = Review(blind, "all", 1.0, "Ada", first=first).to_row()
    assert run(place, rows).exit_code == 0
    assert result(place)["reviewed"] == 2


def test_rows_of_people_count_beside_the_judgements(place):
    rows = labels(3)
    for row in rows:
        del row["label"]
    pair = Pair.from_row(rows[0])
    said = Label(pair, "b", 0.0, kind="person", review=Review(True, "all", 1.0, "Ada"))
    assert run(place, [*rows, said.to_row()]).exit_code == 0
    assert (result(place)["pairs"], result(place)["reviewed"]) == (3, 1)


def test_verdicts_on_the_locked_half_count_only_where_it_is_asked_for(place):
    rows = labels(150) + labels(60, questions=LOCKED)
    done = run(place, rows)
    assert "210 pairs, 150 of them reviewed; 60 of the locked half kept out" in done.output
    found = result(place)
    assert (found["reviewed"], found["kept_out"]) == (150, 60)
    assert found["label"]["applies"]["n"] == 210
    assert found["label"]["agreement"]["n"] == 150
    learned = [question for question in OPEN[:150] if split_of(question) != "test"]
    assert found["suggested"]["agreement"]["n"] == len(learned)
    assert run(place, rows, "--locked").exit_code == 0
    found = result(place)
    assert (found["reviewed"], found["kept_out"]) == (210, 0)
    assert found["label"]["agreement"]["n"] == 210


@pytest.mark.parametrize("kind", ["person", "judge"])
def test_a_verdict_on_the_answers_the_other_way_round_counts_for_the_same_answer(kind):
    """A pair's id ignores their order; a file with both orders under one id is refused as it is read."""
    rows = [Label.from_row(row) for row in labels(3)]
    judged = [replace(row, pair=replace(row.pair, label=None)) for row in rows]
    said = [replace(row.pair.swapped(), label={"a": "b", "b": "a"}[row.pair.label]) for row in rows]
    review = Review(True, "all", 1.0, "Ada")
    of_people = [
        Label(pair, pair.label, None, kind="person", review=review)
        if kind == "person"
        else Label(pair, None, None)
        for pair in said
    ]
    found = table_of(judged, [*judged, *of_people], RULES)
    assert found.people.sum() == 3
    assert found.people_worth.tolist() == [float(row.pair.label == "a") for row in rows]


def test_labels_of_several_settings_are_refused(place):
    other = [row | {"id": f"x{i}", "template": "compare-2"} for i, row in enumerate(labels(2))]
    done = run(place, labels(2) + other)
    assert done.exit_code == 1
    assert "2 settings, which are not comparable" in done.output
    assert not (place / "f.json").exists()


def test_labels_under_another_constitution_are_refused(place):
    done = run(place, labels(2, constitution=ConstitutionRef("rules", "0" * 12)))
    assert done.exit_code == 1
    assert f"no judgement under the constitution {RULES.hash}" in done.output


def test_a_result_of_another_kind_is_never_written_over(place):
    (place / "f.json").write_text('{"kind": "revisions"}')
    done = run(place, labels(2))
    assert done.exit_code == 1
    assert "holds another result" in done.output
    assert result(place) == {"kind": "revisions"}


def test_an_older_result_of_its_own_is_made_anew(place):
    assert run(place, labels(2)).exit_code == 0
    assert run(place, labels(3)).exit_code == 0
    assert result(place)["pairs"] == 3
