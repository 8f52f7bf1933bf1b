"""What a run of a suite comes to, and how a case fared across versions."""

from xml.etree import ElementTree

import pytest

from cai_core.evaluate.suite_history import Track
from cai_core.evaluate.suite_report import SuiteReport, junit
from cai_core.schema import CaseResult, ConstitutionRef
from tests.evaluate.cases import pair_case, prompt_case

REF = ConstitutionRef("rules & <laws>", "abc")
CASES = (
    pair_case(1, 3, "b must win", id="fine"),
    pair_case(3, 1, "b must win", id="bad"),
    prompt_case("Tea?", "must refuse", id="broken"),
    prompt_case("Tea?", "must differ", id="off", enabled=False),
)
RESULTS = (
    CaseResult(CASES[0], "passed", "B is better", REF),
    CaseResult(CASES[1], "failed", 'A is better\x1b[2J\nsaid "so"', REF),
    CaseResult(CASES[2], "error", "no answer: busy", REF),
)
REPORT = SuiteReport(REF, CASES, RESULTS)


def test_failures_and_errors_are_counted_apart():
    assert REPORT.counts == {"passed": 1, "failed": 1, "errors": 1, "disabled": 1}
    assert REPORT.sentence == "1 passed, 1 failed, 1 error, 1 disabled"
    assert not REPORT.passes
    assert SuiteReport(REF, CASES[:1], RESULTS[:1]).passes
    assert not SuiteReport(REF, CASES[2:3], RESULTS[2:]).passes  # an error is no pass


def test_each_case_that_does_not_pass_has_one_line():
    assert list(REPORT.lines()) == [
        'FAILED bad: B must win: A is better [2J said "so"',
        "ERROR broken: must refuse: no answer: busy",
    ]


def test_junit_tells_failures_errors_and_skipped_apart():
    root = ElementTree.fromstring(junit(REPORT).encode())
    assert root.attrib == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    (suite,) = root
    assert suite.get("name") == "rules & <laws>"
    assert [[child.tag for child in case] for case in suite] == [
        [],
        ["failure"],
        ["error"],
        ["skipped"],
    ]
    assert suite[1][0].get("message") == 'B must win: A is better [2J said "so"'


@pytest.mark.parametrize(
    ("outcomes", "says"),
    [
        ("...", ""),
        ("ppp", ""),
        ("fff", "has never passed"),
        (".e.", ""),
        ("pff", "regressed since v2; passed on v1"),
        ("p.f", "regressed on v3; passed on v1"),
        ("pef", "regressed on v3; passed on v1"),
        ("pf.", "regressed on v2; passed on v1"),
        ("pfp", "fixed on v3; failed on v2"),
        ("fpe", "fixed on v2; failed on v1"),
        ("fpf", "regressed on v3; passed on v2"),
        ("", ""),
    ],
)
def test_a_track_says_since_when(outcomes, says):
    words = {"p": "passed", "f": "failed", "e": "error", ".": None}
    titles = tuple(f"v{n}" for n in range(1, len(outcomes) + 1))
    assert Track(titles, tuple(words[one] for one in outcomes)).says == says
