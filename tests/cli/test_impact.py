"""`impact` as a command: what it asks, that it goes on, and what it says."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.cli.output import Output
from cai_core.errors import Stopped
from cai_core.impact.result import Impact
from cai_core.models import catalogue
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Principle
from tests.feedback.conftest import pair, scripted_judge

TRUE = Principle("true", text="Which is more true?", tags=("honesty",))
KIND = Principle("kind", text="Which is kinder?")
OLD = Constitution("rules", (TRUE, KIND))
FALSE = replace(TRUE, text="Which is more false?")
NUMBERS = 3 * [(1, 3), (4, 2), (5, 1), (2, 6), (7, 3), (1, 8), (2, 9), (5, 3), (1, 2), (6, 5)]
PAIRS = [
    pair(a, b, question=f"How many {i}?", label="a" if a > b else "b")
    for i, (a, b) in enumerate(NUMBERS)
]


@pytest.fixture
def model(monkeypatch):
    made = scripted_judge(wordings={"false": -1.0, "kind": 0.1})
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    return made


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    write(tmp_path / "pairs.jsonl", [one.to_row() for one in PAIRS])
    constitution(tmp_path / "old.yaml", OLD)
    constitution(tmp_path / "new.yaml", Constitution("rules", (FALSE, KIND)))
    return tmp_path


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def constitution(path, rules):
    path.write_text(json.dumps(rules.to_row()))


def impact(place, *more, new="new.yaml"):
    args = ["--from", place / "old.yaml", "--to", place / new, "--pairs", place / "pairs.jsonl"]
    args += ["--judge", "scripted:test", "--out", place / "i.json", *more]
    return CliRunner().invoke(main, ["impact", *map(str, args)])


def read(place):
    return Impact.from_row(json.loads((place / "i.json").read_text()))


def test_a_reversed_principle_is_effective_away_from_people(place, model):
    done = impact(place, "--principles", "draw")
    assert done.exit_code == 0, done.output
    found = read(place)
    assert "effective" in done.output
    assert found.checked.directions["people"].effective
    assert found.checked.directions["people"].estimate.high < 0
    assert len(found.flips) == len(PAIRS)


def test_a_placebo_shows_no_effect(place, model):
    constitution(
        place / "same.yaml", Constitution("rules", (replace(TRUE, text="Which is truer?"), KIND))
    )
    done = impact(place, new="same.yaml")
    assert done.exit_code == 0, done.output
    assert "no effect shown" in done.output
    assert read(place).flips == []


def test_without_the_check_it_does_not_claim(place, model):
    done = impact(place, "--no-check")
    assert "not told" in done.output
    assert read(place).checked is None


def test_stored_votes_are_not_asked_again(place, model):
    judged = ["--pairs", place / "pairs.jsonl", "--constitution", place / "old.yaml"]
    judged += ["--judge", "scripted:test", "--principles", "each", "--out", place / "l.jsonl"]
    assert CliRunner().invoke(main, ["judge", *map(str, judged)]).exit_code == 0
    model.history.clear()
    assert impact(place, "--labels", place / "l.jsonl", "--no-check").exit_code == 0
    assert len(model.history) == 2 * len(PAIRS)  # the new wording, in both orders
    assert all("more false" in chat[-2].content for chat in model.history)
    with_labels = read(place)
    (place / "i.json.rows.jsonl").unlink()
    (place / "i.json.rows.jsonl.json").unlink()
    (place / "i.json").unlink()
    assert impact(place, "--no-check").exit_code == 0
    without = read(place)
    assert (with_labels.cost.compared, without.cost.compared) == (60, 180)
    ours, others = (
        {one.pair.id: one.new for one in found.pairs} for found in (with_labels, without)
    )
    assert ours == pytest.approx(others, abs=1e-5)


@pytest.mark.parametrize(("version", "asked"), [("new", 60), ("third", 180)])
def test_labels_of_the_version_after_serve_too_and_those_of_a_third_do_not(
    place, model, version, asked
):
    constitution(place / "third.yaml", Constitution("rules", (replace(TRUE, weight=3), KIND)))
    judged = ["--pairs", place / "pairs.jsonl", "--constitution", place / f"{version}.yaml"]
    judged += ["--judge", "scripted:test", "--principles", "each", "--out", place / "l.jsonl"]
    assert CliRunner().invoke(main, ["judge", *map(str, judged)]).exit_code == 0
    assert impact(place, "--labels", place / "l.jsonl", "--no-check").exit_code == 0
    assert read(place).cost.compared == asked


def test_the_same_command_asks_nothing_again_and_a_check_can_be_added(place, model):
    assert impact(place, "--no-check").exit_code == 0
    first = len(model.history)
    assert impact(place, "--no-check").exit_code == 0
    assert len(model.history) == first
    assert impact(place).exit_code == 0
    assert len(model.history) > first
    assert read(place).checked is not None


def test_another_edit_under_the_same_out_is_refused(place, model):
    assert impact(place, "--no-check").exit_code == 0
    constitution(place / "third.yaml", Constitution("rules", (KIND,)))
    done = impact(place, "--no-check", new="third.yaml")
    assert done.exit_code == 1
    assert "made with other settings (to:" in done.output


def test_an_edit_that_changes_no_question_is_refused_and_writes_nothing(place, model):
    done = impact(place, new="old.yaml")
    assert done.exit_code == 1
    assert "nothing to judge again" in done.output
    assert not (place / "i.json").exists()


def test_the_locked_half_is_shown_only_when_asked(place, model):
    assert impact(place, "--no-check").exit_code == 0
    assert read(place).locked is None
    assert impact(place, "--no-check", "--locked").exit_code == 0
    found = read(place)
    assert found.locked.before.n + found.tune.before.n == len(PAIRS)


def test_the_report_is_one_page_that_reaches_nowhere(place, model):
    assert impact(place).exit_code == 0
    page = (place / "i.html").read_text()
    assert "Is it real?" in page
    assert "Which is more false?" in page
    assert "http" not in page
    assert "<script" not in page


def test_the_result_survives_its_json(place, model):
    assert impact(place, "--locked").exit_code == 0
    row = json.loads((place / "i.json").read_text())
    assert Impact.from_row(row).to_row() == row


def test_pairs_that_fail_are_counted_and_told(place, monkeypatch):
    made = scripted_judge(mass=0.1)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    done = impact(place, "--no-check")
    assert done.exit_code == 1
    assert "gave up after 20 rows" in done.output


def test_a_template_that_the_judge_cannot_answer_costs_the_check_alone(place, monkeypatch):
    usual = scripted_judge(wordings={"false": -1.0})
    muted = scripted_judge(mass=0.1)

    def score(chat, choice):
        said = muted if "(A)" in chat[-2].content else usual
        return said._scores(chat, choice)

    made = ScriptedModel(choice_scores=score)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    done = impact(place, "--principles", "draw")
    assert done.exit_code == 0, done.output
    found = read(place)
    assert found.failed == 0
    assert not found.checked.effective
    assert any(value != value for value in found.checked.directions["people"].paraphrases)


def test_sought_pairs_are_marked_while_it_runs_and_count_like_all_others_at_the_end(place, model):
    judged = ["--pairs", place / "pairs.jsonl", "--constitution", place / "old.yaml"]
    judged += ["--judge", "scripted:test", "--principles", "each", "--out", place / "l.jsonl"]
    assert CliRunner().invoke(main, ["judge", *map(str, judged)]).exit_code == 0
    assert impact(place, "--labels", place / "l.jsonl", "--no-check").exit_code == 0
    rows = [json.loads(line) for line in (place / "i.json.rows.jsonl").read_text().splitlines()]
    assert [bool(row.get("sought")) for row in rows[:6]] == [True] * 4 + [False] * 2
    assert read(place).flip_share.n == len(PAIRS)


def judged_before(place, drop=()):
    """Labels of the version before; of some pairs one stored vote is missing."""
    args = ["--pairs", place / "pairs.jsonl", "--constitution", place / "old.yaml"]
    args += ["--judge", "scripted:test", "--principles", "each", "--out", place / "l.jsonl"]
    assert CliRunner().invoke(main, ["judge", *map(str, args)]).exit_code == 0
    rows = [json.loads(line) for line in (place / "l.jsonl").read_text().splitlines()]
    for number in drop:
        del rows[number]["votes"]["kind"]
    write(place / "l.jsonl", rows)


def test_a_missing_stored_vote_is_asked_for_on_its_own_pair_alone(place, model):
    judged_before(place, drop=[0, 5])
    model.history.clear()
    assert impact(place, "--labels", place / "l.jsonl", "--no-check").exit_code == 0
    assert read(place).cost.compared == len(model.history) == 2 * len(PAIRS) + 4


def test_pairs_with_and_without_stored_votes_come_in_one_random_order(place, model):
    judged_before(place)
    half = (place / "l.jsonl").read_text().splitlines()[:15]
    (place / "l.jsonl").write_text("\n".join(half) + "\n")
    assert impact(place, "--labels", place / "l.jsonl", "--no-check").exit_code == 0
    rows = [json.loads(line) for line in (place / "i.json.rows.jsonl").read_text().splitlines()]
    stored = {json.loads(line)["id"] for line in half}
    came = [row["pair"]["id"] in stored for row in rows if not row.get("sought")]
    assert 0 < came[:11].count(True) < 11


def test_a_new_wording_without_a_verdict_fails_no_pair_that_others_decide(place, monkeypatch):
    usual, mute = scripted_judge(), scripted_judge(mass=0.1)

    def score(chat, choice):
        return (mute if "false" in chat[-2].content else usual)._scores(chat, choice)

    made = ScriptedModel(choice_scores=score)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    judged_before(place)
    done = impact(place, "--labels", place / "l.jsonl", "--no-check")
    assert done.exit_code == 0, done.output
    found = read(place)
    assert found.failed == 0
    assert all(one.votes["true"][1] is None for one in found.pairs)


def test_votes_by_probability_serve_no_other_method(place, monkeypatch):
    made = ScriptedModel(lambda chat: "So.", choice_scores=scripted_judge()._scores)
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    judged_before(place)
    done = impact(place, "--labels", place / "l.jsonl", "--no-check", "--method", "cot")
    assert done.exit_code == 0, done.output
    assert read(place).cost.compared == 180


def test_another_seed_is_refused_for_it_draws_other_pairs_and_placebos(place, model):
    assert impact(place, "--no-check").exit_code == 0
    done = impact(place, "--no-check", "--seed", "1")
    assert done.exit_code == 1
    assert "seed" in done.output


def test_it_goes_on_where_it_was_stopped_and_comes_to_the_same(place, model, monkeypatch):
    assert impact(place).exit_code == 0
    whole = read(place).to_row()
    for name in ("i.json", "i.json.rows.jsonl", "i.json.rows.jsonl.json"):
        (place / name).unlink()
    stop_after = 40
    real = Output.write

    def write_some(self, row):
        real(self, row)
        nonlocal stop_after
        stop_after -= 1
        if not stop_after:
            raise Stopped("as asked")

    monkeypatch.setattr(Output, "write", write_some)
    assert impact(place).exit_code == 1
    assert not (place / "i.json").exists()
    before = len(model.history)
    monkeypatch.setattr(Output, "write", real)
    assert impact(place).exit_code == 0
    again = read(place).to_row()
    for row in (whole, again):
        row["cost"] = None
    assert again == whole
    assert len(model.history) - before < before
