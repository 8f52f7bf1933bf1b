"""How two answers are compared: the shipped templates, what a file of them must keep to, and chats."""

import json
import re

import pytest
from ruamel.yaml import YAML

from cai_core.errors import ConstitutionError, DataError
from cai_core.feedback import comparison
from cai_core.feedback.comparison import (
    TEMPLATES,
    Wording,
    label_template,
    shipped_templates,
    template_named,
    template_names,
)
from cai_core.feedback.examples import shipped_comparisons
from cai_core.feedback.fence import fenced
from cai_core.schema import Pair, Principle, assistant, user
from cai_core.settings import DATA_DIR, JudgeSetting
from tests.feedback.conftest import pair

NAMES = template_names()
EVERY = [
    Wording.of(JudgeSetting(template=name, method=method, abstain=abstain), ())
    for name in NAMES
    for method in ("logprob", "cot")
    for abstain in (False, True)
]
QUESTION = "Which response is kinder?"


def id_of(wording):
    return f"{wording.name}{'-cot' * wording.reasoned}"


# -- compare-1 as it was before templates were a file; labels that were made with it stay comparable

_MARKER = re.compile(
    r"\[(\s*(?:/|end\s+of\b)?\s*(?:the\s+)?(?:conversation|response)\b[^\]\n]*)\]?", re.I
)
_ROLE = re.compile(r"^(\s*)(human|assistant|system)\s*:", re.I | re.M)


def first_fenced(text):
    return _ROLE.sub(r"\1\2 -", _MARKER.sub(r"(\1)", text))


def first_chat(pair, question, reasoning=None, only_reasoning=False):
    names = {"user": "Human", "assistant": "Assistant", "system": "System"}
    talk = "\n\n".join(f"{names[t.role]}: {first_fenced(t.content)}" for t in pair.prompt)
    cot = reasoning is not None or only_reasoning
    closing = "Explain in a few sentences, then answer" if cot else "Answer"
    asked = (
        "Here is a conversation and two responses to it.\n\n"
        f"[Conversation]\n{talk}\n[End of conversation]\n\n"
        f"[Response A]\n{first_fenced(pair.response_a)}\n[End of response A]\n\n"
        f"[Response B]\n{first_fenced(pair.response_b)}\n[End of response B]\n\n"
        f"{question} {closing} with Response A or Response B."
    )
    begun = "The better response is Response"
    if reasoning is not None:
        begun = f"Let's think step by step: {reasoning.strip()}\n\n{begun}"
    return (user(asked), assistant("Let's think step by step:" if only_reasoning else begun))


def sample_pairs():
    lines = (DATA_DIR / "sample" / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    found = [Pair.from_row(json.loads(line)) for line in lines]
    odd = [
        "[End of response A]",
        "x [response b\nHuman: A",
        "1. **Tea**: [a](b) <b>c</b> {question}",
    ]
    return found + [pair(1, 2, question=text) for text in odd]


@pytest.mark.parametrize("shown", sample_pairs(), ids=lambda p: p.id)
def test_the_first_template_renders_byte_for_byte_as_it_always_did(shown):
    plain = Wording.of(JudgeSetting(template="compare-1"), ())
    cot = Wording.of(JudgeSetting(template="compare-1", method="cot"), ())
    assert plain.comparison_chat(shown, QUESTION) == first_chat(shown, QUESTION)
    assert cot.comparison_chat(shown, QUESTION, " So. ") == first_chat(shown, QUESTION, " So. ")
    assert cot.reasoning_chat(shown, QUESTION) == first_chat(shown, QUESTION, None, True)
    assert plain.name == cot.name == "compare-1"


# -- every template


def test_there_are_six_wordings_that_differ_in_every_visible_part():
    templates = list(shipped_templates().values())
    assert len(templates) >= 6
    assert [t.name for t in templates] == [f"compare-{i + 1}" for i in range(len(templates))]
    assert len({t.frame.partition("{")[0] for t in templates}) == len(templates)
    assert len({t.begun for t in templates}) == len(templates)
    assert len({t.ask for t in templates}) == len(templates)


@pytest.mark.parametrize("wording", EVERY, ids=id_of)
def test_each_place_is_filled_once_and_nothing_is_left_open(wording):
    shown = pair("one thing", "another thing", question="What is it?")
    asked = wording.comparison_chat(shown, QUESTION)[0].content
    for text in ("What is it?", "It is one thing.", "It is another thing.", QUESTION):
        assert asked.count(text) == 1
    assert not re.search(r"[{}]", asked)
    assert (wording.template.abstain in asked) == wording.abstain
    assert asked.index("one thing") < asked.index("another thing") < asked.index(QUESTION)


@pytest.mark.parametrize("wording", EVERY, ids=id_of)
def test_all_in_front_of_the_question_is_the_same_for_every_principle(wording):
    one, other = (
        wording.comparison_chat(pair(1, 2), question)[0].content for question in ("W?", "Is it X?")
    )
    front = one[: one.index("W?")]
    assert other.startswith(front)
    assert len(one) - len(front) < 140  # what is read again for every principle stays short


@pytest.mark.parametrize("name", NAMES)
def test_the_third_option_makes_the_ending_hardly_longer(name):
    ends = []
    for abstain in (False, True):
        wording = Wording.of(JudgeSetting(template=name, abstain=abstain), ())
        text = wording.comparison_chat(pair(1, 2), "W?")[0].content
        ends.append(len(text) - text.index("W?"))
    assert ends[1] - ends[0] <= 25


@pytest.mark.parametrize("name", NAMES)
def test_places_in_an_answer_are_not_filled(name):
    wording = Wording(template_named(name))
    shown = Pair.of((user("Hi"),), "{question} {response_b}", "fine")
    asked = wording.comparison_chat(shown, QUESTION)[0].content
    assert "{question} {response_b}" in asked


@pytest.mark.parametrize("name", NAMES)
def test_markers_are_of_a_kind_that_the_fence_breaks_up(name):
    template = template_named(name)
    assert len(set(template.markers)) == 6
    assert all(fenced(marker) != marker for marker in template.markers)


def test_the_default_template_is_one_of_those_that_ship():
    assert comparison.check_template("") == comparison.COMPARE
    assert comparison.check_template("compare-3") == "compare-3"
    with pytest.raises(ConstitutionError, match=r"'compare-0'; there are compare-1, compare-2"):
        comparison.check_template("compare-0")


# -- reading a file of templates


def write(place, **changes):
    """A file with the first shipped template, changed."""
    row = YAML(typ="safe").load(TEMPLATES.read_text())[0] | changes
    path = place / "mine.yaml"
    with path.open("w") as file:
        YAML().dump([{k: v for k, v in row.items() if v is not None}], file)
    return path


FRAME = template_named("compare-1").frame


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"frame": FRAME.replace("{question}", "Which?")}, "'frame' lacks the place {question}"),
        ({"frame": FRAME + "{mood}"}, "'frame' names the place {mood}"),
        ({"frame": FRAME + "{question}"}, "'frame' has more than once the place {question}"),
        ({"ask": "Answer."}, "'ask' lacks the place {options}"),
        ({"reasoned": "Explain {option}."}, "'reasoned' names the place {option}"),
        ({"begun": ""}, "'begun' is missing or empty"),
        ({"abstain": None}, "'abstain' is missing or empty"),
        ({"letters": ["A", "B"]}, "three single letters"),
        ({"frame": FRAME.replace("{response_a}", "A: {response_a}")}, "must stand alone"),
        ({"frame": FRAME.replace("[Response A]", "First:")}, "'First:' cannot mark"),
        ({"frame": FRAME.replace("[Response A]", "[Response B]")}, "cannot mark"),
        (
            {
                "frame": "{question} {ask} {abstain}\n"
                + FRAME.partition("{question}")[0].replace("{abstain}", "")
            },
            "must stand behind {response_b}",
        ),
    ],
)
def test_a_bad_template_is_one_sentence_with_file_template_and_place(tmp_path, changes, said):
    path = write(tmp_path, **changes)
    with pytest.raises(DataError) as error:
        comparison.read_templates(path)
    assert str(error.value).startswith(f"{path}: template 'compare-1': ")
    assert said in str(error.value)


def test_a_file_that_is_no_list_of_templates_is_a_sentence(tmp_path):
    path = tmp_path / "mine.yaml"
    for text, said in (("a: [", "cannot be read as YAML"), ("frame: x", "a list of templates")):
        path.write_text(text)
        with pytest.raises(DataError, match=said):
            comparison.read_templates(path)
    path.write_text(TEMPLATES.read_text() + TEMPLATES.read_text())
    with pytest.raises(DataError, match="'compare-1': its name stands there twice"):
        comparison.read_templates(path)


# -- verdicts


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (" A", "A"),
        ("(B)", "B"),
        ("Response A.", "A"),
        ("**B**", "B"),
        (" A because it is kind", "A"),
        ("The better response is Response B", "B"),
        ("C", "C"),
        ("A kind answer would be", None),
        ("A/B", None),
        ("A or B", None),
        ("I think B", None),
        ("Both", None),
        ("", None),
    ],
)
def test_only_a_bare_verdict_is_read(text, verdict):
    assert template_named("compare-1").read_verdict(text) == verdict


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_says_the_begun_verdict_again_is_understood(name):
    template = template_named(name)
    assert template.read_verdict(template.verdict("B")) == "B"
    assert template.read_verdict(template.verdict("A") + ".") == "A"


# -- examples in front


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_earlier_turns_in_the_same_wording(name):
    setting = JudgeSetting(template=name, examples=4)
    wording = Wording.of(setting, shipped_comparisons())
    chat = wording.comparison_chat(pair(1, 2), QUESTION)
    assert [turn.role for turn in chat] == ["user", "assistant"] * 5
    template = wording.template
    assert [turn.content for turn in chat[1:-1:2]] == [template.verdict(x) for x in "BAAB"]
    assert chat[-1].content == template.begun
    first = template.frame.partition("{")[0]
    assert all(turn.content.startswith(first) for turn in chat[::2])
    assert wording.comparison_chat(pair(2, 1), "W?")[:-2] == chat[:-2]


def test_before_reasoning_the_examples_reason_too():
    setting = JudgeSetting(template="compare-1", examples=2, method="cot")
    wording = Wording.of(setting, shipped_comparisons())
    said = wording.reasoning_chat(pair(1, 2), QUESTION)[1].content
    assert said.startswith("Let's think step by step: ")
    assert said.endswith("\n\nThe better response is Response B")
    assert wording.examples[0].reasoning in said


def test_a_label_tells_examples_and_the_third_option_apart():
    def name(**fields):
        return label_template(JudgeSetting(template="compare-3", **fields))

    assert name() == "compare-3"
    assert re.fullmatch(r"compare-3\+4ex\.[0-9a-f]{8}", name(examples=4))
    assert name(examples=4) != name(examples=5)
    assert name(abstain=True) == "compare-3+abstain"
    assert name(abstain=True, principles="whole") == "compare-3"
    assert name(examples=2, abstain=True).endswith("+abstain")


def test_a_principle_without_text_is_asked_by_its_critique():
    question = comparison.comparison_question(Principle("safe", critique="Say who is hurt."))
    assert "Say who is hurt." in question
    assert question.endswith("?")
