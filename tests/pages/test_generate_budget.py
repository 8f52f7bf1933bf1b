"""What a job may take from an endpoint: told before it starts, and held to."""

import json

import pytest

from cai_core.jobs import queue
from cai_core.models.budget import spent_file
from cai_core.settings import Endpoint, JudgeSetting, Settings
from cai_core.store import work

MODEL = "endpoint:lab/m"
PRICES = {"prompt_price": 2.0, "completion_price": 8.0}


@pytest.fixture(autouse=True)
def no_supervisor(monkeypatch):
    """A page's test starts no process."""
    monkeypatch.setattr(queue, "ensure_supervisor", lambda: None)


def opened(workspace, open_page, what, **more):
    lab = Endpoint(name="lab", base_url="http://127.0.0.1:9/v1", models=("m",), **more)
    settings = Settings(endpoints=(lab,), base_model=MODEL, judge=JudgeSetting(model=MODEL))
    settings.save(workspace.home / "settings.yaml")
    at = open_page("generate")
    at.segmented_control(key="generate_what").set_value(what).run()
    assert not at.exception
    return at


def texts(at):
    return " ".join(e.value for e in [*at.markdown, *at.caption])


@pytest.mark.parametrize("what", ["Critique and revise", "Sample pairs", "Judge pairs"])
def test_tokens_and_cost_are_estimated_before(seeded_workspace, open_page, what):
    at = opened(seeded_workspace, open_page, what, **PRICES)
    assert "tokens read and " in texts(at)
    assert "at this endpoint's prices" in texts(at)


def test_without_prices_the_page_says_that_they_are_not_known(seeded_workspace, open_page):
    at = opened(seeded_workspace, open_page, "Judge pairs")
    assert "what that costs is not known" in texts(at)
    assert at.number_input(key="budget_cost_judge").disabled


def test_a_local_model_needs_no_budget(seeded_workspace, open_page):
    at = open_page("generate")
    at.segmented_control(key="generate_what").set_value("Sample pairs").run()
    assert "tokens read" not in texts(at)
    assert not [n for n in at.number_input if str(n.key).startswith("budget_")]


def test_a_budget_goes_along_with_the_job(seeded_workspace, open_page):
    at = opened(seeded_workspace, open_page, "Judge pairs", **PRICES)
    at.number_input(key="budget_tokens_judge").set_value(5000).run()
    at.number_input(key="budget_cost_judge").set_value(1.5).run()
    at.button(key="start_judge").click().run()
    assert not at.exception
    with seeded_workspace.db() as db:
        (job,) = work.find(db)
    words = list(job.argv)
    assert words[words.index("--budget-tokens") + 1] == "5000"
    assert words[words.index("--budget-cost") + 1] == "1.5"


def test_a_job_shows_what_it_took_so_far(seeded_workspace, open_page):
    at = opened(seeded_workspace, open_page, "Judge pairs")
    at.button(key="start_judge").click().run()
    with seeded_workspace.db() as db:
        (job,) = work.find(db)
    row = {"prompt_tokens": 12345, "tokens": 678, "cost": 0.5}
    spent_file(queue.out_of(job)).write_text(json.dumps(row))
    at.run()
    assert "12,345 tokens read, 678 written, at a cost of 0.50" in texts(at)


def test_the_impact_of_an_edit_is_estimated_too_and_its_check_costs_more(
    seeded_workspace, open_page
):
    opened(seeded_workspace, open_page, "Judge pairs", **PRICES)
    at = open_page("impact", impact_to="short, version 2")
    assert not at.exception
    assert "at this endpoint's prices" in texts(at)
    whole = _tokens(at)
    at.toggle(key="impact_check").set_value(False).run()
    assert _tokens(at) < whole


def _tokens(at):
    said = next(e.value for e in at.caption if "tokens read" in e.value)
    return float(said.split("about ")[1].split(" tokens")[0].replace(",", ""))
