"""`labels certificate` as a command."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from tests.review import reviewing


def rows(n=400, reviewed=120, *, queue="useful", recorded=True):
    """Judged pairs with people's verdicts on some, drawn with a recorded chance; and the truth."""
    chance = np.random.default_rng(0)
    confidence, right = reviewing.population("calibrated", n, 0.8, chance)
    drawn, u = reviewing.draw(reviewing.weights(queue, confidence), reviewed, chance)
    made = []
    for place in range(n):
        first = place % 2 == 0
        made.append(
            {
                **{"prompt": f"q {place}", "response_a": "one", "response_b": "two"},
                **{"p_a": float(confidence[place] if first else 1 - confidence[place])},
                **{"verdict": "a" if first else "b", "judge": "m"},
            }
        )
    for place, weight in zip(drawn.tolist(), u.tolist(), strict=True):
        says_a = (place % 2 == 0) == bool(right[place])
        made[place]["label"] = "a" if says_a else "b"
        if recorded:
            pi = 1 / (n * weight)
            review = {"blind": True, "queue": queue, "pi": pi, "reviewer": "Ada", "first": True}
            made[place]["review"] = review
    return made, float(right.mean())


def run(place, given, *more):
    (place / "l.jsonl").write_text("".join(json.dumps(one) + "\n" for one in given))
    words = ["labels", "certificate", "--labels", place / "l.jsonl", *more]
    return CliRunner().invoke(main, [str(word) for word in words])


def test_a_file_with_recorded_chances_is_certified_by_them(tmp_path):
    given, truth = rows()
    done = run(tmp_path, given, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["low"] < truth < found["high"]
    assert (found["n"], found["population"], found["assumes_random"]) == (120, 400, False)
    assert found["low"] <= found["estimate"] <= found["high"]


def test_a_file_without_them_says_that_it_assumes_random_rows(tmp_path):
    given, _ = rows(queue="even", recorded=False)
    done = run(tmp_path, given, "--json")
    assert json.loads(done.stdout)["assumes_random"] is True
    assert "takes the reviewed rows for a random sample" in run(tmp_path, given).stdout


def test_a_gate_that_does_not_pass_ends_with_exit_code_1(tmp_path):
    given, _ = rows()
    passed, failed = (run(tmp_path, given, "--json", "--gate", bar) for bar in (0.5, 0.95))
    assert (passed.exit_code, failed.exit_code) == (0, 1)
    assert json.loads(passed.stdout)["gate"]["passed"] is True
    assert json.loads(failed.stdout)["gate"]["at"] is None
    assert "Not yet surely more than 95.0%" in run(tmp_path, given, "--gate", 0.95).stdout


def test_the_reviews_for_a_width_are_told(tmp_path):
    given, _ = rows()
    found = json.loads(run(tmp_path, given, "--json", "--width", 0.05).stdout)
    assert 120 < found["needed"] < 400
    assert "takes" in run(tmp_path, given, "--width", 0.05).stdout


def test_the_page_is_one_sheet_without_a_script(tmp_path):
    given, _ = rows()
    given[0]["judge"] = "m"
    page = tmp_path / "c.html"
    done = run(tmp_path, given, "--out", page, "--gate", 0.5, "--width", 0.05)
    assert done.exit_code == 0, done.output
    html = page.read_text()
    assert html.startswith("<!doctype html>")
    assert "<script" not in html
    assert "How to read it" in html
    assert "Surely above 50%" in html
    assert run(tmp_path, given, "--out", page).exit_code == 0  # made anew


def test_another_file_is_not_written_over(tmp_path):
    given, _ = rows()
    (tmp_path / "mine.txt").write_text("mine")
    done = run(tmp_path, given, "--out", tmp_path / "mine.txt")
    assert done.exit_code == 1
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"p_a": 2}, "l.jsonl:1: 'p_a' must be a number from 0 to 1"),
        ({"review": {"blind": True, "queue": "even", "pi": 0}, "label": "a"}, "must be above 0"),
        ({"response_a": ""}, "l.jsonl:1: 'response_a'"),
    ],
)
def test_a_bad_row_is_one_sentence_and_can_be_skipped(tmp_path, change, says):
    given, _ = rows()
    given[0] |= change
    done = run(tmp_path, given)
    assert done.exit_code == 1
    assert says in done.stderr
    assert "Traceback" not in done.output
    skipped = run(tmp_path, given, "--skip-bad", "--json")
    assert json.loads(skipped.stdout)["population"] == 399


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "empty"),
        (
            [{"prompt": "q", "response_a": "x", "response_b": "y", "label": "a"}],
            "no row has a judge",
        ),
        (
            [{"prompt": "q", "response_a": "x", "response_b": "y", "p_a": 0.7}],
            "no row has a person",
        ),
        (["not an object"], "JSON object"),
    ],
)
def test_a_file_without_what_is_needed_says_so(tmp_path, given, says):
    done = run(tmp_path, given)
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
