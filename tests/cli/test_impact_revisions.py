"""`impact-revisions` as a command: what it compares, that it goes on, and what it says."""

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.cli.output import Output
from cai_core.errors import Stopped
from cai_core.feedback.examples import shipped_revisions
from cai_core.impact.rewrites_result import RewriteImpact
from cai_core.models import catalogue
from cai_core.schema import Constitution, Revision, Round, user
from tests.impact import rewriting
from tests.impact.rewriting import KIND, OLD, PLAIN, TRUE

DECLINING = Constitution("rules", (replace(KIND, revision="Decline."), TRUE, PLAIN))
WORDED = Constitution("rules", (replace(KIND, text="Which is worse?", revision="Decline."), TRUE))
QUESTIONS = [f"Question {i}?" for i in range(12)]


@pytest.fixture
def model(monkeypatch):
    made = rewriting.model()
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    return made


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    write(tmp_path / "p.jsonl", [{"id": f"p{i}", "prompt": q} for i, q in enumerate(QUESTIONS)])
    constitution(tmp_path / "old.yaml", OLD)
    constitution(tmp_path / "new.yaml", DECLINING)
    return tmp_path


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def constitution(path, rules):
    path.write_text(json.dumps(rules.to_row()))


def compare(place, *more, new="new.yaml", given=("--prompts", "p.jsonl")):
    args = ["--from", place / "old.yaml", "--to", place / new, given[0], place / given[1]]
    args += ["--model", "scripted:test", "--judge", "scripted:judge", "--out", place / "r.json"]
    return CliRunner().invoke(main, ["impact-revisions", *map(str, [*args, *more])])


def read(place):
    return RewriteImpact.from_row(json.loads((place / "r.json").read_text()))


def measure(found, name):
    return next(one for one in found.contrasts if one.name == name)


def test_an_edit_that_makes_a_model_decline_is_seen_in_every_number(place, model):
    done = compare(place)
    assert done.exit_code == 0, done.output
    found = read(place)
    refusals = measure(found, "refuses")
    assert (refusals.old.value, refusals.new.value, refusals.gained) == (0.0, 1.0, 12)
    assert refusals.p < 0.001
    assert "refuse: +100 pts" in done.output
    assert found.similarity.value < 0.5
    assert found.requested.keys == ("kind",)


def test_the_new_revision_wins_by_what_the_judge_is_asked(place, model):
    constitution(place / "worded.yaml", WORDED)
    done = compare(place, "--principles", "draw", new="worded.yaml")
    assert done.exit_code == 0, done.output
    found = read(place)
    assert found.requested.way == "whole"  # a principle was removed as well
    constitution(place / "old.yaml", replace(OLD, principles=(KIND, TRUE)))
    done = compare(place, "--principles", "draw", "--out", str(place / "s.json"), new="worded.yaml")
    assert done.exit_code == 0, done.output
    found = RewriteImpact.from_row(json.loads((place / "s.json").read_text()))
    shares = {name: rate.estimate.value for name, rate in found.win_rates.items()}
    assert shares == {"old": 1.0, "new": 0.0}  # the refusal's number is higher; "worse" turns it
    assert found.jury.independence.independent


def test_a_judge_is_asked_once_where_both_versions_judge_alike(place, model):
    assert compare(place, "--principles", "whole").exit_code == 0
    assert list(read(place).win_rates) == ["both"]
    assert read(place).win_rates["both"].estimate.n == 12


def test_nobody_need_judge(place, model):
    done = compare(place, "--no-judge")
    assert done.exit_code == 0, done.output
    assert read(place).jury is None
    assert read(place).win_rates == {}
    assert read(place).left_out == {}


def test_the_first_answers_of_revisions_are_used(place, model):
    rounds = (Round("kind", "Rude.", "An older revision."),)
    rows = [Revision(f"r{i}", (user(q),), f"First {i}.", rounds) for i, q in enumerate(QUESTIONS)]
    write(place / "r.jsonl", [row.to_row() for row in rows])
    assert compare(place, "--no-judge", given=("--revisions", "r.jsonl")).exit_code == 0
    found = read(place)
    assert {one.initial for one in found.rows} == {row.initial for row in rows}
    assert found.given == 12
    assert not [chat for chat in model.history if len(chat) == 1]


def test_answers_in_a_prompts_file_are_used_too(place, model):
    write(place / "c.jsonl", [{"prompt": q, "completion": f"Given: {q}"} for q in QUESTIONS[:3]])
    assert compare(place, "--no-judge", given=("--prompts", "c.jsonl")).exit_code == 0
    assert {one.initial[:6] for one in read(place).rows} == {"Given:"}


def test_a_sample_is_drawn_by_seed(place, model):
    assert compare(place, "--no-judge", "--sample", "4").exit_code == 0
    first = [one.id for one in read(place).rows]
    assert len(first) == 4
    done = compare(
        place, "--no-judge", "--sample", "4", "--seed", "1", "--out", str(place / "s.json")
    )
    assert done.exit_code == 0
    assert [row["id"] for row in json.loads((place / "s.json").read_text())["rows"]] != first


def test_the_same_command_asks_nothing_again(place, model):
    assert compare(place).exit_code == 0
    asked = len(model.history)
    assert compare(place).exit_code == 0
    assert len(model.history) == asked


def test_a_failed_prompt_is_asked_again_and_no_other(place, monkeypatch):
    broken = rewriting.model(
        answers=lambda chat: "" if "Question 3?" in chat[0].content else rewriting.reply(chat)
    )
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: broken)
    done = compare(place, "--no-judge")
    assert done.exit_code == 0, done.output
    assert (read(place).failed, read(place).left_out) == (1, {})
    mended = rewriting.model()
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: mended)
    assert compare(place, "--no-judge").exit_code == 0
    assert read(place).failed == 0
    assert len(mended.history) == 5  # one prompt: an answer, and a critique and rewrite each


def test_another_edit_under_the_same_out_is_refused(place, model):
    assert compare(place, "--no-judge").exit_code == 0
    constitution(place / "third.yaml", replace(DECLINING, principles=(KIND, TRUE)))
    done = compare(place, "--no-judge", new="third.yaml")
    assert done.exit_code == 1
    assert "made with other settings (to:" in done.output


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--revisions", "r.jsonl"), 2, "either --prompts or --revisions"),
        (("--to", "old.yaml"), 1, "nothing to revise again"),
        (("--whole",), 1, "the same in these two states"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_writes_nothing(place, model, more, code, said):
    done = compare(place, *(str(place / word) if "." in word else word for word in more))
    assert done.exit_code == code
    assert said in done.output
    assert not (place / "r.json").exists()
    assert model.history == []


def test_the_built_in_judge_is_no_headline_for_its_own_revisions(place, model):
    builtin = "builtin:smollm2-135m-instruct"
    done = compare(place, "--model", builtin, "--judge", builtin)
    assert done.exit_code == 0, done.output
    assert not read(place).jury.headline
    assert "The new revision wins –" in done.output
    assert "<td>–</td>" in (place / "r.html").read_text()


def test_the_report_is_one_page_that_reaches_nowhere_and_escapes_what_was_written(
    place, monkeypatch
):
    made = rewriting.model(answers=lambda chat: f"<script>x</script> {rewriting.reply(chat)}")
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: made)
    assert compare(place).exit_code == 0
    page = (place / "r.html").read_text()
    assert "What changed" in page
    assert "McNemar" in page
    assert "Decline." in page
    assert "http" not in page
    assert "<script" not in page


def test_the_result_survives_its_json(place, model):
    assert compare(place, "--principles", "each").exit_code == 0
    row = json.loads((place / "r.json").read_text())
    assert RewriteImpact.from_row(row).to_row() == row


def test_worked_rounds_are_shown_as_everywhere(place, model):
    assert compare(place, "--no-judge").exit_code == 0
    critique = next(chat for chat in model.history if len(chat) > 1)
    assert shipped_revisions()[0].critique in " ".join(turn.content for turn in critique)


def test_a_mute_judge_costs_its_verdicts_and_not_the_revisions(place, monkeypatch):
    write(place / "p.jsonl", [{"id": f"p{i}", "prompt": f"Question {i}?"} for i in range(30)])
    speaks, mute = rewriting.model(), rewriting.model()
    mute._scores = lambda chat, choice: -9.0  # next to nothing on both options
    models = {"scripted:test": speaks, "scripted:judge": mute}
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: models[model_id])
    constitution(place / "worded.yaml", WORDED)
    done = compare(place, new="worded.yaml")
    assert done.exit_code == 0, done.output
    found = read(place)
    assert found.failed == 0
    assert all(rate.failed and not rate.estimate.n for rate in found.win_rates.values())


def test_it_goes_on_where_it_was_stopped_and_comes_to_the_same(place, model, monkeypatch):
    assert compare(place).exit_code == 0
    whole = read(place).to_row()
    for name in ("r.json", "r.json.rows.jsonl", "r.json.rows.jsonl.json"):
        (place / name).unlink()
    left, real = 5, Output.write

    def write_some(self, row):
        real(self, row)
        nonlocal left
        left -= 1
        if not left:
            raise Stopped("as asked")

    monkeypatch.setattr(Output, "write", write_some)
    assert compare(place).exit_code == 1
    monkeypatch.setattr(Output, "write", real)
    before = len(rewriting.asked_to_rewrite(model))
    assert compare(place).exit_code == 0
    assert len(rewriting.asked_to_rewrite(model)) - before == 2 * (len(QUESTIONS) - 5)
    again = read(place).to_row()
    assert {**again, "seconds": 0} == {**whole, "seconds": 0}
