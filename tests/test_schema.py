"""Rows of files: read, checked, written back."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from cai_core.errors import ConstitutionError, DataError
from cai_core.schema import (
    Constitution,
    Label,
    Pair,
    Principle,
    Prompt,
    Review,
    Revision,
    assistant,
    hh_dialogue,
    user,
)
from cai_core.settings import DATA_DIR

PAIR_ROW = {"prompt": "Hi", "response_a": "one", "response_b": "two"}


def test_unknown_fields_of_a_row_are_carried_through():
    row = {"prompt": "Hi", "tags": ["x"], "colour": "red", "id": "p1"}
    assert Prompt.from_row(row).to_row()["colour"] == "red"
    label = {**PAIR_ROW, "verdict": "a", "p_a": 0.9, "judge": "m", "mood": 3}
    assert Label.from_row(label).to_row()["mood"] == 3


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"prompt": ""}, "'prompt' is empty"),
        ({"prompt": []}, "must be a text or a list"),
        ({"prompt": [{"role": "robot", "content": "x"}]}, "needs a role"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "must end in a user turn"),
        ({"prompt": "x", "split": "holdout"}, "'split' is 'holdout'"),
        ({"prompt": "x", "tags": 3}, "'tags' must be a list"),
        ([], "must be a JSON object"),
    ],
)
def test_a_bad_prompt_row_is_refused_with_its_field(row, said):
    with pytest.raises(DataError, match=re.escape(said)):
        Prompt.from_row(row)


def test_a_pair_is_the_same_pair_with_its_answers_swapped():
    pair = Pair.from_row(PAIR_ROW)
    assert pair.id == Pair.from_row(pair.swapped().to_row() | {"id": None}).id


def test_chosen_and_rejected_become_sides_by_the_hash_of_the_id():
    rows = [{"prompt": f"q{i}", "chosen": "good", "rejected": "bad"} for i in range(60)]
    pairs = [Pair.from_row(row) for row in rows]
    assert all(p.response_a == "good" if p.label == "a" else p.response_b == "good" for p in pairs)
    assert 15 < sum(p.label == "a" for p in pairs) < 45


def test_a_raw_dialogue_pair_is_read_with_its_shared_conversation():
    head = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: And: what?\n\nAssistant:"
    pair = Pair.from_row({"chosen": head + " yes\n\nmore", "rejected": head + " no"})
    assert pair.prompt == (user("Hi"), assistant("Hello"), user("And: what?"))
    assert {pair.response_a, pair.response_b} == {"yes\n\nmore", "no"}


def test_a_dialogue_needs_both_roles():
    with pytest.raises(DataError, match="not a dialogue"):
        hh_dialogue("just some text")


def test_label_rows_survive_a_round_trip():
    row = {
        **PAIR_ROW,
        "verdict": "b",
        "p_a": 0.2,
        "p_raw": 0.1,
        "orders": {"ab": 0.3, "ba": 0.1},
        "offset": 0.6,
        "mass": 0.99,
        "votes": {"k": 0.2},
        "method": "logprob",
        "principles": "each",
        "template": "t1",
        "judge": "m",
        "constitution": {"name": "c", "version": 2, "hash": "abc"},
        "seed": 1,
        "review": {"blind": True, "queue": "even", "pi": 0.5, "reviewer": "Ada"},
    }
    label = Label.from_row(row)
    assert label.kind == "person"
    assert Label.from_row(json.loads(json.dumps(label.to_row()))) == label


def test_a_failed_judgement_has_no_number():
    label = Label.from_row({**PAIR_ROW, "verdict": None, "p_a": None, "error": "no mass"})
    assert label.verdict is None
    assert label.to_row()["error"] == "no mass"


@pytest.mark.parametrize("p", [1.2, -0.1, "0.5", True])
def test_a_probability_outside_its_range_is_refused(p):
    with pytest.raises(DataError, match="'p_a' must be a number from 0 to 1"):
        Label.from_row({**PAIR_ROW, "verdict": "a", "p_a": p})


def test_revision_rows_survive_a_round_trip():
    row = {
        "prompt": "Hi",
        "initial": "x",
        "rounds": [{"principle": "k", "critique": "c", "revision": "y"}],
    }
    revision = Revision.from_row(row)
    assert revision.final == "y"
    assert Revision.from_row(revision.to_row()) == revision


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, "has no 'key'"),
        ({"key": "k"}, "neither a text nor a critique"),
        ({"key": "k", "text": "x", "weight": -1}, "'weight'"),
        ({"key": "k", "text": "x", "weight": float("nan")}, "'weight'"),
        ({"key": "k", "text": "x", "enabled": "yes"}, "'enabled'"),
        ({"key": "k", "text": "x", "wieght": 1}, "unknown field 'wieght'"),
        ("x", "must be a mapping"),
    ],
)
def test_a_bad_principle_is_refused_with_its_field(row, said):
    with pytest.raises(ConstitutionError) as caught:
        Principle.from_row(row)
    assert said in str(caught.value)


def test_a_constitution_hash_follows_names_wording_and_order_only():
    one, two = Principle("a", "x"), Principle("b", "y")
    base = Constitution("c", (one, two), "about")
    assert base.hash == Constitution("c", (one, two), "other words").hash
    assert base.hash != Constitution("c", (two, one)).hash
    assert base.hash != Constitution("d", (one, two)).hash
    assert len(base.hash) == 12


def test_a_constitution_without_an_enabled_principle_cannot_be_used():
    with pytest.raises(ConstitutionError, match="no enabled principle"):
        Constitution("c", (Principle("a", "x", enabled=False),)).check()
    with pytest.raises(ConstitutionError, match="stands twice"):
        Constitution("c", (Principle("a", "x"), Principle("a", "y"))).check()


@given(st.recursive(st.none() | st.text() | st.floats() | st.booleans(), lambda s: st.lists(s)))
def test_whatever_stands_in_a_row_is_read_or_refused_as_data(value):
    for reader, row in (
        (Prompt.from_row, {"prompt": value}),
        (Pair.from_row, {"prompt": "x", "response_a": value, "response_b": "y"}),
        (Pair.from_row, {"chosen": value, "rejected": value}),
        (Revision.from_row, {"prompt": "x", "initial": "", "rounds": value}),
        (
            Label.from_row,
            {
                **PAIR_ROW,
                "verdict": value,
                "votes": value,
                "review": value,
                "orders": {"ab": value},
                "offset": value,
            },
        ),
    ):
        with contextlib.suppress(DataError):  # anything else would be a bug shown to a person
            reader(row)


@pytest.mark.parametrize(
    ("name", "was"),
    [("general", "6ae96b416508"), ("helpful", "26fd8354b941"), ("short", "e60c8617fa39")],
)
def test_hashes_from_before_there_were_source_passages_stay(name, was):
    path = DATA_DIR / "constitutions" / f"{name}.yaml"
    row = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert Constitution.from_row(row).hash == was


def test_a_source_passage_is_kept_and_changes_the_hash():
    bare = Constitution("c", (Principle("k", "Which?"),))
    sourced = Constitution("c", (Principle("k", "Which?", source="spec.md:3: Be kind."),))
    assert "source" not in bare.to_row()["principles"][0]
    assert Constitution.from_row(sourced.to_row()) == sourced
    assert sourced.hash != bare.hash


def test_a_review_keeps_what_the_reviewer_said_beside_the_verdict():
    said = Review(
        True,
        "even",
        0.1,
        "Ada",
        clear=True,
        reasons=("harmful",),
        note="no",
        shown="ba",
        scope="{}",
    )
    assert Review.from_row(said.to_row()) == said
    plain = Review(True, "even", 0.1, "Ada")
    assert not {"clear", "reasons", "note", "shown", "scope"} & set(plain.to_row())
    assert Review.from_row(plain.to_row()) == plain
