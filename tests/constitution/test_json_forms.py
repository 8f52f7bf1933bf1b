"""The JSON of the CAI paper and of the Hugging Face recipe, in and out."""

import json

import pytest

from cai_core.constitution import forms
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

CRITIQUES = """{
  "harmful0": {
    "prompt": [
      "\\n\\nCritiqueRequest: Say what is cruel in the assistant's last response.\\n\\nCritique:"
    ],
    "edit_request": "\\n\\nRevisionRequest: Please rewrite it without cruelty.\\n\\nRevision:"
  },
  "harmful1": {
    "prompt": [
      "\\n\\nCritiqueRequest: Say what is false in it.\\n\\nCritique:"
    ],
    "edit_request": "\\n\\nRevisionRequest: Please rewrite it so that it is true.\\n\\nRevision:"
  }
}
"""
COMPARISONS = (
    '["\\nPlease choose the kinder response. Options:", "\\nWhich is less harmful? Options:"]'
)
RECIPE = {
    "constitutions": [
        {"critic": "Say what is rude in the response.", "revision": "Rewrite it politely."},
        {"critic": "Say what is false in it.", "revision": "Rewrite it truthfully."},
    ],
    "system_chat": [],
}


def read(text, **given):
    return forms.read(text, name="c.json", **given)


def said_of(text, **given):
    with pytest.raises(ConstitutionError) as caught:
        read(text, **given)
    return str(caught.value)


def test_the_papers_critiques_come_in_bare_and_go_out_to_the_letter():
    found = read(CRITIQUES)
    first = found.constitution.principle("harmful0")
    assert (found.form, found.left_out) == ("paper-critiques", ())
    assert first.critique == "Say what is cruel in the assistant's last response."
    assert first.revision == "Please rewrite it without cruelty."
    assert forms.write(found.constitution, "paper-critiques").text == CRITIQUES


def test_the_papers_comparisons_come_in_bare_and_go_out_to_the_letter():
    found = read(COMPARISONS)
    texts = [p.text for p in found.constitution.principles]
    assert (found.form, found.left_out) == ("paper-comparisons", ())
    assert texts == ["Please choose the kinder response.", "Which is less harmful?"]
    assert forms.write(found.constitution, "paper-comparisons").text == COMPARISONS


def test_the_recipe_goes_round():
    found = read(json.dumps(RECIPE))
    assert (found.form, found.left_out) == ("recipe", ())
    assert json.loads(forms.write(found.constitution, "recipe").text) == RECIPE


def test_the_older_recipe_is_a_bare_list():
    found = read(json.dumps(RECIPE["constitutions"]))
    assert found.form == "recipe"
    assert found.constitution.principles[1].revision == "Rewrite it truthfully."


def test_worked_examples_and_unknown_fields_are_named_and_not_dropped_in_silence():
    row = RECIPE | {
        "system_chat": [[{"role": "user", "content": "Hi"}]],
        "version": 2,
    }
    row["constitutions"] = [{**RECIPE["constitutions"][0], "id": 7}]
    left = " ".join(read(json.dumps(row, indent=1)).left_out)
    assert "'system_chat' (line" in left
    assert "'version' (line" in left
    assert "'id' of entry 1 (line 6)" in left


@pytest.mark.parametrize(
    "raw",
    [
        "\n\nCritiqueRequest: Say what is false.\n\nCritique:",
        "Critique Request: Say what is false.",
        "critique_request: Say what is false.\nCritique:",
        "[INST] CritiqueRequest: Say what is false. [/INST]",
        "<s>[INST] Say what is false. [/INST]\n\nCritique:",
        "  Say what is false.\n",
    ],
)
def test_variants_of_the_wrapper_are_taken_off_and_said(raw):
    found = read(json.dumps({"a": {"prompt": [raw], "edit_request": ""}}))
    assert found.constitution.principles[0].critique == "Say what is false."
    assert bool(found.left_out) == (not raw.startswith("\n\n"))


def test_a_wrapper_inside_a_recipe_is_taken_off_and_said():
    row = [{"critic": "CritiqueRequest: Find fault.", "revision": "Mend it."}]
    found = read(json.dumps(row))
    assert found.constitution.principles[0].critique == "Find fault."
    assert "CritiqueRequest" in found.left_out[0]


def test_several_prompts_of_one_name_are_several_principles():
    row = {"a": {"prompt": ["Find fault.", "Find more."], "edit_request": "Mend it."}}
    found = read(json.dumps(row))
    assert [p.key for p in found.constitution.principles] == ["a", "a-2"]
    assert {p.revision for p in found.constitution.principles} == {"Mend it."}
    assert any("belong together" in sentence for sentence in found.left_out)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"a": 1,\n}', "c.json:3: not JSON"),
        ('["a",\n NaN]', "c.json:2: NaN is no JSON"),
        (
            '{"a": {"prompt": "x"},\n"a": {"prompt": "y"}}',
            "c.json:2: the name 'a' stands on line 1",
        ),
        ('["a",\n{"critic": 1}]', "c.json:2: a comparison must be a text"),
        ('["a",\n"  Options: "]', "c.json:2: a comparison is empty"),
        ('["a",\n"\\ud800"]', "c.json:2: a text holds half of a surrogate pair"),
        ('{"a":\n {"edit_request": "x"}}', "c.json:2: 'a' has no 'prompt'"),
        ('{"a": {"prompt": "x"},\n "b": 3}', "c.json:2: 'b' must be an object"),
        ('{"a": {"prompt":\n []}}', "c.json:2: the 'prompt' of 'a' is empty"),
        ('{"a": {"prompt": ["x",\n 4]}}', "c.json:2: the 'prompt' of 'a' must be a text"),
        ('{"a": {"prompt": "x",\n"edit_request": []}}', "c.json:2: the 'edit_request' of 'a'"),
        ('[{"critic": "a"},\n{"revision": "b"}]', "c.json:2: entry 2 has no 'critic'"),
        ('[{"critic": "a"},\n{"critic": " "}]', "c.json:2: entry 2 has an empty 'critic'"),
        ('[{"critic": "a"},\n"b"]', "c.json:2: entry 2 must be an object"),
        ('[{"critic": "a",\n"revision": 3}]', "c.json:2: the 'revision' of entry 1"),
        ('{"constitutions":\n {}}', "c.json:2: 'constitutions' must be a list"),
        ('{"constitutions": []}', "c.json:1: has no principle"),
        ("[]", "c.json:1: is JSON, but not of a constitution"),
        ("3", "c.json:1: is JSON, but not of a constitution"),
        ('{"a": "b"}', "c.json:1: is JSON, but not of a constitution"),
        ("[" * 100_000 + "]" * 100_000, "c.json: is nested too deep"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, said):
    found = said_of(text)
    assert found.startswith(said)
    assert "\n" not in found


def test_a_form_that_was_chosen_wrongly_is_said():
    assert "looks like CAI paper, comparisons" in said_of(COMPARISONS, form="recipe")


def test_too_many_principles_are_refused():
    assert "1000 are the most" in said_of(json.dumps(["Which?"] * 1001))


def test_numbers_of_any_length_are_no_trouble():
    assert "must be a text" in said_of('["a", ' + "9" * 10_000 + "]")


def test_a_principle_that_a_form_cannot_hold_is_named():
    mixed = Constitution("c", (Principle("kind", "Which is kinder?"), Principle("x", "", "Find.")))
    left = forms.write(mixed, "paper-critiques").left_out
    assert any(sentence.startswith("1 principle (kind), because") for sentence in left)
    assert any("a revision request for 1 principle (x)" in sentence for sentence in left)


def test_a_form_that_would_be_empty_is_refused():
    only = Constitution("c", (Principle("kind", "Which is kinder?"),))
    with pytest.raises(ConstitutionError, match="no enabled principle of 'c' has a critique"):
        forms.write(only, "recipe")
