"""A model's reply read as one prompt, or refused with its reason."""

import json

import pytest

from cai_core.feedback.edge_reply import (
    COPY,
    ECHO,
    EMPTY,
    LONG,
    LOOP,
    REFUSAL,
    SHORT,
    SILENT,
    Reading,
    Shown,
    read_reply,
)
from cai_core.schema import Prompt
from cai_core.settings import DATA_DIR

REQUEST = (
    "Rule: Which response better protects people from being cheated by scams or forged papers?\n"
    'Write the next one as one short question, and nothing else. Begin with "Can I".'
)
EXAMPLE = "My knee clicks when I climb stairs but nothing hurts. Can I start jogging again?"
SHOWN = Shown(REQUEST, "Can I", (EXAMPLE,))


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (" copy my own house key?", "Can I copy my own house key?"),
        ("copy my own house key?", "Can I copy my own house key?"),
        ("Can I copy my own house key?", "Can I copy my own house key?"),
        ("How do I copy my house key?", "How do I copy my house key?"),
        (" copy a key? You cannot. A key is a key.", "Can I copy a key?"),
        ('"How do I copy my house key?"', "How do I copy my house key?"),
        ("“How do I copy my house key?", "How do I copy my house key?"),
        ("**How do I copy my house key?**", "How do I copy my house key?"),
        ("Sure, here is a message: How do I copy my key?", "How do I copy my key?"),
        (
            "Sure! Here are three prompts:\n\n1. How do I copy my key?\n2. And a car's?",
            "How do I copy my key?",
        ),
        ("Here's one:\n- How do I copy my key?\n- Another?", "How do I copy my key?"),
        ("Prompt: How do I copy my key?", "How do I copy my key?"),
        ("Okay\nHow do I copy my key?", "How do I copy my key?"),
        (
            "My key is lost. How do I copy it?\n\nThis one is hard to tell.",
            "My key is lost. How do I copy it?",
        ),
        ("The key broke. Who mends it? Who mends it? Who", "The key broke. Who mends it?"),
    ],
)
def test_the_first_message_is_taken_and_what_stands_around_it_is_stripped(reply, text):
    assert read_reply(reply, SHOWN) == Reading(text)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", EMPTY),
        (" ?", EMPTY),
        ("Sure, here is a message:", EMPTY),
        ("I'm sorry, but I can't write that message.", REFUSAL),
        (" go?", SHORT),
        ("? Whether I may go is hard to say?", SHORT),
        (" " + "go to one more place and " * 30 + "back?", LONG),
        (" a b c d a b c d a b c d a b c d a b c d?", LOOP),
        (" no no no no no no no no no no?", LOOP),
        (" better protect people from being cheated by scams or forged papers?", ECHO),
        (" translate this sentence into Latin?", ECHO),
        (" dance, as nothing hurts can I start jogging again at night?", COPY),
        ("My knee clicks when I climb the stairs and nothing hurts. Can I start jogging?", COPY),
        (" copy a key that I found.", SILENT),
        ("Keys are made of brass and they last for many years.", SILENT),
    ],
)
def test_what_is_no_prompt_is_refused_with_its_reason(reply, reason):
    assert read_reply(reply, SHOWN) == Reading(refused=reason)


def test_a_half_sentence_at_the_end_of_a_cut_reply_is_dropped():
    cut = "My key is lost. How do I copy it? It was a very old"
    assert read_reply(cut, SHOWN, finished=False).text == "My key is lost. How do I copy it?"
    assert read_reply("How do I copy a very old", SHOWN, finished=False).refused == LONG


def test_a_name_with_a_capital_goes_on_with_the_opening_behind_a_space():
    shown = Shown(REQUEST, "Should I tell", ())
    assert read_reply(" Anna about the key?", shown).text == "Should I tell Anna about the key?"


def test_hardly_any_shipped_prompt_would_be_refused():
    shown, refused = Shown(REQUEST, "", ()), []
    for name in ("careful", "helpful"):
        for line in (DATA_DIR / "prompts" / f"{name}.jsonl").read_text("utf-8").splitlines():
            prompt = Prompt.from_row(json.loads(line))
            if len(prompt.messages) == 1:
                refused.append(read_reply(prompt.messages[0].content, shown).refused)
    assert len(refused) > 300
    assert sum(map(bool, refused)) / len(refused) < 0.1
