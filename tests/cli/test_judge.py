"""`judge` as a command: its rows, going on, what it refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cai_core.cli.main import main
from cai_core.errors import ModelError
from cai_core.feedback.examples import shipped_comparisons
from cai_core.jobs import folder
from cai_core.models import catalogue
from cai_core.models.builtin import builtin_fingerprint
from cai_core.models.scripted import ScriptedModel
from cai_core.schema import Constitution, Label, Pair, Principle
from cai_core.settings import BUILTIN, Endpoint, JudgeSetting, Settings
from tests.feedback.conftest import pair, scripted_judge

RULES = Constitution("rules", (Principle("true", text="Which is more true?"),))
PAIRS = [pair(i, 3) for i in range(6)]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CAI_MODELS", str(tmp_path / "models"))
    lines = [json.dumps(one.to_row()) + "\n" for one in PAIRS]
    (tmp_path / "pairs.jsonl").write_text("".join(lines))
    (tmp_path / "c.yaml").write_text(json.dumps(RULES.to_row()))
    return tmp_path


@pytest.fixture
def judged_by(monkeypatch):
    """Let the command load this model."""

    def use(model):
        monkeypatch.setattr(catalogue, "load", lambda model_id, **more: model)
        return model

    return use


@pytest.fixture
def lab(place, monkeypatch):
    """Three judges behind an endpoint: two that like high numbers, one that likes low ones."""
    (place / "home").mkdir()
    Settings(
        endpoints=(Endpoint(name="lab", base_url="http://127.0.0.1:9/v1"),),
        judge=JudgeSetting(panel=("endpoint:lab/other",), tie_band=0.01),
    ).save(place / "home" / "settings.yaml")
    signs = {"endpoint:lab/x": 1.0, "endpoint:lab/y": 1.0, "endpoint:lab/z": -1.0}
    models = {name: scripted_judge(wordings={"": s}, id=name) for name, s in signs.items()}
    monkeypatch.setattr(catalogue, "load", lambda model_id, **more: models[model_id])
    return models


def judge(place, *more):
    files = ["--pairs", place / "pairs.jsonl", "--constitution", place / "c.yaml"]
    words = ["judge", *files, "--out", place / "labels.jsonl", "--cache", "none", *more]
    return CliRunner().invoke(main, [str(word) for word in words])


def labels(place):
    lines = (place / "labels.jsonl").read_text().splitlines()
    return [Label.from_row(json.loads(line)) for line in lines]


def test_there_is_one_row_a_pair_in_input_order(place, judged_by):
    judged_by(scripted_judge())
    done = judge(place, "--json")
    assert done.exit_code == 0, done.output
    assert [label.pair.id for label in labels(place)] == [one.id for one in PAIRS]
    assert [label.verdict for label in labels(place)] == ["b", "b", "b", "tie", "a", "a"]
    assert json.loads(done.stdout) == {
        "out": str(place / "labels.jsonl"),
        "rows": 6,
        "cut": 0,
        "failed": 0,
        "failed_by_reason": {},
    }


def test_inconsistent_is_told_by_the_median_offset_of_the_whole_run(place, judged_by):
    def bias(chat):
        return 9.0 if "It is 0." in chat[0].content else 1.0  # only the first pair is odd

    biased = {b: scripted_judge(bias=b)._scores for b in (1.0, 9.0)}
    judged_by(ScriptedModel(choice_scores=lambda chat, choice: biased[bias(chat)](chat, choice)))
    judge(place)
    marked = [label.inconsistent for label in labels(place)]
    assert marked[0] is True
    assert marked[1:3] + marked[4:] == [False] * 4


def test_a_pair_that_failed_is_asked_again_and_the_others_are_not(place, judged_by):
    scores = scripted_judge()._scores

    def score(chat, choice):
        if "It is 2." in chat[0].content and not (place / "go on").exists():
            raise ModelError("the server is gone")
        return scores(chat, choice)

    judged_by(ScriptedModel(choice_scores=score))
    assert "5 judged, 1 without verdict" in judge(place).output
    assert labels(place)[2].error == "the server is gone"
    (place / "go on").touch()
    model = judged_by(ScriptedModel(choice_scores=score))
    assert "6 judged, 0 without verdict" in judge(place).output
    assert len(model.history) == 2
    assert [label.pair.id for label in labels(place)] == [one.id for one in PAIRS]


def test_a_stopped_command_keeps_its_rows_and_goes_on(place, judged_by):
    many = [pair(i, 3, question=f"Of {i}?") for i in range(300)]
    (place / "pairs.jsonl").write_text("".join(json.dumps(o.to_row()) + "\n" for o in many))
    job, scores = place / "job", scripted_judge()._scores
    folder.create(job, {}, {})

    def score(chat, choice):
        (job / "stop").touch()
        return scores(chat, choice)

    judged_by(ScriptedModel(choice_scores=score))
    assert judge(place, "--job", job).exit_code == 1
    assert folder.read_end(job).state == "cancelled"
    kept = (place / "labels.jsonl.part").read_text().splitlines()
    assert 0 < len(kept) < 300
    folder.reset(job)
    model = judged_by(scripted_judge())
    assert judge(place, "--job", job).exit_code == 0
    assert len(model.history) == 2 * (300 - len(kept))
    assert [label.pair.id for label in labels(place)] == [one.id for one in many]


def test_nothing_is_asked_when_all_is_done(place, judged_by):
    judged_by(scripted_judge())
    judge(place)
    before = (place / "labels.jsonl").read_bytes()
    model = judged_by(scripted_judge())
    assert judge(place).exit_code == 0
    assert model.history == []
    assert (place / "labels.jsonl").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--seed", "1"], "seed: 0 then, 1 now"),
        (["--method", "repeat"], '"method": "repeat"'),
        (["--tie-band", "0.1"], '"tie_band": 0.1'),
    ],
)
def test_other_settings_are_refused_and_shown(place, judged_by, more, said):
    judged_by(scripted_judge())
    judge(place)
    refused = judge(place, *more)
    assert refused.exit_code == 1
    assert said in refused.output


def test_another_constitution_is_refused(place, judged_by):
    judged_by(scripted_judge())
    judge(place)
    (place / "c.yaml").write_text(json.dumps(RULES.to_row()).replace("more true", "truer"))
    refused = judge(place)
    assert refused.exit_code == 1
    assert "constitution" in refused.output


def test_a_judge_that_never_answers_is_one_sentence_and_exit_one(place, judged_by):
    judged_by(ScriptedModel())
    done = judge(place)
    assert done.exit_code == 1
    assert "none of the 6 rows" in done.output
    assert "no log-probabilities" in done.output


def test_a_job_names_the_version_of_its_constitution(place, judged_by):
    judged_by(scripted_judge())
    job = place / "job"
    folder.create(job, {"constitution": {"name": "rules", "version": 4, "hash": RULES.hash}}, {})
    assert judge(place, "--job", job).exit_code == 0
    assert {label.constitution.version for label in labels(place)} == {4}
    assert folder.read_end(job).state == "succeeded"


def test_a_constitution_that_cannot_be_read_is_one_sentence(place):
    (place / "c.yaml").write_text("name: [")
    done = judge(place)
    assert done.exit_code == 1
    assert done.output.startswith(f"error: {place / 'c.yaml'}:1: not YAML")


def test_a_person_s_verdict_beside_a_pair_stays_in_its_row(place, judged_by):
    judged_by(scripted_judge())
    labelled = [{**one.to_row(), "label": "a"} for one in PAIRS]
    (place / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labelled))
    judge(place)
    assert {label.pair.label for label in labels(place)} == {"a"}
    assert {label.kind for label in labels(place)} == {"judge"}


@pytest.mark.slow
def test_the_built_in_model_spends_its_probability_on_the_options(tmp_path, monkeypatch):
    if not builtin_fingerprint():
        pytest.skip("the built-in model is not on this machine")
    monkeypatch.setenv("CAI_HOME", str(tmp_path / "home"))
    shipped = Path("data/constitutions/short.yaml").resolve()
    rows = [json.dumps(one.to_row()) + "\n" for one in PAIRS[:2]]
    (tmp_path / "pairs.jsonl").write_text("".join(rows))
    (tmp_path / "c.yaml").write_text(shipped.read_text())
    done = judge(tmp_path, "--judge", BUILTIN)
    assert done.exit_code == 0, done.output
    assert min(label.mass for label in labels(tmp_path)) > 0.9


def test_a_command_killed_before_it_marked_its_rows_marks_them_when_it_goes_on(place, judged_by):
    judged_by(scripted_judge(bias=3.0))
    judge(place)
    whole = (place / "labels.jsonl").read_text()
    unmarked = [{**json.loads(line), "inconsistent": None} for line in whole.splitlines()]
    part = place / "labels.jsonl.part"  # as a kill between the last pair and the marks leaves it
    part.write_text("".join(json.dumps(row) + "\n" for row in unmarked))
    (place / "labels.jsonl.json").rename(place / "labels.jsonl.part.json")
    (place / "labels.jsonl").unlink()
    assert judge(place).exit_code == 0
    marks = [json.loads(line)["inconsistent"] for line in whole.splitlines()]
    assert [label.inconsistent for label in labels(place)] == marks
    assert None not in marks


# -- how the question is worded


def test_template_examples_and_third_option_come_from_the_command_line(place, judged_by):
    model = judged_by(scripted_judge())
    done = judge(place, "--template", "compare-6", "--examples", "2", "--abstain", "--json")
    assert done.exit_code == 0, done.output
    (template,) = {label.template for label in labels(place)}
    assert template.startswith("compare-6+2ex.")
    assert template.endswith("+abstain")
    assert {len(chat) for chat in model.history} == {6}
    assert "abstained" not in json.loads(done.stdout)


def test_what_is_not_given_is_as_the_workspace_has_it(place, judged_by):
    judged_by(scripted_judge())
    setting = JudgeSetting(template="compare-6", examples=2, abstain=True)
    (place / "home").mkdir()
    Settings(judge=setting).save(place / "home" / "settings.yaml")
    judge(place, "--no-abstain", "--examples", "0")
    assert {label.template for label in labels(place)} == {"compare-6"}


def test_examples_come_from_a_file_else_from_the_workspace_else_from_what_ships(place, judged_by):
    judged_by(scripted_judge())
    made = set()
    mine = [one.to_row() | {"principle": "Which is mine?"} for one in shipped_comparisons()]
    for where, more in (("home/fewshot", ()), (".", ("--examples-file", place / "compare.jsonl"))):
        (place / where).mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(row | {"prompt": where}) + "\n" for row in mine)
        (place / where / "compare.jsonl").write_text(text)
        done = judge(place, "--examples", "2", *more, "--out", place / f"{len(made)}.jsonl")
        assert done.exit_code == 0, done.output
        made.add(json.loads((place / f"{len(made)}.jsonl").read_text().splitlines()[0])["template"])
    assert len(made) == 2


def test_other_examples_do_not_go_on_with_the_same_file(place, judged_by):
    judged_by(scripted_judge())
    (place / "home" / "fewshot").mkdir(parents=True)
    judge(place, "--examples", "2")
    mine = [one.to_row() | {"principle": "Which is mine?"} for one in shipped_comparisons()]
    own = place / "home" / "fewshot" / "compare.jsonl"
    own.write_text("".join(json.dumps(row) + "\n" for row in mine))
    done = judge(place, "--examples", "2")
    assert done.exit_code == 1
    assert "wording" in done.output


def test_a_bad_example_is_refused_with_its_line_before_anything_is_asked(place, judged_by):
    model = judged_by(scripted_judge())
    (place / "mine.jsonl").write_text('{"prompt": "Hi"}\n')
    done = judge(place, "--examples", "2", "--examples-file", place / "mine.jsonl")
    assert done.exit_code == 1
    assert f"{place / 'mine.jsonl'}:1: 'response_a' is missing" in done.output
    assert model.history == []


def test_the_result_counts_cut_answers_and_abstaining_principles(place, judged_by):
    long = pair(1, 2)
    long = Pair.of(long.prompt, long.response_a, long.response_b + " word" * 900)
    with (place / "pairs.jsonl").open("a") as file:
        file.write(json.dumps(long.to_row()) + "\n")

    def score(chat, choice):  # where the first pair is shown, nothing applies
        none = "It is 0." in chat[-2].content
        return 0.0 if choice == (" C" if none else " A") else -30.0

    judged_by(ScriptedModel(choice_scores=score, context=500))
    done = judge(place, "--abstain", "--template", "compare-1")
    assert "6 judged, 1 without verdict" in done.output
    assert "1 of 7 on answers that were cut" in done.output
    assert "0.1 principles a pair did not apply" in done.output
    (null,) = [label for label in labels(place) if label.verdict is None]
    assert set(null.not_applicable) == {"true"}


def of_three(place, lab, *more):
    first, *others = lab
    panel = [word for judge in others for word in ("--panel", judge)]
    return judge(place, "--judge", first, *panel, *more)


def test_three_judges_give_one_label_a_pair(place, lab):
    done = of_three(place, lab, "--json")
    assert done.exit_code == 0, done.output
    found = labels(place)
    assert [label.verdict for label in found] == ["b", "b", "b", "tie", "a", "a"]
    assert {label.annotator for label in found} == {"panel:majority:" + " + ".join(lab)}
    assert found[5].p_a == 2.5 / 4
    said = json.loads(done.stdout)["panel"]
    assert said["without_verdict"] == dict.fromkeys(lab, 0)
    assert said["disagreement"] == pytest.approx(5 / 6 * 2 / 3)


def test_a_panel_may_be_combined_by_its_mean(place, lab):
    assert of_three(place, lab, "--combine", "mean").exit_code == 0
    assert labels(place)[0].annotator.startswith("panel:mean:")


def test_the_panel_of_the_settings_is_not_added_to_a_judge_of_the_command_line(place, lab):
    assert judge(place, "--judge", "endpoint:lab/x").exit_code == 0
    assert {label.annotator for label in labels(place)} == {"endpoint:lab/x"}


def test_a_judge_that_is_left_out_is_named(place, lab):
    lab["endpoint:lab/y"] = ScriptedModel(id="endpoint:lab/y")
    done = of_three(place, lab)
    assert done.exit_code == 0
    assert "6 judged, 0 without verdict" in done.output
    assert "endpoint:lab/y had no verdict on 6 of 6 pairs" in done.output


def test_a_panel_with_a_judge_that_is_not_there_is_refused(place, lab):
    done = judge(place, "--judge", "endpoint:lab/x", "--panel", "path:nowhere")
    assert done.exit_code == 1
    assert "nowhere is not a folder" in done.output
    assert not (place / "labels.jsonl").exists()


def test_the_votes_are_told_by_how_many_independent_ones_they_are_worth(place, judged_by):
    two = (*RULES.principles, Principle("kind", text="Which is kinder?"))
    (place / "c.yaml").write_text(json.dumps(Constitution("rules", two).to_row()))
    judged_by(scripted_judge())  # both principles say the same
    done = judge(place)
    assert "2 principles, worth 1.0 independent vote (6 pairs)" in done.output
    again = judge(place, "--json")
    worth = json.loads(again.stdout)["effective_votes"]
    assert worth == {"principles": 2, "effective": 1.0, "pairs": 6}


def refusing(many):
    """A judge that cannot read the answer 2 (or any, where `many`), and says how long it waited."""
    scores = scripted_judge()._scores
    waited = iter(range(10**6))

    def score(chat, choice):
        if many or "It is 2." in chat[0].content:
            raise ModelError(f"no answer within {next(waited)} s")
        return scores(chat, choice)

    return ScriptedModel(choice_scores=score)


def test_the_result_counts_failures_by_reason(place, judged_by):
    judged_by(refusing(many=False))
    done = judge(place, "--json")
    assert json.loads(done.stdout)["failed_by_reason"] == {"no answer within … s": 1}
    judged_by(refusing(many=False))
    assert "failed: 1 × no answer within … s; the same command asks these again" in (
        judge(place).output
    )


def test_a_job_that_gave_up_says_why_its_rows_failed(place, judged_by):
    many = [pair(i, 3, question=f"Of {i}?") for i in range(80)]
    (place / "pairs.jsonl").write_text("".join(json.dumps(o.to_row()) + "\n" for o in many))
    job = place / "job"
    folder.create(job, {}, {})
    judged_by(ScriptedModel())
    assert judge(place, "--job", job).exit_code == 1
    end = folder.read_end(job)
    assert (end.state, list(end.result["failed_by_reason"].values())) == ("failed", [20])


def test_failed_rows_that_fail_again_leave_a_whole_file_as_it_was(place, judged_by):
    many = [pair(2, 3 + i, question=f"Of {i}?") for i in range(30)]
    many += [pair(1, 3, question=f"Of {i}?") for i in range(10)]
    mixed = [one for pairs in zip(many[:10], many[10:20], many[30:], strict=True) for one in pairs]
    mixed += many[20:30]
    (place / "pairs.jsonl").write_text("".join(json.dumps(o.to_row()) + "\n" for o in mixed))
    judged_by(refusing(many=False))
    first = json.loads(judge(place, "--json").stdout)
    assert (first["rows"], first["failed"]) == (40, 30)
    judged_by(ScriptedModel())  # fails 20 times alike, and is asked no more
    again = judge(place, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["failed"] == 30
    assert sum(label.verdict is not None for label in labels(place)) == 10
    assert not (place / "labels.jsonl.part").exists()


def test_on_an_endpoint_one_principle_is_drawn_a_pair_unless_told(place, lab):
    assert judge(place, "--judge", "endpoint:lab/x").exit_code == 0
    assert {label.principles for label in labels(place)} == {"draw"}
    other = ("--principles", "each", "--out", place / "each.jsonl")
    assert judge(place, "--judge", "endpoint:lab/x", *other).exit_code == 0
    assert '"principles": "each"' in (place / "each.jsonl").read_text()
