"""Forms told apart, round trips as properties, and malformed files of each form."""

import contextlib
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cai_core.constitution import document, forms, prose
from cai_core.errors import CaiError, ConstitutionError
from cai_core.schema import Constitution, Principle
from cai_core.settings import DATA_DIR, PROJECT_DIR

LONG = "The assistant should be honest. People come with many things on their minds. " * 60
ONE_LINE = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=60
).map(lambda text: " ".join(text.split()))
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=60)
SOME = WORDS.filter(str.strip)
TAG = ONE_LINE.filter(bool)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)


@st.composite
def constitutions(draw, *, wording=WORDS, name=SOME, tags=TAG):
    """Any constitution that can be used: each principle has a text or a critique."""
    found = []
    for key in draw(st.lists(KEYS, min_size=1, max_size=4, unique=True)):
        text, critique = draw(wording), draw(wording)
        found.append(
            Principle(
                key,
                text if text.strip() or critique.strip() else "Which?",
                critique,
                draw(wording),
                draw(st.sampled_from([1.0, 1.0, 0.5])),
                tags=tuple(draw(st.lists(tags, max_size=3))),
                source=draw(wording),
            )
        )
    return Constitution(draw(name), tuple(found), draw(wording))


def read(text, name="c.json", **given):
    return forms.read(text, name=name, **given).constitution


@given(constitutions())
def test_yaml_loses_nothing(constitution):
    written = forms.write(constitution, "yaml")
    assert read(written.text.encode(), "c.yaml") == constitution
    assert written.left_out == ()


@given(constitutions(wording=ONE_LINE, name=ONE_LINE.filter(bool)))
@example(Constitution("#", (Principle("k", "** x:", "- y", source="> z"),), "= 1."))
@example(Constitution("c", (Principle("k", "x", tags=("a", "a")), Principle("l", "y")), "| t"))
def test_markdown_gives_back_all_but_weights(constitution):
    written = forms.write(constitution, "markdown")
    back = read(written.text.encode(), "c.md", form="markdown")
    assert (back.name, back.description) == (constitution.name, constitution.description)
    for was, now in zip(constitution.principles, back.principles, strict=True):
        assert now == Principle(
            was.key, was.text, was.critique, was.revision, tags=was.tags, source=was.source
        )
    weighted = any(p.weight != 1 for p in constitution.principles)
    assert bool(written.left_out) == weighted


@given(st.lists(SOME, min_size=1, max_size=5))
def test_the_papers_comparisons_give_back_every_wording(texts):
    constitution = Constitution("c", tuple(Principle(f"k{i}", t) for i, t in enumerate(texts)))
    written = forms.write(constitution, "paper-comparisons").text
    back = read(written)
    assert [p.text for p in back.principles] == texts
    assert forms.write(back, "paper-comparisons").text == written


@given(st.dictionaries(KEYS, st.tuples(SOME, WORDS), min_size=1, max_size=4))
def test_the_papers_critiques_give_back_keys_and_requests(rows):
    principles = tuple(Principle(key, "", c, r) for key, (c, r) in rows.items())
    written = forms.write(Constitution("c", principles), "paper-critiques").text
    assert read(written).principles == principles
    assert forms.write(read(written), "paper-critiques").text == written


@given(st.lists(st.tuples(SOME, WORDS), min_size=1, max_size=4))
def test_the_recipe_gives_back_every_request(rows):
    principles = tuple(Principle(f"k{i}", "", c, r) for i, (c, r) in enumerate(rows))
    written = forms.write(Constitution("c", principles), "recipe").text
    assert [(p.critique, p.revision) for p in read(written).principles] == rows
    assert forms.write(read(written), "recipe").text == written


@pytest.mark.parametrize("form", forms.OUT)
@pytest.mark.parametrize("path", sorted((DATA_DIR / "constitutions").glob("*.yaml")), ids=str)
def test_what_is_written_is_recognised_and_written_again_the_same(path, form):
    written = forms.write(document.read(path), form)
    found = forms.read(written.text.encode(), name=f"c{forms.suffix(form)}")
    assert (found.form, found.left_out) == (form, ())
    assert forms.write(found.constitution, form).text == written.text


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("c.yaml", "name: c\nprinciples: []", "yaml"),
        ("c", "name: c\nprinciples:\n- key: k\n", "yaml"),
        ("c.yml", '{"name": "c", "principles": []}', "yaml"),
        ("c.json", '{"name": "c", "principles": []}', "yaml"),
        ("c.txt", ' ["Which is kinder?"]', "paper-comparisons"),
        ("c.yaml", '[{"critic": "x", "revision": "y"}]', "recipe"),
        ("c.md", "# Rules\n\n- Be kind\n- Be true\n", "markdown"),
        ("c.txt", "Be kind.\nBe true.\n", "markdown"),
        ("c.txt", LONG, "prose"),
        ("c.md", f"# Rules\n\n{LONG}", "prose"),
        ("c.md", "[1] is a footnote\n\n- Be kind", "markdown"),
        ("c.md", "[ ] Be kind\n\n[x] Be true\n", "markdown"),
        ("c.md", "{name} is kind.\n\n[Be](true) to people.\n", "markdown"),
    ],
)
def test_a_form_is_known_by_content_and_name(name, text, form):
    assert forms.recognise(text.encode(), name=name) == form


@pytest.mark.parametrize("name", ["c.txt", "c.md", "c"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"critic": "a", "revision": "b"},\n]', 2),
        ('{"a": 1,\n}', 2),
        ('\n["Which?"', 2),
        ('[ "a" "b"]', 1),
        ("[{]", 1),
    ],
)
def test_broken_json_is_named_with_its_line_whatever_the_file_is_called(name, text, line):
    with pytest.raises(ConstitutionError, match=rf"{name}:{line}: not JSON"):
        forms.read(text, name=name)


@pytest.mark.parametrize("text", ["[]", "{}", "[1, 2]", "[[1]]"])
def test_json_without_principles_is_no_markdown(text):
    with pytest.raises(ConstitutionError, match=r"c\.txt:1: "):
        forms.read(text, name="c.txt")


def test_json_is_parsed_once(monkeypatch):
    parsed = []
    monkeypatch.setattr(
        json, "loads", lambda *a, real=json.loads, **k: parsed.append(a) or real(*a, **k)
    )
    text = json.dumps(["Which is kinder?"] * 3)
    form = forms.recognise(text, name="once.json")
    forms.read(text, name="once.json", form=form)
    assert [given for (given, *_) in parsed].count(text) == 1


def test_a_name_comes_from_the_file_or_from_who_asks():
    assert read('["Which?"]', "/a/my rules.json").name == "my rules"
    assert read("# Ours\n\n- Be kind", "c.md").name == "Ours"
    assert read("# Ours\n\n- Be kind", "c.md", called=" other \n name ").name == "other name"


def test_prose_is_not_read_without_a_person():
    with pytest.raises(ConstitutionError, match="you accept those you want"):
        forms.read(LONG, name="c.txt")
    with pytest.raises(ConstitutionError, match="not written as prose"):
        forms.write(document.parse("name: c\nprinciples: [{key: k, text: x}]"), "prose")


def test_disabled_principles_stay_out_of_other_forms_and_are_named():
    off = Principle("off", "Which is calmer?", "Find.", enabled=False)
    constitution = Constitution("c", (Principle("on", "Which is kinder?", "Find."), off))
    for form in forms.OUT[1:]:
        if form == "prose":
            continue
        written = forms.write(constitution, form)
        assert "calmer" not in written.text
        assert any("(off), because they are disabled" in s for s in written.left_out)


# -- malformed files: one sentence and nothing else

GOOD = {
    "c.yaml": "name: c\ndescription: d\nprinciples:\n  - key: one\n    text: Which?\n    tags: [a]\n",
    "c.md": "# c\n\nText.\n\n## a\n\n- **one:** Which?\n  - Critique request: Find.\n\n  > From here.\n",
    "c.txt": LONG,
    "l.json": json.dumps(["\nWhich is kinder? Options:", "Which?"], indent=1),
    "p.json": json.dumps({"a": {"prompt": ["Find."], "edit_request": "Mend."}}, indent=1),
    "r.json": json.dumps(
        {"constitutions": [{"critic": "Find.", "revision": "Mend."}], "system_chat": [[]]}, indent=1
    ),
}
PIECES = (
    "\ufeff,\x00,\x0b,\x85,\u2028,\ud800,\\ud800,\"\\ud800\",NaN,Infinity,{,},[,],:,- ,&a ,*a,!!int ''"
    ",!!bool x,!!timestamp x,? [a]\n: b,\t,|,>,%,@,`,***,```,<!--,1e999999,null,true,\r,\n\n,# ,__,\\"
)
MANY = ("9" * 5000, "[" * 3000, "- " * 500, "> " * 500, "{a: " * 300)
NASTY = st.sampled_from([*PIECES.split(","), *MANY])


def answered(data, name):
    """Read, or refused in one sentence that begins with the file."""
    for form in (None, *forms.FORMS):
        try:
            found = forms.read(data, name=name, form=form).constitution
        except CaiError as error:
            is_a_sentence(error, name)
        else:
            assert found == Constitution.from_row(found.to_row()).check()
    with contextlib.suppress(ConstitutionError):
        prose.candidates(data, name=name)


def is_a_sentence(error, name):
    assert isinstance(error, ConstitutionError)
    assert str(error).startswith(name)
    assert "\n" not in str(error)
    assert len(str(error)) <= 400


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_random_bytes_are_answered_with_a_sentence(data):
    answered(data, "c.json")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200), st.sampled_from(sorted(GOOD)))
def test_any_text_is_answered_with_a_sentence(text, name):
    answered(text, name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_a_spoilt_file_is_answered_with_a_sentence(name, data):
    text = GOOD[name][:600]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        drop = data.draw(st.sampled_from([0, 0, 1, 5, 10_000]))
        text = text[:at] + data.draw(st.one_of(NASTY, st.text(max_size=5))) + text[at + drop :]
    answered(text, name)


NAMES = ("prompt", "edit_request", "critic", "revision", "constitutions", "system_chat", "a", "")
OWN_NAMES = ("name", "principles", "key", "text", "tags", "weight")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=8), st.just("Find.")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(NAMES + OWN_NAMES), inner, max_size=4),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON)
def test_json_of_any_shape_is_answered_with_a_sentence(value):
    answered(json.dumps(value), "c.json")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_file_cut_short_anywhere_is_answered_with_a_sentence(name):
    whole = GOOD[name][:300].encode()
    for length in range(len(whole)):
        answered(whole[:length], name)


@pytest.mark.parametrize("name", ["c.yaml", "c.md", "c.txt", "c.json"])
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b"caf\xe9\n", ":1: not UTF-8"),
        ("name: c\n".encode("utf-16"), ":1: not UTF-8"),
        (b"a\nb\x00c", ":2: holds a control character"),
        (b"%PDF-1.7\n\x0e\x01", ":2: holds a control character"),
        (b"a" * 3_000_000, "has 3.0 MB and 2 MB is the most"),
        ("a\n\ud800", ":2: holds a control character"),
    ],
)
def test_what_is_no_text_is_named(name, data, said):
    for form in (None, *forms.FORMS):
        with pytest.raises(ConstitutionError) as caught:
            forms.read(data, name=name, form=form)
        assert said in str(caught.value)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm():
    text = "\ufeff# c\r\n\r\n- Be kind\r\n- Be true\r\n".encode()
    assert [p.text for p in read(text, "c.md").principles] == ["Be kind", "Be true"]


def test_the_documentation_names_every_form():
    text = (PROJECT_DIR / "docs" / "constitutions.md").read_text(encoding="utf-8")
    assert [form for form in forms.FORMS if f"\n| `{form}` |" not in text] == []
