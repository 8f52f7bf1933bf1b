"""Files that are checked whole and held not at all."""

import gzip
import json

import pytest

from cai_core.curate import formats
from cai_core.errors import DataError

ROWS = [{"id": f"p{n}", "prompt": f"Question {n}?"} for n in range(5)]


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.fixture
def file(tmp_path):
    def write(data, name="p.jsonl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def ids(rows):
    return [row.id for row in rows]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (lines(*ROWS), "p.jsonl"),
        (b"\xef\xbb\xbf\n\n" + lines(*ROWS).replace(b"\n", b"\r\n\n"), "p.jsonl"),
        (gzip.compress(lines(*ROWS), mtime=0), "p.jsonl.gz"),
        (json.dumps(ROWS).encode(), "p.json"),
        (b"\n" + json.dumps(ROWS, indent=1).encode(), "p.jsonl"),
        (b"prompt,source\nHow?,web\n\"two\nlines\",web\n", "p.csv"),
        (b"[How?\n\nWhy?\n", "p.txt"),
    ],
)  # fmt: skip
def test_a_stream_gives_what_reading_the_file_gives_as_often_as_it_is_asked(file, data, name):
    path = file(data, name)
    stream, whole = formats.stream_prompts(path), formats.read_prompts(path).rows
    assert tuple(stream) == tuple(stream) == whole
    assert (list(stream.ids), len(stream)) == (ids(whole), len(whole))


def test_a_row_that_stands_twice_comes_once(file):
    stream = formats.stream_prompts(file(lines(ROWS[0], ROWS[1], ROWS[0])))
    assert ids(stream) == ["p0", "p1"]


def test_only_the_rows_that_are_not_done_come_in_their_order(file):
    stream = formats.stream_prompts(file(lines(*ROWS))).without({"p1", "p4"}.__contains__)
    assert ids(stream) == list(stream.ids) == ["p0", "p2", "p3"]
    assert not stream.without(lambda key: True)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "p.jsonl: the file is empty"),
        (b"\n \n", "p.jsonl: the file is empty"),
        (lines(*ROWS[:2]) + b"{nonsense\n", "p.jsonl:3: not a JSON object"),
        (lines(ROWS[0], {"id": "p0", "prompt": "Other?"}), "p.jsonl:2: the id 'p0' stands here"),
        (lines(ROWS[0]) + b'{"prompt": "caf\xe9"}\n', "p.jsonl:2: not UTF-8"),
        (lines({"prompt": ""}), "p.jsonl:1: 'prompt' is empty"),
        (gzip.compress(lines(*ROWS) * 50, mtime=0)[:-9], "p.jsonl: the gzip file is damaged"),
    ],
)
def test_what_is_wrong_is_said_before_any_row_comes(file, data, said):
    with pytest.raises(DataError) as caught:
        formats.stream_prompts(file(data))
    assert said in str(caught.value)


def test_bad_rows_are_listed_and_left_out_where_that_is_asked(file):
    path = file(lines(ROWS[0]) + b"{nonsense\n" + lines(ROWS[1]))
    stream = formats.stream_prompts(path, skip_bad=True)
    assert ids(stream) == ["p0", "p1"]
    assert [bad.line for bad in stream.bad] == [2]


def test_pairs_that_could_not_be_sampled_are_left_out_of_a_stream(file):
    pair = {"id": "a", "prompt": "q", "response_a": "one", "response_b": "two"}
    stream = formats.stream_pairs(
        file(lines(pair, pair | {"id": "b", "response_b": "", "error": "e"}))
    )
    assert ids(stream) == ["a"]
    assert str(stream.bad[0]).endswith("p.jsonl:2: e")


def test_a_file_that_was_cut_meanwhile_is_told(file):
    path = file(lines(*ROWS))
    stream = formats.stream_prompts(path)
    path.write_bytes(lines(ROWS[0]))
    with pytest.raises(DataError, match="changed while it was read"):
        list(stream)


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        formats.stream_pairs(tmp_path / "none.jsonl")
