"""Files of prompts, pairs, labels and revisions, and what is wrong with them."""

import contextlib
import gzip
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.curate import formats
from cai_core.errors import DataError
from cai_core.schema import assistant, user

PAIR = {"prompt": "Hi", "response_a": "one", "response_b": "two"}


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def refused(data, *, name="f.jsonl", parse=formats.parse_prompts):
    with pytest.raises(DataError) as caught:
        parse(data, name=name)
    return str(caught.value)


def test_a_file_malformed_at_line_7_says_so():
    data = lines(*({"prompt": f"p{i}"} for i in range(6))) + b'{"prompt": "p7"\n{"prompt": "p8"}\n'
    assert refused(data).startswith("f.jsonl:7: not a JSON object: ")
    rows = formats.parse_prompts(data, name="f.jsonl", skip_bad=True)
    assert len(rows) == 7
    assert [bad.line for bad in rows.bad] == [7]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "f.jsonl: the file is empty"),
        (b"\n \n", "f.jsonl: the file is empty"),
        (b"\xef\xbb\xbf", "f.jsonl: the file is empty"),
        (b'{"prompt": "a"}\n{"prompt": "caf\xe9"}\n', "f.jsonl:2: not UTF-8"),
        ("{}".encode("utf-16"), "f.jsonl:1: not UTF-8"),
        (b'{"prompt": NaN}\n', "f.jsonl:1: NaN is no number in JSON"),
        (b'"text"\n', "f.jsonl:1: a row must be a JSON object"),
        (b'{"prompt": ""}\n', "f.jsonl:1: 'prompt' is empty"),
        (b'{"prompt": "\\ud800"}\n', "f.jsonl:1: a text holds half a character"),
        (b'{"prompt": ' + b"[" * 100_000, "f.jsonl:1: not a JSON object"),
        (b"[1, 2", "f.jsonl:1: not JSON"),
        (b'[\n{"prompt": "a"},\n{"prompt": 3}\n]', "f.jsonl:3: 'prompt' must be"),
        (b"\x1f\x8bnonsense", "the gzip file is damaged"),
        (gzip.compress(lines({"prompt": "a"}) * 50, mtime=0)[:-9], "the gzip file is damaged"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(data, said):
    assert said in refused(data)


def test_one_id_with_two_contents_is_refused_and_a_repeated_row_counts_once():
    same = {"id": "p1", "prompt": "a"}
    assert len(formats.parse_prompts(lines(same, same), name="f")) == 1
    said = refused(lines(same, {"id": "p1", "prompt": "b"}))
    assert said.startswith("f.jsonl:2: the id 'p1' stands here a second time")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        formats.read_prompts(tmp_path / "none.jsonl")


def test_gzip_is_read_by_its_content(tmp_path):
    path = tmp_path / "p.jsonl.gz"
    path.write_bytes(gzip.compress(lines({"prompt": "a"}), mtime=0))
    assert len(formats.read_prompts(path)) == 1


def test_line_separators_inside_a_text_do_not_end_a_row():
    text = "one\u2028two\x85three\x0bfour"
    data = (json.dumps({"prompt": text}, ensure_ascii=False) + "\r\n").encode()
    (prompt,) = formats.parse_prompts(data, name="f.jsonl")
    assert prompt.messages == (user(text),)


def test_a_byte_order_mark_is_no_text():
    (prompt,) = formats.parse_prompts(b"\xef\xbb\xbf" + lines({"prompt": "a"}), name="f.jsonl")
    assert prompt.messages == (user("a"),)


def test_a_json_list_is_read_whatever_its_name():
    data = json.dumps([{"prompt": "a"}, {"prompt": "b"}], indent=1).encode()
    assert len(formats.parse_prompts(data, name="f.json")) == 2


def test_a_text_file_holds_a_prompt_a_line():
    rows = formats.parse_prompts(b"How?\r\n\n  Why?\n", name="f.txt")
    assert [row.messages[0].content for row in rows] == ["How?", "Why?"]


def test_csv_is_read_with_its_header_and_lines_count_through_quoted_breaks():
    data = b'prompt,tags,source\n"two\nlines","x; y",web\n"",,\n'
    rows = formats.parse_prompts(data, name="f.csv", skip_bad=True)
    assert (rows.rows[0].tags, rows.rows[0].source) == (("x", "y"), "web")
    assert rows.rows[0].messages[0].content == "two\nlines"
    assert [bad.line for bad in rows.bad] == [4]


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"prompt\na,b\n", "f.csv", "f.csv:2: more cells than the header has"),
        (b'prompt\n"open\n', "f.csv", "f.csv:2: not a CSV file"),
        (b"text\nhello\n", "f.csv", "f.csv:2: 'prompt' must be"),
        (b"prompt\n", "f.csv", "f.csv: there is no usable row"),
    ],
)
def test_bad_csv_is_refused_with_its_line(data, name, said):
    assert refused(data, name=name).startswith(said)


def test_tab_separated_pairs_are_read():
    data = b"prompt\tresponse_a\tresponse_b\nHi\tone, two\tthree\n"
    (pair,) = formats.parse_pairs(data, name="f.tsv")
    assert pair.response_a == "one, two"


def test_a_raw_dialogue_is_read_as_a_prompt():
    text = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: And: now?\n\nAssistant:"
    (prompt,) = formats.parse_prompts(lines({"prompt": text}), name="f.jsonl")
    assert prompt.messages == (user("Hi"), assistant("Hello"), user("And: now?"))


def test_a_prompt_with_a_colon_is_left_whole():
    text = "Human: is this a dialogue? Assistant: no"
    (prompt,) = formats.parse_prompts(lines({"prompt": text}), name="f.jsonl")
    assert prompt.messages == (user(text),)


def test_pairs_come_in_three_forms():
    head = "\n\nHuman: Hi\n\nAssistant:"
    data = lines(PAIR, {"chosen": head + " yes", "rejected": head + " no"})
    data += lines({"prompt": "Q", "chosen": "good", "rejected": "bad"})
    pairs = formats.parse_pairs(data, name="f.jsonl")
    assert [pair.label is None for pair in pairs] == [True, False, False]


def test_labels_of_several_people_may_stand_on_one_pair():
    rows = [
        PAIR | {"verdict": v, "kind": "person", "judge": who} for who, v in (("x", "a"), ("y", "b"))
    ]
    assert len(formats.parse_labels(lines(*rows, PAIR | {"label": "a"}), name="f.jsonl")) == 3


def test_a_label_that_was_taken_back_is_not_read():
    said = PAIR | {"kind": "person", "judge": "Ada"}
    taken_back = said | {"verdict": "b", "event": {"id": "x", "undone": True}}
    standing = said | {"verdict": "a", "event": {"id": "y", "undone": False}}
    found = formats.parse_labels(lines(taken_back, standing), name="f.jsonl")
    assert [one.verdict for one in found] == ["a"]


def test_labels_of_one_id_on_two_pairs_are_refused():
    rows = [
        PAIR | {"id": "x", "verdict": "a"},
        PAIR | {"id": "x", "response_a": "z", "verdict": "a"},
    ]
    assert "a second time" in refused(lines(*rows), parse=formats.parse_labels)


def test_good_answers_are_completions_or_the_better_of_a_pair(tmp_path):
    path = tmp_path / "h.jsonl"
    head = "\n\nHuman: Hi\n\nAssistant:"
    rows = [
        {"prompt": "Q", "completion": "A1"},
        {"prompt": "Q", "completion": [{"role": "assistant", "content": "A2"}]},
        PAIR | {"label": "b"},
        {"chosen": head + " yes", "rejected": head + " no"},
    ]
    path.write_bytes(lines(*rows))
    assert [answer.text for answer in formats.read_answers(path)] == ["A1", "A2", "two", "yes"]
    path.write_bytes(lines(PAIR))
    with pytest.raises(DataError, match="says which answer is good"):
        formats.read_answers(path)
    path.write_bytes(lines({"prompt": "Q", "completion": ""}))
    with pytest.raises(DataError, match="must hold one answer"):
        formats.read_answers(path)


def test_revisions_are_read(tmp_path):
    path = tmp_path / "r.jsonl"
    round_ = {"principle": "k", "critique": "c", "revision": "y"}
    path.write_bytes(lines({"prompt": "Hi", "initial": "x", "rounds": [round_]}))
    assert formats.read_revisions(path).rows[0].final == "y"


@given(st.binary(max_size=300), st.sampled_from(["f.jsonl", "f.csv", "f.txt", "f.json", "f"]))
def test_any_bytes_are_read_or_refused_as_data(data, name):
    for parse in (formats.parse_prompts, formats.parse_pairs, formats.parse_labels):
        with contextlib.suppress(DataError):
            parse(data, name=name)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=8), s, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_any_json_is_read_or_refused_as_data(value):
    for wrapped in (value, [value], {"prompt": value}, {"prompt": "x", "completion": value}):
        data = json.dumps(wrapped).encode()
        for parse in (formats.parse_prompts, formats.parse_pairs, formats.parse_labels):
            with contextlib.suppress(DataError):
                parse(data, name="f.jsonl")


def test_a_pair_of_which_one_answer_is_empty_with_its_reason_is_left_out_and_listed():
    whole = {"prompt": "q", "response_a": "one", "response_b": "two"}
    half = {**whole, "response_b": "", "error": "an answer is empty"}
    found = formats.parse_pairs(f"{json.dumps(whole)}\n{json.dumps(half)}".encode(), name="p.jsonl")
    assert [pair.response_b for pair in found] == ["two"]
    assert [str(bad) for bad in found.bad] == ["p.jsonl:2: an answer is empty"]


@pytest.mark.skipif(not os.environ.get("CAI_TEST_DATA"), reason="CAI_TEST_DATA is not set")
def test_the_shared_pairs_are_read_whole():
    from pathlib import Path

    rows = formats.read_pairs(Path(os.environ["CAI_TEST_DATA"]) / "hh_harmless_pairs.jsonl.gz")
    assert len(rows) == 1149
    assert {pair.label for pair in rows} == {"a", "b"}
