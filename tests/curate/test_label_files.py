"""Files of labels that other programs made: what they are taken for, and what is read from them."""

import gzip
import json
import tracemalloc
from textwrap import dedent

import pytest

from cai_core.curate import label_merge
from cai_core.curate.label_files import FORMS, open_labels
from cai_core.errors import DataError
from cai_core.schema import Review
from cai_core.settings import PROJECT_DIR

PAIR = {"prompt": "How?", "response_a": "So.", "response_b": "No."}
V1 = {  # as Feedback Forensics has kept them since its first version
    "metadata": {"version": "1.0", "dataset_name": "set", "default_annotator": "d36860d4"},
    "annotators": {
        "d36860d4": {"name": "Human", "description": "Human annotator", "type": "human"},
        "2f45a6d0": {"description": "Select the calmer response.", "type": "principle"},
        "435cef52": {"description": "Select the shorter response.", "type": "principle"},
    },
    "comparisons": [
        {
            "id": "2fbb184f",
            "prompt": "How?",
            "text_a": "So.",
            "text_b": "No.",
            "annotations": {
                "d36860d4": {"pref": "text_b"},
                "2f45a6d0": {"pref": "text_a"},
                "435cef52": {"pref": None, "no_pref_reason": "not_applicable"},
            },
            "metadata": {"source": "x"},
        }
    ],
}
V2 = {
    "metadata": {"version": "2.0", "dataset_name": "set"},
    "annotators": {
        "h": {"name": "Ada", "type": "human"},
        "m": {"name": "gpt", "description": "A model", "type": "ai"},
        "u": {"name": "preferred_text", "type": "unknown"},
        "n": {"description": "Is there a list?", "type": "non_preference_principle"},
    },
    "comparisons": [
        {
            "id": "1",
            "prompt": "How?",
            "response_a": {"text": "So.", "model": "x"},
            "response_b": {"text": "No.", "model": "y"},
            "annotations": {
                "h": {"pref": None, "no_pref_reason": "tie"},
                "m": {"pref": None, "no_pref_reason": "invalid"},
                "u": {"pref": "a"},
                "n": {"pref": None, "no_pref_reason": "non_preference_annotation", "value": True},
            },
        },
        {
            "id": "2",
            "prompt": None,
            "response_a": {"text": "\n\nHuman: Hi\n\nAssistant: Hello"},
            "response_b": {"text": "\n\nHuman: Hi\n\nAssistant: Go"},
            "annotations": {
                "h": {"pref": None, "no_pref_reason": "not_applicable"},
                "u": {"pref": "b"},
            },
        },
    ],
}
NESTED = {
    "id": "r1",
    "fields": {"instruction": "How?", "response-1": "So.", "response-2": "No."},
    "metadata": {},
    "suggestions": {"better": {"value": "response-2", "score": 0.75, "agent": "gpt"}},
    "responses": {
        "better": [
            {"value": "response-1", "user_id": "u1"},
            {"value": "tie", "user_id": "u2"},
        ],
        "why": [{"value": "It helps.", "user_id": "u1"}],
    },
    "vectors": {},
    "status": "completed",
    "_server_id": None,
}
FLAT = {
    "id": "r1",
    "status": "completed",
    "_server_id": None,
    "prompt": [{"role": "user", "content": "How?"}],
    "response_a": "So.",
    "response_b": "No.",
    "rank.responses": [["response_b", "response_a"], None, None, ["response_a", "response_b"]],
    "rank.responses.users": ["u1", "u2", "u3", "u4"],
    "rank.responses.status": ["submitted", "discarded", "draft", "draft"],
    "rank.suggestion": None,
    "rank.suggestion.score": None,
    "rank.suggestion.agent": None,
}


@pytest.fixture
def put(tmp_path):
    def write(content, name="file"):
        path = tmp_path / name
        text = content if isinstance(content, str | bytes) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def lines(*rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def read(path, **options):
    """Every label of a file without a fault."""
    return [label for _, found in open_labels(path, **options) for label in found]


def told(labels):
    return [(x.kind, x.annotator, x.verdict, x.p_a) for x in labels]


def fault(path, **options):
    with pytest.raises(DataError) as caught:
        label_merge.check(open_labels(path, **options))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (lines({**PAIR, "verdict": "a", "judge": "m"}), "labels"),
        ([{**PAIR, "verdict": "a", "judge": "m"}], "labels"),
        (lines({**PAIR, "label": "a"}), "pairs"),
        (lines({"prompt": "How?", "chosen": "So.", "rejected": "No."}), "pairs"),
        ("prompt,response_a,response_b,label\nHow?,So.,No.,a\n", "csv"),
        ("prompt\tresponse_a\tresponse_b\tverdict\nHow?\tSo.\tNo.\tA\n", "csv"),
        (V1, "annotated-pairs"),
        (json.dumps(V2, indent=2), "annotated-pairs"),
        ([NESTED], "argilla"),
        (lines(FLAT), "argilla"),
    ],
)
@pytest.mark.parametrize("name", ["x.json", "x.csv", "x.txt"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_known_by_what_it_holds(put, content, form, name, packed):
    text = content if isinstance(content, str) else json.dumps(content)
    data = b"\xef\xbb\xbf" + text.encode()
    path = put(gzip.compress(data, mtime=0) if packed else data, name)
    assert open_labels(path).form == form
    assert read(path)


def test_a_labelled_pair_is_a_persons_verdict_that_nobody_called_blind(put):
    [label] = read(put(lines({**PAIR, "label": "b", "note": "x"})), annotator="Team")
    assert (label.kind, label.annotator, label.verdict, label.p_a) == ("person", "Team", "b", 0.0)
    assert (label.review, label.extra) == (None, {"note": "x"})


def test_a_row_with_a_judgement_and_a_persons_label_gives_both(put):
    row = {**PAIR, "verdict": "a", "p_a": 0.8, "judge": "m", "label": "tie"}
    row["review"] = {"blind": True, "queue": "even", "pi": 0.5, "reviewer": "Ada"}
    judged, said = read(put(lines(row)))
    assert told([judged, said]) == [("judge", "m", "a", 0.8), ("person", "Ada", "tie", 0.5)]
    assert (judged.review, said.review) == (None, Review(True, "even", 0.5, "Ada"))


def test_an_undone_event_says_nothing_and_another_loses_its_event(put):
    row = {**PAIR, "verdict": "a", "kind": "person", "judge": "Ada"}
    rows = [row | {"event": {"id": "1", "undone": undone}} for undone in (True, False)]
    [label] = read(put(lines(*rows)))
    assert label.extra == {}


def test_a_table_reads_review_columns_and_conversations(put):
    head = "prompt,response_a,response_b,verdict,annotator,review.blind,review.pi,review.reasons"
    chat = '"[{""role"": ""user"", ""content"": ""Hi""}]"'
    [label] = read(put(f"{head}\n{chat},So.,No.,B,Ada,yes,0.25,harmful; wrong\n"))
    assert label.pair.prompt[0].content == "Hi"
    assert label.review == Review(True, "", 0.25, "Ada", reasons=("harmful", "wrong"))
    assert told([label]) == [("person", "Ada", "b", 0.0)]


def test_a_line_of_a_table_that_names_a_judge_is_a_judgement(put):
    path = put("prompt,response_a,response_b,verdict,judge,p_a\nHow?,So.,No.,a,m,0.75\n")
    assert told(read(path)) == [("judge", "m", "a", 0.75)]


def test_a_cell_as_long_as_a_long_conversation_is_read(put):
    text = "word " * 60_000
    [label] = read(put(f"prompt,response_a,response_b,label\nHow?,{text},No.,a\n"))
    assert label.pair.response_a == text


def test_annotated_pairs_of_version_1_give_people_and_the_votes_of_principles(put):
    person, judge = read(put(V1))
    assert told([person]) == [("person", "Human", "b", 0.0)]
    assert told([judge]) == [("judge", "principles of set", "a", 1.0)]
    assert judge.votes == {"Select the calmer response.": 1.0}
    assert judge.not_applicable == {"Select the shorter response.": 1.0}
    assert person.pair.id == "2fbb184f"


def test_annotated_pairs_of_version_2_tell_ties_failures_and_silence_apart(put):
    labels = read(put(V2))
    assert told(labels) == [
        ("person", "Ada", "tie", 0.5),
        ("judge", "gpt", None, None),
        ("person", "preferred_text", "a", 1.0),
        ("person", "preferred_text", "b", 0.0),
    ]
    assert labels[1].error == "no preference: invalid"
    assert (labels[3].pair.prompt[0].content, labels[3].pair.response_b) == ("Hi", "Go")


def test_nested_records_give_each_users_verdict_and_the_suggestion(put):
    assert told(read(put([NESTED]))) == [
        ("person", "u1", "a", 1.0),
        ("person", "u2", "tie", 0.5),
        ("judge", "gpt", "b", 0.25),
    ]


def test_flat_records_read_rankings_and_leave_drafts_out(put):
    assert told(read(put([FLAT]))) == [
        ("person", "u1", "b", 0.0),
        ("person", "u2", "skip", None),
    ]


def test_a_record_that_nobody_answered_is_counted_and_no_fault(put):
    empty = {**NESTED, "responses": {}, "suggestions": {}}
    checked = label_merge.check(open_labels(put([empty, NESTED])))
    assert (checked.labels, checked.silent) == (3, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines({**PAIR, "label": "a"}, {**PAIR, "label": "c"}), "file:2: 'label' is 'c'; it must"),
        (lines({**PAIR, "verdict": "a"}, {"verdict": "a"}), "file:2: 'prompt' must be a text"),
        (lines({**PAIR, "label": "a"}) + "{]", "file:2: not a JSON object"),
        (lines({**PAIR, "verdict": None, "kind": "person"}), "a person's 'verdict' is missing"),
        ("prompt,response_a,response_b,label\nHow?,So.,No.,x\n", "file:2: 'label' is 'x'"),
        ("prompt,response_a,response_b,label,p_a\n1,2,3,a,high\n", "file:2: 'p_a' is 'high' and"),
        ("prompt,response_a,response_b,verdict,review.blind\n1,2,3,a,so\n", "must be true or false"),
        ({**V1, "metadata": {"version": "3.0"}}, "version 3.0; only 1 and 2"),
        ({"comparisons": []}, "no 'annotators'"),
        ({**V1, "annotators": {}}, "comparison 1: the annotator 'd36860d4' is not among"),
        ([{**NESTED, "fields": {"a": "x"}}], "no prompt: a field prompt"),
        ([{**NESTED, "fields": {"prompt": "x", "one": "y"}}], "two fields like response_a"),
        ([{**NESTED, "responses": {"why": [{"value": "So", "user_id": "u"}]}, "suggestions": {}}],
         "no question was answered by a, b"),
        (lines({"x": 1}), "its first row has x); say what it is with --as"),
        ("name,age\nx,3\n", "no column 'response_a'"),
        ("", "the file is empty"),
        (lines(PAIR), "there is no verdict in this file"),
        (b"\xff\xfe", "not UTF-8"),
        (gzip.compress(lines({**PAIR, "label": "a"}).encode(), mtime=0)[:-9], "damaged or cut off"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(put, content, said):
    assert said in fault(put(content))


def test_a_form_that_it_is_not_is_refused(put):
    assert "it is not a table (CSV)" in fault(put([NESTED]), form="csv")


def test_bad_rows_can_be_left_out_and_are_listed(put):
    rows = [{**PAIR, "label": "a"}, {**PAIR, "label": "c"}, "no row"]
    checked = label_merge.check(open_labels(put(lines(*rows))), skip_bad=True)
    assert [bad.line for bad in checked.bad] == [2, 3]
    assert checked.labels == 1


def test_nothing_but_bad_rows_is_refused_with_the_first_reason(put):
    with pytest.raises(DataError, match="no row can be read; the first: 'label' is 'c'"):
        label_merge.check(open_labels(put(lines({**PAIR, "label": "c"}))), skip_bad=True)


def test_lines_are_not_held(put):
    long = "word " * 2_000
    rows = (json.dumps({**PAIR, "prompt": f"{n} {long}", "label": "a"}) for n in range(3_000))
    path = put("\n".join(rows))
    tracemalloc.start()
    checked = label_merge.check(open_labels(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert checked.labels == 3_000
    assert peak < path.stat().st_size / 4


def examples():
    """The blocks of the page on forms that are files."""
    blocks = (PROJECT_DIR / "docs" / "labels.md").read_text(encoding="utf-8").split("\n\n")
    return [
        dedent(block) for block in blocks if block.startswith(("    {", "    [", "    prompt,"))
    ]


def test_what_the_page_on_forms_shows_can_be_read(put):
    files = [open_labels(put(text, str(n))) for n, text in enumerate(examples())]
    assert {file.form for file in files} == set(FORMS)
    assert all(label_merge.check(file).labels >= 1 for file in files)
