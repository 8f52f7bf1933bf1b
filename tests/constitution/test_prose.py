"""Candidates of long prose."""

import time

import pytest

from cai_core.constitution import norms, prose
from cai_core.errors import ConstitutionError
from cai_core.settings import PROJECT_DIR
from tests.constitution import prose_maker
from tests.constitution.measured import NORMS, counts, table_row

PAPER = """# Rules of the house

## 1. Honesty

The assistant should explain its reasoning. It should never invent a source, and should say so when
it does not know. Readers may find this obvious.

In such cases, it must tell the person why.

## 2. In a crisis

The assistant must:

- give the number of a crisis line;
- stay with the person; and
- never diagnose anybody.

Users must not share passwords.

> The assistant should be quoted.

```
The assistant should be code.
```
"""


def found(text, name="rules.md"):
    return prose.candidates(text, name=name)


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Claude should explain its reasoning.", "Which response does more to explain its reasoning?"),
        ("The model must not deceive people.", "Which response takes more care not to deceive people?"),
        ("The assistant should never be preachy.", "Which response is less preachy?"),
        ("An answer should be honest.", "Which response is more honest?"),
        ("Our models should be good listeners.", "Which response comes closer to being good listeners?"),
        (
            "If a user asks whether it is a machine, the assistant must say that it is one.",
            "If a user asks whether it is a machine, which response does more to say that it is one?",
        ),
        ("We want Claude to admit its mistakes.", "Which response does more to admit its mistakes?"),
        ("We don't want the AI to flatter people.", "Which response takes more care not to flatter people?"),
        ("However, Claude never reveals secrets.", "Which response takes more care not to reveal secrets?"),
        ("It is important for Claude to be brief.", "Which response is more brief?"),
        ("You should keep your answers short.", "Which response does more to keep its answers short?"),
        ("Never lie to anybody.", "Which response takes more care not to lie to anybody?"),
        ("Which response is kinder?", "Which response is kinder?"),
        ("Choose the response that is kinder.", "Choose the response that is kinder?"),
    ],
)  # fmt: skip
def test_a_norm_reads_as_a_comparison(sentence, question):
    assert [norm.text for norm in norms.find(sentence)] == [question]


@pytest.mark.parametrize(
    "sentence",
    [
        "The assistant should not just say yes to everything.",  # "not just" forbids nothing
        "In this case, Claude should use its judgment.",  # which case?
        "You should tell people what we think of you.",
        "The assistant should only answer if it is sure.",
        "The assistant should help, and the user must be told.",
        "The assistant should do so; the rest follows.",
        "The assistant should have been kinder to those.",
        "Claude never reveals it, but it does not deny that there is one.",
        "The assistant should (as far as it can help.",
        "The assistant is not allowed to not answer.",
        "The assistant is not allowed to simply say no.",
    ],
)
def test_what_a_question_would_distort_is_not_worded(sentence):
    assert all(norm.text == "" for norm in norms.find(sentence))


@pytest.mark.parametrize(
    "sentence",
    [
        "It is raining.",
        "This document should be read from the start.",
        "It should be noted that people differ.",
        "How should the assistant respond?",
        "The assistant may answer in any language.",
        "There should be more research.",
        "Explain your reasoning to the board of the company.",
        "Readers should skip this.",
    ],
)
def test_what_states_no_norm_for_answers_is_no_candidate(sentence):
    assert norms.find(sentence) == []


def test_an_imperative_is_a_rule_in_a_list_only():
    assert norms.find("Explain its reasoning.") == []
    assert norms.find("Explain its reasoning.", listed=True)[0].text.endswith(
        "explain its reasoning?"
    )


def test_two_norms_in_one_sentence_are_two():
    two = norms.find("The assistant should be helpful, but must not lecture.")
    assert [norm.text for norm in two] == [
        "Which response is more helpful?",
        "Which response takes more care not to lecture?",
    ]


def test_candidates_carry_line_heading_and_passage():
    one = found(PAPER)[0]
    assert (one.key, one.line, one.tags, one.section) == (
        "explain-reasoning",
        5,
        ("honesty",),
        "Honesty",
    )
    assert one.source.startswith(
        "rules.md:5: The assistant should explain its reasoning. It should"
    )
    assert one.principle.source == one.source
    assert one.principle.text == "Which response does more to explain its reasoning?"


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("Civil discourse", "Civil discourse"),
        ("I will be honest", "I will be honest"),
        ("Mix of views", "Mix of views"),
        ("CD and DVD", "CD and DVD"),
        ("IV. Care", "Care"),
        ("II) Care", "Care"),
        ("article iv care", "care"),
        ("Section II: Care", "Care"),
        ("2.1 Care", "Care"),
        ("3 Care", "Care"),
        ("Article civil law", "Article civil law"),
        ("XLIV. Care", "Care"),
        ("Part three", "Part three"),
    ],
)
def test_a_number_is_taken_off_a_heading_and_a_word_is_not(heading, section):
    text = f"# Rules\n\n## {heading}\n\nClaude should be kind.\n"
    assert found(text)[0].section == section


def test_candidates_stand_in_the_order_of_the_text():
    assert [(c.line, c.wording) for c in found(PAPER)] == [
        (5, "Which response does more to explain its reasoning?"),
        (5, "Which response takes more care not to invent a source?"),
        (5, "Which response does more to say so when it does not know?"),
        (
            8,
            'Say where the last answer departs from this: "In such cases, it must tell the person why."',
        ),
        (14, "Which response does more to give the number of a crisis line?"),
        (15, "Which response does more to stay with the person?"),
        (16, "Which response takes more care not to diagnose anybody?"),
    ]


def test_rules_for_people_are_candidates_where_a_text_speaks_of_no_assistant():
    text = "Members must be excellent to one another. Members should not shout. Guests must leave at ten."
    assert [bool(c.text) for c in found(text)] == [False, False, False]
    assert "Members must be excellent" in found(text)[0].critique


def test_a_text_may_call_its_assistant_by_a_name():
    text = (
        "When asked, Sol must give a source. In a crisis, Sol should stay calm. Sol should be kind."
    )
    assert found(text)[-1].text == "Which response is more kind?"


def test_a_text_that_speaks_to_the_assistant_gives_it_rules():
    text = (
        "You are a helper. You should be kind. Keep answers short.\n\nIf in doubt, ask a question."
    )
    assert [c.text for c in found(text)][1:] == [
        "Which response does more to keep answers short?",
        "If in doubt, which response does more to ask a question?",
    ]


def test_near_duplicates_are_folded_into_the_first():
    text = (
        "Claude should cite sources.\n\nClaude should be kind.\n\nClaude should cite the sources.\n"
    )
    twice = found(text + "\nClaude must cite sources.\n")
    assert [(c.line, c.also) for c in twice] == [(1, (7,)), (3, ()), (5, ())]


def test_one_other_word_that_counts_is_no_duplicate():
    text = "Claude must not help anybody make biological weapons.\n\nClaude must not help anybody make chemical weapons.\n"
    assert len(found(text)) == 2


def test_keys_are_unique():
    keys = [
        c.key
        for c in found("Claude should be kind. Claude must not be kind. The AI is to be kind.")
    ]
    assert keys == ["kind", "kind-2"]


def test_a_text_without_norms_is_refused_with_a_sentence():
    with pytest.raises(ConstitutionError, match=r"a\.txt: has no sentence that says how to answer"):
        found("It rained all day. The board met twice.", "a.txt")


@pytest.mark.parametrize(
    ("sentence", "question"),
    [
        ("Under no circumstances should the assistant help with weapons.", "Which response takes more care not to help with weapons?"),
        ("If asked for a diagnosis, at no time must Claude guess.", "If asked for a diagnosis, which response takes more care not to guess?"),
        ("Claude should under no circumstances flatter people.", "Which response takes more care not to flatter people?"),
        ("The model is not allowed to reveal its prompt.", "Which response takes more care not to reveal its prompt?"),
        ("The model is prohibited from writing malware.", "Which response does more to avoid writing malware?"),
        ("Claude cannot reveal what others told it.", "Which response takes more care not to reveal what others told it?"),
        ("Claude's answers must be accurate.", "Which response is more accurate?"),
        ("It is unacceptable for the model to insult anybody.", "Which response takes more care not to insult anybody?"),
        ("Refrain from gossip about people.", "Which response does more to refrain from gossip about people?"),
        ("Claude always focuses on the question.", "Which response does more to focus on the question?"),
    ],
)  # fmt: skip
def test_what_is_forbidden_in_other_forms_is_a_norm(sentence, question):
    assert [norm.text for norm in norms.find(sentence)] == [question]


@pytest.mark.parametrize(
    "sentence",
    [
        "Claude cannot see pictures.",
        "The assistant does not have a body.",
        "At no time in history was bread so cheap.",
        "It is unacceptable that rents have risen so much.",
    ],
)
def test_what_a_machine_is_or_cannot_do_is_no_norm(sentence):
    assert norms.find(sentence) == []


def test_most_sentences_labelled_by_hand_are_told_apart():
    held_out = counts(NORMS, 1)
    assert held_out.precision >= 0.8
    assert held_out.recall >= 0.7


def test_the_docs_give_how_often_candidates_are_right():
    doc = (PROJECT_DIR / "docs" / "constitutions.md").read_text(encoding="utf-8")
    assert table_row(NORMS) in doc


def test_twenty_thousand_words_are_cut_and_every_norm_in_a_known_form_is_found_on_its_line():
    written = prose_maker.write(20_000, seed=1)
    begun = time.perf_counter()
    candidates = found(written.text)
    assert time.perf_counter() - begun < 5  # 0.3 s on a quiet core
    lines = sorted(line for c in candidates for line in (c.line, *c.also))
    assert lines == sorted(line for line, _ in written.norms)
    assert all(c.text for c in candidates)
    assert len({c.key for c in candidates}) == len(candidates) > 100


def test_cutting_is_the_same_each_time():
    written = prose_maker.write(3_000, seed=2)
    assert found(written.text) == found(written.text.encode())


def test_too_many_norms_are_refused():
    text = "\n\n".join(f"Claude should be kind to person number {i}." for i in range(2_001))
    with pytest.raises(ConstitutionError, match="2001 sentences"):
        found(text)
