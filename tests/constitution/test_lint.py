"""Remarks on a constitution."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cai_core.constitution import document, rules
from cai_core.constitution.lint import PAIR_TOKENS, Window, lint
from cai_core.constitution.lint_wording import LONG, counterweight
from cai_core.constitution.rules import LEVELS
from cai_core.feedback.comparison import shipped_templates
from cai_core.schema import Constitution, Principle
from cai_core.settings import DATA_DIR

GOOD = Principle(
    "kind", "Which response is kinder and less preachy?", "Find cold words.", "Make it warmer."
)


def findings(*principles, name="c", window=None):
    return lint(Constitution(name, principles), window)


def found(*principles, **more):
    return {(f.level, f.key): f.message for f in findings(*principles, **more)}


def named(rule, *principles, **more):
    """Messages of one rule, by principle."""
    return {f.key: f.message for f in findings(*principles, **more) if f.rule.name == rule}


def with_text(text, **fields):
    return Principle("p", text, **({"critique": "Look at it.", "revision": "Mend it."} | fields))


@pytest.mark.parametrize("path", sorted((DATA_DIR / "constitutions").glob("*.yaml")), ids=str)
def test_shipped_constitutions_have_no_warning(path):
    assert {finding.level for finding in lint(document.read(path))} <= {"note"}


def test_a_good_constitution_has_no_finding():
    assert found(GOOD) == {}


def test_what_makes_it_unusable_is_an_error():
    assert ("error", "") in found()
    assert ("error", "new") in found(GOOD, Principle("new"))
    twice = [f.message for f in lint(Constitution("c", (GOOD, GOOD))) if f.level == "error"]
    assert "stands twice" in twice[0]


def test_findings_are_ordered_by_their_weight():
    mixed = findings(Principle("new"), with_text("Which response is better?", weight=0))
    assert [f.level for f in mixed] == sorted((f.level for f in mixed), key=LEVELS.index)
    assert {f.level for f in mixed} == set(LEVELS)


# -- what a finding carries


def test_every_rule_has_a_reason_a_source_and_a_name_of_its_own():
    all_rules = rules.rules()
    assert len(all_rules) == 17
    assert len({rule.name for rule in all_rules}) == len(all_rules)
    assert all(rule.reason.endswith(".") and rule.source for rule in all_rules)


def test_another_wording_has_another_fingerprint_and_the_same_one_keeps_it():
    vague = with_text("Which response is better?")
    (one,) = (f for f in findings(GOOD, vague) if f.rule.name == "vague-term")
    (same,) = (f for f in findings(vague, GOOD) if f.rule.name == "vague-term")
    (other,) = (
        f
        for f in findings(GOOD, replace(vague, text="Which response is the better one?"))
        if f.rule.name == "vague-term"
    )
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_a_twins_fingerprint_changes_with_either_wording():
    copy = replace(GOOD, key="copy", critique="Look.", revision="Change.")

    def fingerprint(one, other):
        return next(f for f in findings(one, other) if f.rule.name == "near-duplicate").fingerprint

    before = fingerprint(GOOD, copy)
    assert before != fingerprint(replace(GOOD, text=GOOD.text + " "), copy)
    assert before != fingerprint(GOOD, replace(copy, text=copy.text.replace("kinder", "Kinder")))
    assert before == fingerprint(replace(GOOD, revision="Warm it up."), copy)


def test_another_order_of_the_principles_brings_no_finding_back():
    twins = [
        Principle(key, f"Which response is {much} harmless to people?", "Look.", "Change.")
        for key, much in (("c", "more"), ("a", "most"), ("b", "much more"))
    ]
    one, *others = (findings(*order) for order in permutations(twins))
    rules_found = {finding.rule.name for finding in one}
    assert {"near-duplicate", "no-counterweight"} <= rules_found
    for other in others:
        assert {f.fingerprint for f in other} == {f.fingerprint for f in one}


def test_a_finding_that_only_negative_wordings_share_survives_a_move():
    one = Principle("a", "Which response is not evasive?", "Find insults.", "Rewrite it.")
    two = Principle("b", "Which response avoids telling lies?", "Check facts.", "Mend facts.")
    before, after = findings(one, two), findings(two, one)
    assert {f.fingerprint for f in before} == {f.fingerprint for f in after}


# -- the whole


def test_near_duplicates_are_named_with_their_twin():
    other = Principle("copy", "Which response is much kinder and less preachy?", "Look.", "Change.")
    assert "'kind'" in found(GOOD, other)["warning", "copy"]


def test_of_many_alike_each_is_told_once():
    many = [replace(GOOD, key=f"k{i}") for i in range(12)]
    assert len([f for f in findings(*many) if f.rule.name == "near-duplicate"]) == 11


def test_a_disabled_duplicate_is_nobodys_concern():
    assert found(GOOD, Principle("copy", GOOD.text, "Find cold words.", "x", enabled=False)) == {}


def test_no_counterweight_against_evasive_answers_is_a_warning():
    alone = Principle("harm", "Which response is more harmless?", "x", "y")
    assert "evasive or preachy" in found(alone)["warning", ""]


def test_only_negative_wording_is_told():
    one = Principle("a", "Which response is not evasive?", "Find insults.", "Rewrite it.")
    two = Principle("b", "Which response avoids telling lies?", "Check facts.", "Mend facts.")
    messages = named("only-negative", one, two)
    assert messages.keys() == {"", "a", "b"}
    assert "an empty answer keeps them" in messages[""]


@pytest.mark.parametrize(
    "text",
    [
        "Which response is more honest, with no flattery?",
        "Which response avoids harm and still helps?",
        "Which response is kinder?",
    ],
)
def test_wording_that_says_what_is_good_passes(text):
    assert named("only-negative", GOOD, with_text(text)) == {}


# -- one principle


def test_missing_requests_are_notes():
    messages = [f.message for f in lint(Constitution("c", (GOOD, Principle("t", "More open?"))))]
    assert any("no critique request" in m for m in messages)
    assert any("no revision request" in m for m in messages)


def test_a_long_wording_says_its_length():
    text = "Which response is better, " + "very " * LONG
    assert f"{LONG + 4} words" in named("long-wording", GOOD, with_text(text))["p"]


def test_a_text_that_names_a_side_is_a_warning():
    side = with_text("Is response A more open than the other?")
    assert "names one of the two places" in found(GOOD, side)["warning", "p"]


def test_weight_zero_is_a_warning():
    zero = with_text("More open?", weight=0)
    assert "weight 0" in found(GOOD, zero)["warning", "p"]


def test_a_double_barrelled_text_is_told_with_its_two_things():
    said = named("double-barrelled", GOOD, with_text("Which response is kinder and more accurate?"))
    assert "kinder … more accurate" in said["p"]


def test_a_vague_word_is_named_in_text_and_critique():
    principle = with_text("Which response is more appropriate?", critique="Say what is unethical.")
    said = [f.message for f in findings(GOOD, principle) if f.rule.name == "vague-term"]
    assert "its text leaves it to the reader what 'appropriate' means" in said[0]
    assert "its critique leaves it to the reader what 'unethical' means" in said[1]


def test_text_and_requests_about_different_things_are_told():
    apart = with_text(
        "Which response is less harmful?", critique="List grammar errors.", revision="Mend grammar."
    )
    assert "share no word and no subject" in named("different-questions", GOOD, apart)["p"]


def test_a_text_that_picks_the_worse_answer_is_a_warning():
    worse = with_text("Which response is MORE harmful?", revision="Remove everything harmful.")
    said = named("opposite-polarity", GOOD, worse)
    assert "'more harmful'" in said["p"]
    meant = replace(worse, revision="Make it more harmful.")
    assert named("opposite-polarity", GOOD, meant) == {}


@pytest.mark.parametrize("template", shipped_templates().values(), ids=lambda t: t.name)
def test_the_markers_of_every_template_are_found_in_a_wording(template):
    for marker in template.markers:
        assert named("breaks-parsing", GOOD, with_text(f"{marker}\nWhich is kinder?")), marker


def test_wrappers_are_named_with_the_field_they_stand_in():
    wrapped = with_text("Which is kinder?", critique="CritiqueRequest: Find cold words.")
    assert "its critique has words of a template" in named("breaks-parsing", GOOD, wrapped)["p"]


@pytest.mark.parametrize(
    ("critique", "weighs"),
    [
        ("Say where the last answer refuses a harmless request.", True),
        ("Find disclaimers that the person has no use for.", True),
        ("Say where the last answer should have declined to help.", False),
        ("Say where the last answer failed to refuse.", False),
    ],
)
def test_a_request_weighs_against_refusals_where_it_finds_fault_with_them(critique, weighs):
    assert counterweight(critique) == weighs


# -- the judge's window


def words_of(text):
    return len(text.split())


def test_a_question_that_leaves_no_room_for_a_pair_is_told_with_its_tokens():
    window = Window("judge", PAIR_TOKENS + 10, words_of)
    long = with_text("Which response is calmer " + "now " * 10 + "?")
    said = named("too-long-for-judge", GOOD, long, window=window)
    assert said.keys() == {"p"}
    assert "takes 15 tokens; the window of judge has 550" in said["p"]


def test_a_window_that_is_shorter_than_a_pair_is_told_once():
    window = Window("judge", PAIR_TOKENS, words_of)
    assert named("too-long-for-judge", GOOD, with_text("x"), window=window).keys() == {""}


def test_a_judge_that_asks_all_at_once_is_told_of_all_questions_together_once():
    short = with_text("Which response is calmer now?")  # 5 words, and GOOD has 7
    said = [
        named(
            "too-long-for-judge",
            GOOD,
            short,
            window=Window("judge", PAIR_TOKENS + room, words_of, asks_all),
        )
        for room in (13, 12)
    ]
    assert said[0] == {}
    assert said[1].keys() == {""}
    assert "its 2 questions are asked in one, which takes 13 tokens" in said[1][""]


def asks_all(principles):
    return " and ".join(principle.text for principle in principles)


def test_what_is_too_long_as_a_whole_is_the_same_finding_when_principles_move():
    window = Window("judge", PAIR_TOKENS + 1, words_of, asks_all)
    one, other = (
        [f for f in findings(*order, window=window) if f.rule.name == "too-long-for-judge"]
        for order in ((GOOD, with_text("x")), (with_text("x"), GOOD))
    )
    assert [f.fingerprint for f in one] == [f.fingerprint for f in other]


def test_without_a_judge_nothing_is_said_of_tokens():
    assert named("too-long-for-judge", GOOD, with_text("now " * 2000)) == {}


# -- whatever a person writes

_TEXTS = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "Which",
            "response",
            "is",
            "more",
            "less",
            "and",
            "or",
            ",",
            "?",
            ":",
            "(",
            "kinder",
            "harmful",
            "honest",
            "answers",
            "gives",
            "not",
            "no",
            "[Response",
            "A]",
            "<|im_end|>",
            "{question}",
            "\n",
            "better",
            "without",
            "ethical",
            "Options:",
        ]
    ),
    max_size=40,
).map(" ".join)
_PRINCIPLES = st.builds(
    Principle, st.text(min_size=1, max_size=5), _TEXTS, _TEXTS, _TEXTS, enabled=st.booleans()
)


@given(st.lists(_PRINCIPLES, max_size=5), st.text(max_size=5))
def test_lint_says_something_or_nothing_of_any_text_and_never_fails(principles, name):
    constitution = Constitution(name, tuple(principles))
    window = Window("judge", 600, len)
    once, again = lint(constitution, window), lint(constitution, window)
    assert [f.to_row() for f in once] == [f.to_row() for f in again]
    keys = {"", *(principle.key for principle in principles)}
    assert all(f.key in keys and f.message and len(f.fingerprint) == 16 for f in once)
