"""The one-page report."""

from html.parser import HTMLParser

from cai_core.evaluate.report import ChainReport, StageReport, to_html
from cai_core.schema import Label, Pair, user

EVIL = "<script>alert(1)</script><img src=http://example.org/x>"


def comparison(headline=True, value=0.7):
    pair = Pair("p", (user(EVIL),), EVIL, "plain")
    return {
        "model_a": "run:1",
        "model_b": "base",
        "judge": "j",
        "headline": headline,
        "independence": "independent",
        "independent": True,
        "wins": 7,
        "ties": 0,
        "losses": 3,
        "failed": 0,
        "estimate": {"value": value, "low": 0.4, "high": 0.9, "n": 10},
        "rows": [Label(pair, "a", 0.9).to_row(), Label(pair, None, None).to_row()],
    }


def report(**more):
    preview_row = {
        "prompt": [{"role": "user", "content": EVIL}],
        "best": {"text": EVIL, "score": 2.0},
        "worst": {"text": "bad", "score": -1.0},
    }
    preview = {
        "n": 4,
        "prompts": 1,
        "score_mean": 0.5,
        "score_sd": 1.0,
        "gain": 1.0,
        "correlation_with_length": None,
        "correlation_with_refusal": 0.3,
        "rows": [preview_row],
    }
    given = {
        "title": f"Chain {EVIL}",
        "created": "today",
        "stages": [StageReport("sft", "succeeded", 12.0, {"loss": 1.23456}, EVIL)],
        "gate": EVIL,
        "gate_passed": True,
        "comparisons": [comparison()],
        "best_of_n": preview,
        "alarms": [EVIL],
        "settings": {"model": EVIL},
    }
    return to_html(ChainReport(**given | more))


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found.add(tag)


def tags(page):
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_no_text_of_a_model_becomes_html():
    assert not tags(report()) & {"script", "img", "a", "iframe", "link"}


def test_a_number_stands_with_its_interval_and_n():
    page = report()
    assert "70%" in page
    assert "40% to 90%, n = 10" in page
    assert "loss: 1.235" in page


def test_a_judge_of_its_own_kin_gets_no_headline():
    page = report(comparisons=[comparison(headline=False)])
    assert "70%" not in page
    assert "no headline" in page


def test_what_is_undefined_is_a_dash():
    page = report(comparisons=[comparison(value=None)])
    assert "<span class=big>–</span>" in page
    assert "with length –" in page


def test_a_gate_that_was_not_passed_says_so():
    assert "not passed" in report(gate_passed=False)
    assert "not passed" not in report()
