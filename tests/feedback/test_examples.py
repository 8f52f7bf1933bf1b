"""Worked examples: which are shown, whose file is read, and what is wrong with a row."""

import json

import pytest

from cai_core.errors import DataError
from cai_core.feedback import examples
from cai_core.feedback.examples import Worked, chosen, shipped_comparisons
from cai_core.schema import assistant, user

ROW = {
    "prompt": "Hi",
    "response_a": "Hello",
    "response_b": "Go away",
    "principle": "Which is kinder?",
    "verdict": "a",
}


@pytest.mark.parametrize("reasoned", [False, True])
@pytest.mark.parametrize("count", range(13))
def test_whatever_the_number_no_side_leads_by_more_than_one(count, reasoned):
    shown = chosen(shipped_comparisons(), count, reasoned=reasoned)
    verdicts = [one.verdict for one in shown]
    assert len(shown) == count
    assert abs(verdicts.count("a") - verdicts.count("b")) <= 1
    assert chosen(shipped_comparisons(), count + 1, reasoned=reasoned)[:count] == shown


def test_there_are_fewer_where_one_side_runs_out():
    lone = [Worked.from_row(ROW | {"principle": f"Which, {i}?"}) for i in range(4)]
    assert chosen(lone, 4, reasoned=False) == ()
    other = Worked.from_row(ROW | {"verdict": "b"})
    assert [one.verdict for one in chosen([*lone, other], 4, reasoned=False)] == ["b", "a", "a"]


def test_without_reasoning_an_example_does_not_stand_before_reasoning():
    silent = Worked.from_row(ROW | {"verdict": "b"})
    assert chosen([silent], 1, reasoned=True) == ()
    assert chosen([silent], 1, reasoned=False) == (silent,)


def test_a_file_of_the_workspace_stands_in_place_of_the_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path))
    shipped = examples.file_in_use("compare")
    assert shipped == examples.shipped_file("compare")
    own = examples.own_file("compare")
    own.parent.mkdir()
    own.write_text(json.dumps(ROW) + "\n\n")
    assert examples.file_in_use("compare") == own
    assert examples.file_in_use("revise") == examples.shipped_file("revise")
    assert examples.file_in_use("compare", tmp_path / "given.jsonl") == tmp_path / "given.jsonl"
    assert examples.read_comparisons(own) == (Worked.from_row(ROW),)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "not a JSON object"),
        ("[1]", "must be a JSON object"),
        (json.dumps(ROW | {"response_b": " "}), "'response_b' is missing or empty"),
        (json.dumps(ROW | {"verdict": "tie"}), "'verdict' is 'tie'"),
        (json.dumps(ROW | {"verdict": None}), "'verdict' is missing"),
        (json.dumps(ROW | {"principle": 3}), "'principle' must be a text"),
        (json.dumps(ROW | {"prompt": [{"role": "user"}]}), "no text in 'content'"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_reason(tmp_path, line, said):
    path = tmp_path / "compare.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + line + "\n")
    with pytest.raises(DataError) as error:
        examples.read_comparisons(path)
    assert str(error.value).startswith(f"{path}:2: ")
    assert said in str(error.value)


def test_a_missing_file_and_a_bad_round_are_sentences(tmp_path):
    with pytest.raises(DataError, match="no such file of examples"):
        examples.read_comparisons(tmp_path / "none.jsonl")
    path = tmp_path / "revise.jsonl"
    path.write_text(json.dumps({"prompt": "Hi", "response": "Hello", "critique": "Cold."}))
    with pytest.raises(DataError, match=r"revise\.jsonl:1: 'revision' is missing"):
        examples.read_revisions(path)


def test_rows_come_back_as_they_were_read():
    for one in shipped_comparisons():
        assert Worked.from_row(one.to_row()) == one
    talk = (user("Hi"), assistant("Hello"), user("And?"))
    several = Worked.from_row(ROW | {"prompt": [turn.to_row() for turn in talk]})
    assert several.pair.prompt == talk
    assert Worked.from_row(several.to_row()) == several
