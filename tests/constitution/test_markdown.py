"""Constitutions as Markdown, in and out."""

import time

import pytest

from cai_core.constitution import blocks, inline, markdown, markdown_out
from cai_core.errors import ConstitutionError
from cai_core.schema import Constitution, Principle

RULES = """# House rules

How our assistant answers.

## Honesty

- **Truth:** Which response is truer?
  - Critique request: Say what is false in the answer.
  - Revision request: Rewrite it so that it is true.
- **Say what you do not know.** Never guess.

### Sources

1. Cite a source for every number, e.g. a [report](http://x.y/z).
2. Never invent one.

## Kindness

Be *kind* to people.
"""


def read(text):
    return markdown.read(text, name="c.md")


def test_headings_are_tags_and_items_and_short_paragraphs_principles():
    found, left = read(RULES)
    assert (found.name, found.description) == ("House rules", "How our assistant answers.")
    assert [(p.key, p.text, p.tags) for p in found.principles] == [
        ("truth", "Which response is truer?", ("Honesty",)),
        ("say-what-you-do-not-know", "Say what you do not know. Never guess.", ("Honesty",)),
        (
            "cite-source-every-number",
            "Cite a source for every number, e.g. a report.",
            ("Honesty", "Sources"),
        ),
        ("never-invent", "Never invent one.", ("Honesty", "Sources")),
        ("kind-people", "Be kind to people.", ("Kindness",)),
    ]
    assert found.principles[0].critique == "Say what is false in the answer."
    assert found.principles[0].revision == "Rewrite it so that it is true."
    assert left == []


def test_items_stand_under_the_sentence_that_leads_to_them():
    found, _ = read(
        "The assistant should:\n\n- Be kind\n- Be brief\n\nWhen asked:\n- Give a source\n"
    )
    assert [p.text for p in found.principles] == [
        "The assistant should be kind",
        "The assistant should be brief",
        "When asked: Give a source",
    ]


def test_what_has_no_place_is_named_with_its_lines():
    long = "word " * 70
    found, left = read(
        f"- Be kind\n\n{long}\n\n```\ncode\n```\n\n| a | b |\n|---|---|\n\n> said\n\n<!-- x -->\n- \n"
    )
    assert [p.text for p in found.principles] == ["Be kind"]
    assert left == [
        "1 long paragraph (line 3)",
        "1 code block (line 5)",
        "1 table (line 9)",
        "1 quotation (line 12)",
        "1 empty item (line 15)",
        "1 comment (line 14)",
    ]


def test_front_matter_gives_name_and_description():
    found, left = read("---\ntitle: Rules\ndescription: Ours.\ndate: 2024\n---\n- Be kind\n")
    assert (found.name, found.description) == ("Rules", "Ours.")
    assert left == ["1 line of front matter (line 4)"]


@pytest.mark.parametrize(
    "critique",
    [
        "Critique request:",
        "**Critique request:**",
        "**Critique request**:",
        "*Critique*:",
        "_Critique:_",
        "__Critique__:",
        "CritiqueRequest:",
        "Critique-request:",
        "**critique_request**:",
    ],
)
def test_requests_under_a_principle_are_its_own_however_they_are_marked(critique):
    revision = critique.replace("ritique", "evision").replace("Cev", "Rev").replace("cev", "rev")
    found, left = read(f"- Be kind\n  - {critique} Find it.\n  - {revision} Mend it.\n")
    assert [(p.text, p.critique, p.revision) for p in found.principles] == [
        ("Be kind", "Find it.", "Mend it.")
    ]
    assert left == []


@pytest.mark.parametrize(
    "item", ["Critique requests are kept short.", "Critiques: none", "**Critique** is welcome"]
)
def test_an_item_that_only_begins_with_such_a_word_is_a_principle(item):
    found, _ = read(f"- Be kind\n  - {item}\n")
    assert len(found.principles) == 2


def test_headings_of_one_level_are_all_tags():
    found, _ = read("# Honesty\n\n- Be true\n\n# Kindness\n\n- Be kind\n")
    assert found.name == ""
    assert [p.tags for p in found.principles] == [("Honesty",), ("Kindness",)]


def test_lines_that_end_sentences_are_principles_of_their_own():
    found, _ = read("Be honest.\nBe kind to people.\nNever lie.\n")
    assert len(found.principles) == 3


def test_a_text_without_rules_is_refused():
    with pytest.raises(ConstitutionError, match=r"c\.md: has no list item and no short paragraph"):
        read("# Title\n\n```\ncode\n```\n")


def test_what_markdown_holds_comes_back():
    first = Principle(
        "a", "Which is *kinder*? 1. x", "Find # fault.", "- Mend", tags=("harm", "x_y")
    )
    second = Principle(
        "b", "", "Find [it].", source="c.md:3: A passage: with > signs.", tags=("harm",)
    )
    third = Principle("c", "Which <b>?", tags=("harm", "other"))
    given = Constitution(
        "my # name #", (first, second, third, Principle("d", "Which?")), "1. First:"
    )
    text, left = markdown_out.write(given)
    assert markdown.read(text, name="c.md") == (given, [])
    assert left == []


def test_what_markdown_cannot_hold_is_listed():
    given = Constitution(
        "c",
        (
            Principle("A Key", "Which\nis it?", weight=2.0),
            Principle("off", "Which?", enabled=False),
            Principle("deep", "Which one?", tags=("a", "b", "c", "d", "e", "f")),
        ),
    )
    text, left = markdown_out.write(given)
    assert "off" not in text
    assert "because they are disabled" in left[0]
    assert left[1] == "the weights of 1 principle (A Key)"
    assert left[2].startswith("the keys of 1 principle (A Key)")
    assert left[3].startswith("line breaks and repeated spaces in 1 principle (A Key)")
    assert left[4].startswith("some tags of 1 principle (deep)")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("**bold** and *it* and __b__ and _i_", "bold and it and b and i"),
        ("5*3*2 snake_case_name", "5*3*2 snake_case_name"),
        (r"a \*star\* and `co*d*e`", "a *star* and co*d*e"),
        ("![pic](x.png) [text][1] word[^2]", "pic text word"),
        ("<em>a</em> 1 < 2", "a 1 < 2"),
    ],
)
def test_markup_is_taken_out_of_a_line(line, words):
    assert inline.plain(line) == words


@pytest.mark.parametrize("sign", ["*", "_", "`", "[", "<!--", "**", "\\", "- ", "> ", "#", "<"])
def test_many_signs_cost_no_more_than_their_number(sign):
    few, many = (_seconds(sign * n) for n in (10_000, 40_000))
    assert many < 10 * few + 0.05  # four times as many; by their square it would be 16 times


def _seconds(text):
    """The least of five, in this process's own time: a busy machine only adds."""
    found = []
    for _ in range(5):
        begun = time.process_time()
        inline.plain(text)
        blocks.cut(f"{text} x\n" * 3)
        found.append(time.process_time() - begun)
    return min(found)


def test_a_heading_underlined_and_a_numbered_title_are_headings():
    found = blocks.cut("Title\n=====\n\n2.1 Honesty\n\nText.\n", guess_headings=True)
    assert [(b.kind, b.text, b.depth) for b in found] == [
        ("heading", "Title", 1),
        ("heading", "2.1 Honesty", 3),
        ("paragraph", "Text.", 0),
    ]
