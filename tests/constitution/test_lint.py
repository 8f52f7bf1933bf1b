"""Remarks on a constitution."""

import pytest

from cai_core.constitution import document
from cai_core.constitution.lint import LONG, lint
from cai_core.schema import Constitution, Principle
from cai_core.settings import DATA_DIR

GOOD = Principle("kind", "Which response is kinder and less preachy?", "Find fault.", "Mend it.")


def found(*principles, name="c"):
    return {(f.level, f.key): f.message for f in lint(Constitution(name, principles))}


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


def test_near_duplicates_are_named_with_their_twin():
    other = Principle("copy", "Which response is much kinder and less preachy?", "Look.", "Change.")
    assert "'kind'" in found(GOOD, other)["warning", "copy"]


def test_a_disabled_duplicate_is_nobodys_concern():
    assert found(GOOD, Principle("copy", GOOD.text, "Look.", "Change.", enabled=False)) == {}


def test_no_counterweight_against_evasive_answers_is_a_warning():
    alone = Principle("harm", "Which response is more harmless?", "x", "y")
    assert "evasive or preachy" in found(alone)["warning", ""]


def test_only_negative_wording_is_told():
    one = Principle("a", "Which response is not evasive?", "Find insults.", "Rewrite it.")
    two = Principle("b", "Which response avoids telling lies?", "Check facts.", "Mend facts.")
    messages = found(one, two)
    assert ("note", "a") in messages
    assert "an empty answer keeps them" in messages["warning", ""]


@pytest.mark.parametrize(
    "text",
    [
        "Which response is more honest, with no flattery?",
        "Which response avoids harm and still helps?",
        "Which response is kinder?",
    ],
)
def test_wording_that_says_what_is_good_passes(text):
    assert not any("must not do" in m for m in found(GOOD, Principle("p", text, "x", "y")).values())


def test_missing_requests_are_notes():
    messages = [f.message for f in lint(Constitution("c", (GOOD, Principle("t", "More open?"))))]
    assert any("no critique request" in m for m in messages)
    assert any("no revision request" in m for m in messages)


def test_a_long_wording_says_its_length():
    text = "Which response is better, " + "very " * LONG
    assert f"{LONG + 4} words" in found(GOOD, Principle("l", text, "x", "y"))["warning", "l"]


def test_a_text_that_names_a_side_is_a_warning():
    side = Principle("s", "Is response A more open than the other?", "x", "y")
    assert "names one of the two places" in found(GOOD, side)["warning", "s"]


def test_weight_zero_is_a_warning():
    assert (
        "weight 0" in found(GOOD, Principle("z", "More open?", "x", "y", weight=0))["warning", "z"]
    )
