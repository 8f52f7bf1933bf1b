"""Constitutions as YAML, in and out."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution import document
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle
from cai_core.settings import DATA_DIR

GOOD = "name: c\nprinciples:\n  - key: one\n    text: Which is kinder?\n"


@pytest.mark.parametrize("path", sorted((DATA_DIR / "constitutions").glob("*.yaml")), ids=str)
def test_shipped_constitutions_are_read_and_written_back_the_same(path):
    read = document.read(path)
    assert document.parse(document.dump(read)) == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "c.yaml: the file is empty"),
        ("  \n\n", "c.yaml: the file is empty"),
        ("just a text", "c.yaml:1: must be a mapping"),
        ("- a\n- b", "c.yaml:1: must be a mapping"),
        ("name: [", "c.yaml:1: not YAML"),
        ("a: 1\n--- \nb: 2", "not YAML"),
        ("name: c", "'principles' must be a list with at least one"),
        ("name: c\nprinciples: []", "'principles' must be a list with at least one"),
        ("name: c\nprinciples: {a: 1}", "'principles' must be a list"),
        (GOOD + "colour: red\n", "c.yaml:5: unknown field 'colour'"),
        (GOOD + "name: d\n", "c.yaml:5: not YAML"),
        (GOOD + "    text: again\n", "c.yaml:5: not YAML"),
        (GOOD + "  - key: two\n", "c.yaml:5: principle 'two' has neither a text nor a critique"),
        (GOOD + "  - text: x\n", "c.yaml:5: a principle has no 'key'"),
        (GOOD + "  - key: one\n    text: x\n", "c.yaml:5: the key 'one' stands on line 3 already"),
        (GOOD + "    enabled: false\n", "no enabled principle"),
        (GOOD + "    enabled: maybe\n", "'enabled' must be true or false"),
        (GOOD + "    weight: .nan\n", "'weight'"),
        (GOOD.replace("name: c", "name: 3"), "must be texts"),
        (GOOD.replace("name: c", "name: ''"), "has no name"),
        (GOOD.replace("one", "!!python/object/apply:os.system [x]"), "c.yaml:3: not YAML"),
        ("name: c\nprinciples: &p\n  - *p\n", "a principle must be a mapping"),
        (GOOD.replace("one", "!!int ''"), "c.yaml: not YAML that can be read"),
        (GOOD.replace("one", "!!bool x"), "c.yaml: not YAML that can be read"),
        (GOOD.replace("one", '"\\ud800"'), "c.yaml:3: a key holds half of a surrogate pair"),
        ("? [a]\n: b\n" + GOOD, "c.yaml:1: unknown field 'a list or mapping'"),
        (GOOD + "    1: x\n", "c.yaml:3: principle 'one' has an unknown field '1'"),
        (GOOD + "    source: 3\n", "c.yaml:3: principle 'one': 'source' must be a text"),
        (GOOD + "    tags: " + "[" * 9000 + "\n", "c.yaml:5: is nested too deep"),
        (GOOD + "    tags: [&a x, &a y]\n", "c.yaml:5: the anchor '&a' stands above already"),
        (GOOD + "\x07", "c.yaml:5: holds a control character"),
        (GOOD + "\x7f", "c.yaml:5: not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said):
    with pytest.raises(ConstitutionError) as caught:
        document.parse(text, name="c.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("c.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_utf8_is_refused_with_its_line():
    with pytest.raises(ConstitutionError, match=r"c\.yaml:2: not UTF-8"):
        document.parse(b"name: c\n# caf\xe9\n", name="c.yaml")


def test_a_missing_file_is_a_sentence(tmp_path):
    with pytest.raises(ConstitutionError, match="cannot be read"):
        document.read(tmp_path / "none.yaml")


def test_json_is_read_too():
    text = '{"name": "c", "principles": [{"key": "k", "text": "Which?"}]}'
    assert document.parse(text).principles == (Principle("k", "Which?"),)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=80)


@given(words.filter(str.strip), words, st.lists(words.filter(str.strip), min_size=1, max_size=3))
def test_any_wording_survives_the_way_through_yaml(name, description, texts):
    principles = tuple(Principle(f"k{i}", text) for i, text in enumerate(texts))
    constitution = Constitution(name, principles, description)
    assert document.parse(document.dump(constitution)) == constitution


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_as_a_constitution(text):
    with contextlib.suppress(ConstitutionError):
        document.parse(GOOD + text)


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029", "\r", "\r\n"])
def test_rare_line_breaks_survive_the_way_through_yaml(mark):
    wording = f"one{mark}two{mark}"
    constitution = Constitution("c", (Principle("k", wording),))
    assert document.parse(document.dump(constitution)).principles[0].text == wording
