"""What ships in data/: that it can be read, and keeps what data/README.md promises."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from rapidfuzz import fuzz, process

from cai_core.constitution.document import read
from cai_core.constitution.lint import lint
from cai_core.schema import Constitution, Pair, Prompt, Row, chat_from_row, first_user_turn
from cai_core.settings import DATA_DIR
from cai_core.text import is_boilerplate, is_refusal, normalise

CONSTITUTIONS = ("general", "helpful", "short")
ROWS = (
    "prompts/careful",
    "prompts/helpful",
    "helpful_completions",
    "helpful_pairs",
    "fewshot/revise",
    "fewshot/compare",
)


def constitution(name: str) -> Constitution:
    return read(DATA_DIR / "constitutions" / f"{name}.yaml")


def rows(name: str) -> list[Row]:
    lines = (DATA_DIR / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def prompts(name: str) -> list[Prompt]:
    return [Prompt.from_row(row) for row in rows(f"prompts/{name}")]


def tagged(name: str, tag: str) -> int:
    return sum(tag in prompt.tags for prompt in prompts(name))


def asked() -> list[str]:
    """The normalised first user turn of every prompt of both files."""
    both = prompts("careful") + prompts("helpful")
    return [normalise(first_user_turn(prompt.messages)) for prompt in both]


def better_and_worse(pair: Pair) -> tuple[str, str]:
    a, b = pair.response_a, pair.response_b
    return (a, b) if pair.label == "a" else (b, a)


def words_of(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)


@pytest.mark.parametrize("name", CONSTITUTIONS)
def test_a_constitution_bears_its_file_name_and_lint_warns_of_nothing(name):
    shipped = constitution(name)
    assert shipped.name == name
    assert shipped.description
    assert [str(finding) for finding in lint(shipped) if finding.level != "note"] == []


@pytest.mark.parametrize("name", CONSTITUTIONS)
def test_every_principle_has_three_wordings_of_one_or_two_sentences(name):
    for principle in constitution(name).principles:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", principle.key)
        assert re.match("Which response[ ,]", principle.text)
        assert principle.text.endswith("?")
        assert 12 <= words_of(principle.text) <= 35, principle.key
        assert "the last answer" in principle.critique, principle.key
        assert principle.revision.startswith("Rewrite the answer"), principle.key
        assert max(words_of(principle.critique), words_of(principle.revision)) <= 40
        assert principle.enabled
        assert principle.weight > 0
        assert principle.tags


@pytest.mark.parametrize(("name", "least", "most"), [("general", 16, 20), ("helpful", 6, 8)])
def test_a_constitution_has_its_number_of_principles(name, least, most):
    assert least <= len(constitution(name).principles) <= most


def test_the_short_constitution_has_four_principles():
    assert len(constitution("short").principles) == 4


@pytest.mark.parametrize("name", ["general", "short"])
def test_each_principle_is_against_harm_or_against_evasiveness_and_both_are_there(name):
    first_tags = Counter(p.tags[0] for p in constitution(name).principles)
    assert set(first_tags) == {"harm", "evasiveness"}
    assert min(first_tags.values()) >= len(constitution(name).principles) // 3


@pytest.mark.parametrize(
    "topic",
    [
        *("violence", "crime", "self-harm", "privacy", "fraud", "weapons", "discrimination"),
        *("harassment", "minors", "medical", "financial", "manipulation", "honesty"),
        *("preachiness", "boilerplate", "explanation", "over-refusal", "padding"),
    ],
)
def test_the_general_constitution_covers(topic):
    assert any(topic in principle.tags for principle in constitution("general").principles)


@pytest.mark.parametrize("name", ROWS)
def test_a_file_ends_in_a_line_break_and_has_no_row_twice(name):
    text = (DATA_DIR / f"{name}.jsonl").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    assert len(set(text.splitlines())) == len(text.splitlines())


@pytest.mark.parametrize("name", ROWS[:4])
def test_ids_are_unique(name):
    ids = [row["id"] for row in rows(name)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", ["careful", "helpful"])
def test_there_are_enough_tagged_prompts_of_our_own_that_are_short(name):
    shipped = prompts(name)
    assert len(shipped) >= 160
    for place, prompt in enumerate(shipped, start=1):
        assert prompt.id == f"{name}-{place:03d}"
        assert prompt.tags
        assert prompt.source == "ratify"
        assert prompt.split is None  # given when a prompt enters a workspace, never shipped
        assert 4 <= words_of(prompt.messages[-1].content) <= 80


def test_no_two_first_user_turns_are_near_duplicates():
    texts = asked()
    alike = process.cdist(texts, texts, scorer=fuzz.token_set_ratio, score_cutoff=90)
    near = [(texts[i], texts[j]) for i, j in zip(*alike.nonzero(), strict=True) if i < j]
    assert near == []


def test_no_prompt_is_taken_from_the_evaluation_prompts():
    if not os.environ.get("CAI_TEST_DATA"):
        pytest.skip("CAI_TEST_DATA is not set: the evaluation prompts are not at hand")
    held_out = Path(os.environ["CAI_TEST_DATA"]) / "xstest_prompts.jsonl"
    lines = held_out.read_text(encoding="utf-8").splitlines()
    examples = [row["prompt"] for row in rows("fewshot/revise") + rows("fewshot/compare")]
    ours = asked() + [normalise(text) for text in examples]
    theirs = [normalise(json.loads(line)["prompt"]) for line in lines]
    assert process.cdist(ours, theirs, scorer=fuzz.ratio).max() < 75


@pytest.mark.parametrize("name", ["careful", "helpful"])
def test_some_prompts_have_several_turns(name):
    several = [p for p in prompts(name) if sum(m.role != "system" for m in p.messages) > 1]
    assert len(several) >= 15
    assert len(several) == tagged(name, "multi-turn")
    for prompt in several:
        roles = [m.role for m in prompt.messages if m.role != "system"]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


def test_some_helpful_prompts_begin_with_a_system_turn():
    begun = [p for p in prompts("helpful") if p.messages[0].role == "system"]
    assert len(begun) >= 8
    assert len(begun) == tagged("helpful", "system")


def test_forty_helpful_prompts_only_look_unsafe():
    assert tagged("helpful", "looks-unsafe") >= 40


def test_careful_prompts_spread_over_their_topics():
    topics = Counter(prompt.tags[0] for prompt in prompts("careful"))
    assert len(topics) >= 17
    assert max(topics.values()) <= len(prompts("careful")) / 10


def test_completions_answer_helpful_prompts_in_30_to_120_words():
    asked_by_id = {prompt.id: prompt.messages for prompt in prompts("helpful")}
    shipped = rows("helpful_completions")
    assert len(shipped) >= 60
    for row in shipped:
        assert asked_by_id[row["id"]] == chat_from_row(row["prompt"])
        assert 30 <= words_of(row["completion"]) <= 120, row["id"]
        assert row["source"] == "ratify"
        assert row["tags"]


def test_no_good_answer_refuses_or_uses_stock_phrases():
    good = [row["completion"] for row in rows("helpful_completions")]
    good += [better_and_worse(Pair.from_row(row))[0] for row in rows("helpful_pairs")]
    assert [text for text in good if is_refusal(text) or is_boilerplate(text)] == []


def test_pairs_stand_on_helpful_prompts_that_have_no_completion():
    asked_by_id = {prompt.id: prompt.messages for prompt in prompts("helpful")}
    answered = {row["id"] for row in rows("helpful_completions")}
    for pair in map(Pair.from_row, rows("helpful_pairs")):
        assert asked_by_id[pair.id.removeprefix("pair-")] == pair.prompt
        assert pair.id.removeprefix("pair-") not in answered
        assert pair.annotator == "ratify"


def test_neither_place_nor_length_gives_the_better_answer_away():
    pairs = [Pair.from_row(row) for row in rows("helpful_pairs")]
    assert len(pairs) == 40
    assert Counter(pair.label for pair in pairs) == {"a": 20, "b": 20}
    longer = sum(len(better) > len(worse) for better, worse in map(better_and_worse, pairs))
    assert 14 <= longer <= 26
    for pair in pairs:
        assert max(words_of(pair.response_a), words_of(pair.response_b)) <= 130


def test_every_pair_names_the_flaw_of_its_worse_answer_on_both_sides():
    sides = Counter((row["flaw"], row["label"]) for row in rows("helpful_pairs"))
    assert set(sides) == {
        (flaw, side) for flaw in ("evasive", "wrong", "padded", "preachy") for side in "ab"
    }
    assert min(sides.values()) >= 3


def test_revise_examples_are_short_and_repair_a_refusal_among_others():
    examples = rows("fewshot/revise")
    assert 4 <= len(examples) <= 6
    for row in examples:
        assert list(row) == ["prompt", "response", "critique", "revision"]
        assert words_of(*row.values()) < 120
        assert not is_refusal(row["revision"])
        assert not is_boilerplate(row["revision"])
    assert any(is_refusal(row["response"]) for row in examples)


def test_compare_examples_are_short_balanced_and_use_shipped_principles():
    examples = rows("fewshot/compare")
    assert len(examples) >= 8
    assert Counter(row["verdict"] for row in examples) == dict.fromkeys("ab", len(examples) / 2)
    texts = {principle.text for principle in constitution("general").principles}
    for row in examples:
        fields = ["prompt", "response_a", "response_b", "principle", "verdict", "reasoning"]
        assert list(row) == fields
        assert words_of(*row.values()) < 150
        assert words_of(row["reasoning"]) < 40
        assert row["principle"] in texts


def test_compare_examples_contrast_harm_with_help_and_help_with_refusals():
    examples = rows("fewshot/compare")
    worse = [row["response_b" if row["verdict"] == "a" else "response_a"] for row in examples]
    better = [row["response_" + row["verdict"]] for row in examples]
    assert any(map(is_refusal, worse))
    assert not any(map(is_boilerplate, better))
    longer = sum(len(good) > len(bad) for good, bad in zip(better, worse, strict=True))
    assert longer < len(examples)


def test_few_shot_prompts_are_not_among_the_shipped_prompts():
    examples = [
        normalise(row["prompt"]) for row in rows("fewshot/revise") + rows("fewshot/compare")
    ]
    assert process.cdist(examples, asked(), scorer=fuzz.token_sort_ratio).max() < 75


def test_the_readme_states_the_numbers_of_rows():
    table = (DATA_DIR / "README.md").read_text(encoding="utf-8")
    for name in CONSTITUTIONS:
        count = len(constitution(name).principles)
        assert f"| `constitutions/{name}.yaml` | {count} principles |" in table
    for name in ROWS:
        assert f"| `{name}.jsonl` | {len(rows(name))} |" in table
