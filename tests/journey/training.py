"""Datasets frozen, all three trained, and what came of it: curves, report, chat, comparison, cycle."""

import re
from pathlib import Path

from playwright.sync_api import expect

from cai_core.store import datasets, overview, work
from tests.journey.screen import SLOW, Screen
from tests.journey.walk import MESSAGE, OURS, SAMPLED, N, Walk


def freeze_datasets(walk: Walk) -> None:
    screen = walk.screen
    screen.open("curate", "Curate")
    screen.choose("Judge, where nobody has spoken", OURS)
    screen.choose("Source", SAMPLED)
    _freeze(screen, "Preference")
    screen.shot("curate-preference")
    _freeze(screen, "SFT")
    screen.part("Prompts", says="Prompt sets")
    for name in ("careful", "helpful"):
        screen.press(f"Remove {name}")
    _freeze(screen, "Prompts")
    screen.shot("curate-prompts")
    with walk.bench.db() as db:
        frozen = {item.kind: item for item in datasets.find(db)}
    assert set(frozen) == {"sft", "preference", "prompts"}
    assert all(item.author == "Ada" for item in frozen.values())
    for item in frozen.values():
        assert (item.path / "manifest.json").exists()
        assert (item.path / "train.jsonl").read_text(encoding="utf-8").count("\n") > 0
    assert _count(frozen["prompts"].path) == N


def _freeze(screen: Screen, kind: str) -> None:
    screen.part(kind)
    name = screen.main.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_have_value(kind.lower())
    expect(screen.page.get_by_test_id("stToast")).to_have_count(0, timeout=15_000)
    screen.press("Freeze")
    screen.told(re.compile(r"Frozen: \d+ rows"))


def _count(folder: Path) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in folder.glob("*.jsonl"))


def train_all_three(walk: Walk) -> None:
    screen = walk.screen
    screen.open("train", "Train")
    screen.choose("Constitution of the judge", re.compile("^short v2"))
    sft = screen.unfold("SFT settings")
    screen.number("max steps", 2, within=sft)
    reward = screen.unfold("Reward model settings")
    screen.number("max steps", 2, within=reward)
    ppo = screen.unfold("PPO settings")
    screen.number("total episodes", 16, within=ppo)
    screen.shot("train")
    screen.press("Start training")
    screen.sees("All three on sft")
    screen.shot("train-running")


def see_curves_and_report(walk: Walk) -> None:
    screen = walk.screen
    job = walk.job("chain")
    screen.open("runs", "Runs")
    card = screen.main.get_by_test_id("stVerticalBlock").filter(has_text="All three on sft").last
    expect(screen.main.get_by_text("All three on sft")).to_be_visible()
    screen.press("Open", within=card)
    expect(screen.page).to_have_url(re.compile(rf"run={job.id}"))
    screen.sees("Settings and lineage")
    screen.sees("succeeded", seconds=150)
    job = walk.job("chain")
    assert (job.state, job.attempt, job.reason) == ("succeeded", 1, "")
    screen.page.reload()
    screen.part("Curves")
    for measure in ("loss: ", "accuracy: ", "objective/kl: "):
        expect(screen.main.get_by_role("figure", name=measure).first).to_be_visible()
    screen.shot("run-curves")
    screen.part("Report")
    report = screen.main.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Gate")).to_be_visible()
    expect(report.get_by_text("What the reward model loves")).to_be_visible()
    expect(report.get_by_text("win rate, ties half").first).to_be_visible()
    screen.shot("run-report")
    screen.part("Log")
    screen.sees("comparison: finished")
    screen.part("Settings and lineage")
    screen.sees("The command that this run is")
    screen.shot("run-lineage")
    with walk.bench.db() as db:
        curves = work.metrics(db, job.id)
    assert {name.split("/")[0] for name in curves} == {"sft", "reward", "ppo"}


def chat_with_the_result(walk: Walk) -> None:
    screen = walk.screen
    screen.part("Chat")
    box = screen.main.get_by_role("textbox", name="Ask the trained model")
    box.fill("Where is the ladder?")
    box.press("Enter")
    said = screen.main.get_by_test_id("stChatMessage")
    expect(said.nth(1)).to_be_visible(timeout=SLOW)
    screen.press("Begin anew")
    expect(said).to_have_count(0)


def compare(walk: Walk) -> None:
    screen = walk.screen
    screen.open("compare", "Compare")
    screen.sees("A wins, ties half")
    screen.sees(re.compile(r"95% interval .* n = 2"))
    expect(screen.main.get_by_role("figure", name="win rate of A")).to_be_visible()
    screen.sees("went into")  # the judge is the trained model's own base
    screen.sees("Answer B")
    screen.shot("compare")


def come_full_circle(walk: Walk) -> None:
    screen = walk.screen
    screen.open("", "Overview")
    trained = screen.main.get_by_test_id("stVerticalBlock").filter(has_text="trained models").last
    expect(trained).to_contain_text("1 chain of all three")
    expect(trained).to_contain_text("3")
    screen.sees("Review more pairs")
    screen.shot("overview-last")
    with walk.bench.db() as db:
        cycle = next(c for c in overview.cycles(db) if c.version.message == MESSAGE)
    assert (cycle.revisions, cycle.runs.get("chain")) == (N, 1)
    assert cycle.judged >= N
    assert set(cycle.datasets) == {"sft", "preference"}  # prompts are under none
