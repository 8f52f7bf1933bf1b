"""Wordings: what is filled in, what is stripped, how texts are cut and fenced."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.errors import ModelError
from cai_core.feedback import templates
from cai_core.feedback.draw import draw, voters
from cai_core.feedback.examples import shipped_revisions
from cai_core.feedback.templates import Task
from cai_core.schema import Constitution, Message, Principle, assistant, user

KIND = Principle("kind", text="Which response is kinder?")
SAFE = Principle("safe", critique="Say who is hurt.", revision="Take the harm out.")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Sure, here is a revised response: Wash it.", "Wash it."),
        ("Sure! Here's the revised answer:\n\nWash it.", "Wash it."),
        (
            "Certainly. Here is my rewritten response:\n- Wash it.\n- Dry it.",
            "- Wash it.\n- Dry it.",
        ),
        ("**Revised response:** Wash it.", "Wash it."),
        ("Revision: Wash it.", "Wash it."),
        ("Critique: It lies.", "It lies."),
        ('"Wash it."', "Wash it."),
        ("Here is how to wash it: use soap.", "Here is how to wash it: use soap."),
        ("Sure, use soap.", "Sure, use soap."),
        ("The answer is yes.", "The answer is yes."),
        ('He said "yes" and "no"', 'He said "yes" and "no"'),
        ("", ""),
    ],
)
def test_leftovers_go_and_nothing_else(text, left):
    assert templates.without_leftovers(text) == left


@given(st.text(max_size=300), st.integers(10, 100))
def test_a_cut_text_keeps_its_beginning_and_end_and_says_what_is_missing(text, most):
    cut = templates.cut_middle(text, most)
    if len(text) <= most:
        assert cut == text
    else:
        assert cut.startswith(text[: most // 2])
        assert cut.endswith(text[len(text) - most // 2 :])
        assert f"[{len(text) - most} characters left out here]" in cut


def test_cutting_to_fit_gives_up_with_a_sentence():
    with pytest.raises(ModelError, match="too long: 900 tokens"):
        templates.cut_to_fit(["a" * 5000], lambda answers: 900, room=800)


def test_missing_requests_are_filled_in_and_never_stored():
    filled = templates.requests_of(KIND)
    assert "Which response is kinder?" in filled.critique
    assert filled.revision
    assert (KIND.critique, KIND.revision) == ("", "")
    assert templates.requests_of(SAFE).revision == "Take the harm out."


def test_the_whole_constitution_leaves_disabled_principles_out():
    off = Principle("off", text="Which is longer?", enabled=False)
    requests = templates.whole_requests(Constitution("c", (KIND, SAFE, off)))
    assert requests.principle == "whole"
    assert "Say who is hurt." in requests.critique
    assert "longer" not in requests.critique


def test_examples_stand_behind_the_system_turn_and_keep_the_roles_apart():
    prompt = (Message("system", "Be brief."), user("Hi"))
    task = Task(prompt, "Hello", templates.requests_of(SAFE))
    chat = templates.revision_chat(task, "Too curt.", shipped_revisions()[:2])
    roles = [turn.role for turn in chat]
    assert roles == ["system"] + ["user", "assistant"] * 6 + ["user", "assistant"] * 2 + ["user"]
    assert chat[-5:-2] == (user("Hi"), assistant("Hello"), chat[-3])
    assert chat[-3].content.startswith("Say who is hurt.")
    assert chat[-1].content.startswith("Take the harm out.")


def test_principles_are_drawn_by_weight():
    heavy, light = Principle("heavy", "x", weight=3.0), Principle("light", "x")
    drawn = [draw([heavy, light], "pair", i).key for i in range(2000)]
    assert 0.7 < drawn.count("heavy") / 2000 < 0.8


def test_only_enabled_principles_with_a_weight_vote():
    rules = Constitution("c", (KIND, Principle("no", "x", weight=0.0)))
    assert [p.key for p in voters(rules)] == ["kind"]
