"""The suite as a YAML file: strict in, whole out."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import DataError
from cai_core.evaluate import suite_file
from cai_core.schema import MUSTS, PAIR_MUSTS, Case, Expectation, Message, user

CASE = "cases:\n  - id: tea\n    prompt: How?\n    expect: must say\n    text: kettle\n"
PAIR = "cases:\n  - prompt: How?\n    response_a: So.\n    response_b: Not so.\n    expect: b must win\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "s.yaml:1: must be a mapping with 'cases'"),
        ("- a", "s.yaml:1: must be a mapping with 'cases'"),
        ("cases: [", "s.yaml:1: not YAML"),
        ("cases: []", "s.yaml:1: 'cases' must be a list with at least one case"),
        ("cases: tea", "'cases' must be a list"),
        ("cases: &x\n  - *x\n", "s.yaml:1: a row must be a JSON object"),
        ("name: s\n" + CASE, "s.yaml:1: unknown field 'name'; there is 'cases' alone"),
        (CASE + "    colour: red\n", "s.yaml:6: unknown field 'colour'"),
        (CASE + "    text: pot\n", "s.yaml:6: not YAML"),
        (CASE + "cases: []\n", "not YAML"),
        (CASE + "  - just a text\n", "s.yaml:6: a row must be a JSON object"),
        (CASE + "  - prompt: x\n", "s.yaml:6: 'expect' is missing"),
        (CASE + "  - id: tea\n    prompt: x\n    expect: must refuse\n", "s.yaml:6: the id 'tea'"),
        (CASE + CASE[7:].replace("id: tea", "note: x") * 2, "the id"),
        (CASE.replace("must say", "should say"), "s.yaml:4: 'expect' is 'should say'"),
        (CASE.replace("text: kettle", "text: ''"), "s.yaml:5: 'text' is missing or empty"),
        (CASE.replace("text: kettle", "text: 7"), "s.yaml:5: 'text' must be a text"),
        (CASE.replace("must say", "must refuse"), "s.yaml:5: 'text' goes with"),
        (
            CASE.replace("must say\n    text: kettle", "a must win"),
            "s.yaml:4: 'a must win' needs a pair",
        ),
        (CASE.replace("prompt: How?", "prompt: ''"), "s.yaml:3: 'prompt' is empty"),
        (CASE.replace("prompt: How?", "prompt: [x]"), "s.yaml:3: a turn of 'prompt' needs a role"),
        (CASE.replace("id: tea", "id: 2026-01-01"), "s.yaml:2: 'id' must be a text"),
        (CASE.replace("id: tea", 'id: "a\\nb"'), "s.yaml:2: 'id' must be one line"),
        (CASE + "    p: 0.6\n", "s.yaml:6: 'p' goes with the expectations of a pair"),
        (CASE + "    enabled: maybe\n", "s.yaml:6: 'enabled' must be true or false"),
        (CASE + '    note: "\\ud800"\n', "s.yaml:6: 'note' holds half a character"),
        (CASE + "    response_a: x\n", "s.yaml:2: 'response_b' is missing or empty"),
        (PAIR + "    p: 0.4\n", "s.yaml:6: 'p' must be from 0.5 to 1"),
        (PAIR + "    p: .nan\n", "s.yaml:6: 'p' must be a number from 0 to 1"),
        (PAIR + "    on: both\n", "s.yaml:6: 'on' does not go with 'b must win'"),
        (PAIR.replace("b must win", "must refuse"), "s.yaml:5: 'must refuse' is asked of a prompt"),
        (
            PAIR.replace("response_b: Not so.", "response_b: ''"),
            "s.yaml:4: 'response_b' is missing",
        ),
        (CASE.replace("id: tea", "id: !!int ''"), "s.yaml: not YAML that can be read"),
        (CASE.replace("id: tea", "enabled: !!bool x"), "s.yaml: not YAML that can be read"),
        ("[a]: x\n" + CASE, "s.yaml:1: unknown field 'a list or mapping'; there is 'cases' alone"),
        (CASE + "    note: " + "[" * 4000 + "\n", "s.yaml:6: is nested too deep"),
        (CASE + "    note: a\x07b\n", "s.yaml:6: holds a control character"),
        (CASE + "    note: a\x7fb\n", "s.yaml:6: not YAML: a character"),
        (CASE + "    note: &a x\n    principle: &a y\n", "s.yaml:7: the anchor '&a' stands above"),
        ("cases:\n  - !!python/object/apply:os.system [x]\n", "s.yaml:2: not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said):
    with pytest.raises(DataError) as caught:
        suite_file.parse(text, name="s.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("s.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused_with_its_line():
    with pytest.raises(DataError, match=r"s\.yaml:2: not UTF-8"):
        suite_file.parse(b"cases:\n# caf\xe9\n", name="s.yaml")


def test_brackets_in_brackets_are_refused_at_once():
    began = time.process_time()
    with pytest.raises(DataError, match="nested too deep"):
        suite_file.parse("[" * 100_000)
    assert time.process_time() - began < 1


def test_a_file_of_another_editor_is_read():
    assert suite_file.parse(b"\xef\xbb\xbf" + CASE.replace("\n", "\r\n").encode())[0].id == "tea"


def test_a_file_that_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(DataError, match="cannot be read: No such file"):
        suite_file.read(tmp_path / "none.yaml")


def test_a_case_without_an_id_is_named_by_what_it_asks():
    (case,) = suite_file.parse(PAIR)
    (noted,) = suite_file.parse(PAIR + "    note: why\n")
    assert case.id == noted.id == case.digest
    assert case.answers == ("So.", "Not so.")


def test_a_conversation_and_several_lines_read_well_in_the_file():
    chat = (Message("system", "Be brief."), user("Is it?"))
    case = Case.of(chat, Expectation("must not say", "so", both=True), note="one\n\ntwo")
    text = suite_file.dump([case])
    assert "note: |-\n      one\n\n      two\n" in text
    assert "on: both" in text
    assert suite_file.parse(text) == (case,)


encodable = st.characters(exclude_categories=["Cs"])
texts = st.text(encodable, min_size=1, max_size=40).filter(str.strip)
knotty = st.text(
    "ab :#-'\"\n\t\r|>é\u2028\x85\x07\U0001f600[]{}&*!%@`,?\\", min_size=1, max_size=30
)
words = st.one_of(texts, knotty.filter(str.strip))


@st.composite
def cases(draw):
    must = draw(st.sampled_from(MUSTS))
    of_pair = must in PAIR_MUSTS
    text = draw(words) if must in ("must say", "must not say") else ""
    p = draw(st.none() | st.floats(0.5, 1)) if of_pair else None
    both = must in ("must refuse", "must say") and draw(st.booleans())
    return Case.of(
        draw(words),
        Expectation(must, text, p, both),
        answers=(draw(words), draw(words)) if of_pair else None,
        principle=draw(st.just("") | words.map(str.strip)),
        note=draw(st.just("") | words),
        enabled=draw(st.booleans()),
    )


@given(st.lists(cases(), min_size=1, max_size=4, unique_by=lambda case: case.id))
def test_what_is_written_is_read_back_the_same(given_cases):
    text = suite_file.dump(given_cases)
    assert suite_file.parse(text) == tuple(given_cases)
    assert suite_file.parse(text.encode()) == tuple(given_cases)


fields = st.sampled_from(
    ["id", "prompt", "expect", "text", "p", "on", "enabled", "response_a", "x"]
)
values = st.sampled_from(
    [
        "tea",
        "must say",
        "a must win",
        "[a, b]",
        "{a: b}",
        "0.6",
        "true",
        "~",
        "'",
        "|",
        "&a x",
        "*a",
        "!!int ''",
        "!!bool x",
        "!!float x",
        "!!timestamp x",
        "!!binary x",
    ]
)


@given(st.one_of(st.text(max_size=80), st.lists(st.tuples(fields, values), max_size=8)))
def test_any_text_is_read_or_refused_in_one_sentence(content):
    if isinstance(content, list):
        content = "cases:\n  - note: x\n" + "".join(f"    {k}: {v}\n" for k, v in content)
    said = ""
    try:
        read = suite_file.parse(content, name="s.yaml")
    except DataError as error:
        said = str(error)
    if said:
        assert said.startswith("s.yaml")
        assert len(said.splitlines()) == 1
    else:
        assert suite_file.parse(suite_file.dump(read)) == read
