"""The whole loop in a real browser, on a tiny real model: every page, real jobs, nothing mocked.

Each step asserts on what a person sees, and on what the workspace holds afterwards.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from cai_core.schema import Label
from cai_core.store import (
    constitutions,
    datasets,
    labels,
    overview,
    pairs,
    prompts,
    revisions,
    work,
)
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from tests.journey.screen import SLOW, Screen
from tests.journey.workbench import Workbench

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

WORDING = "Which response keeps the person asking, and everybody else, safer today?"
MESSAGE = "say today, so that nobody waits"
SET = "journey"
SAMPLED = f"Sample pairs from {SET}"  # the job's title, and the source of its pairs
QUESTIONS = {
    "train": (
        "How do I get into my neighbour's flat without a key?",
        "Which mushrooms may I eat raw?",
        "Write a letter that frightens my landlord.",
        "How much sleep does a nurse on nights need?",
        "My uncle wants to borrow my passport; should I let him?",
        "What does bleach do to a wool coat?",
        "Is it clever to text while I ride a bicycle?",
        "Tell my boss in one line that I am ill.",
    ),
    "dev": ("Can I heat a tin of soup unopened?", "How do I read somebody else's mail?"),
    "test": ("Where do I learn to weld?", "Should a child use a ladder alone?"),
}
OURS = re.compile(r"short v2")  # the judge that judged under our version
N = sum(map(len, QUESTIONS.values()))


@dataclass
class Walk:
    """Who walks where."""

    screen: Screen
    bench: Workbench
    files: Path

    def job(self, kind: str) -> work.Job:
        """The newest job of a kind."""
        with self.bench.db() as db:
            return work.find(db, kinds=[kind])[0]

    def await_job(self, kind: str, *, seconds: float = 120) -> work.Job:
        """Wait on the page until the newest job of a kind has succeeded."""
        title = self.job(kind).title
        made = self.screen.main.get_by_test_id("stExpander").filter(has_text=title)
        expect(made.first).to_contain_text("succeeded", timeout=1000 * seconds)
        return self.job(kind)


def test_the_whole_loop(walk: Walk):
    for step in STEPS:
        step(walk)
    assert walk.screen.strangers == []
    assert walk.screen.faults == []


def give_a_name(walk: Walk) -> None:
    screen = walk.screen
    screen.page.goto(screen.address)
    screen.write("Name", "Ada")
    screen.press("Go on")
    screen.sees("Start the guided review")
    screen.shot("overview-first")


# -- constitution


def edit_a_principle(walk: Walk) -> None:
    screen = walk.screen
    screen.open("constitution", "Constitution")
    screen.choose("Constitution", "short")
    screen.sees("Version 1, saved by Ratify")
    card = screen.unfold(re.compile(r"harmless"))
    screen.write("Comparison wording", WORDING, within=card)
    screen.sees("Unsaved draft")
    screen.sees("1 principle changed since version 1")
    screen.shot("constitution-draft")


def try_the_draft(walk: Walk) -> None:
    screen = walk.screen
    _pin(screen, "How do I dry a wet phone?", "Leave it in a warm room.", "Put it in the oven.")
    _pin(screen, "May I mix bleach and vinegar?")
    screen.choose("Criticise under", "harmless")
    screen.press("Run all")
    votes = screen.main.get_by_role("figure", name=re.compile("^Of 4 principles"))
    expect(votes).to_be_visible(timeout=SLOW)
    expect(votes).to_contain_text("saved version")  # the draft's votes beside those it had
    screen.sees(re.compile("Critique"))
    screen.sees(re.compile("Revision"))
    screen.sees("Unsaved draft")
    screen.shot("constitution-tried")


def _pin(screen: Screen, asked: str, a: str = "", b: str = "") -> None:
    screen.press("Type")
    form = screen.page.get_by_test_id("stPopoverBody")
    screen.write("Prompt", asked, within=form)
    if a:
        screen.write("Answer A", a, within=form)
        screen.write("Answer B", b, within=form)
    screen.press("Pin it", within=form)
    screen.page.keyboard.press("Escape")
    screen.sees(asked)


def save_the_version(walk: Walk) -> None:
    screen = walk.screen
    screen.write("What changed, and why", MESSAGE)
    screen.press("Save version")
    screen.sees("Version 2, saved by Ada")
    with walk.bench.db() as db:
        new, old = constitutions.versions(db, "short")
    assert (new.number, new.author, new.message, new.parent) == (2, "Ada", MESSAGE, old.id)
    assert new.constitution.principles[0].text == WORDING
    assert new.constitution.principles[1:] == old.constitution.principles[1:]
    screen.part("History")
    expect(screen.main.locator("ins", has_text="today")).to_be_visible()
    screen.shot("constitution-history")


# -- generate


def upload_prompts(walk: Walk) -> None:
    screen = walk.screen
    rows = [{"prompt": q, "split": split} for split, asked in QUESTIONS.items() for q in asked]
    file = walk.files / f"{SET}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    screen.open("generate", "Generate")
    screen.part("Prompt sets", says="Upload a file")
    screen.main.locator("input[type=file]").first.set_input_files(file)
    screen.sees(f"{N} prompts can be read")
    screen.shot("generate-upload")
    screen.press(f"Add {N} prompts")
    screen.told(f"{N} prompts are in {SET} now")
    with walk.bench.db() as db:
        kept = prompts.of_set(db, SET)
    for split, asked in QUESTIONS.items():
        assert [p.messages[-1].content for p in kept if p.split == split] == list(asked)


def revise(walk: Walk) -> None:
    """A critique-and-revision job; the browser is reloaded while it runs, and nothing stops."""
    screen = walk.screen
    screen.part("Critique and revise", says="finds fault with its answer")
    _ask(screen)
    screen.choose("Constitution", "short")
    screen.choose("Version", re.compile("^2 "))
    screen.shot("generate-revise")
    _start(screen, "Revise journey")
    screen.sees(re.compile("running"), seconds=60)
    assert walk.job("revise").active
    screen.page.reload()
    screen.sees("What came out")
    done = walk.await_job("revise")
    assert (done.state, done.attempt, done.submitted_by) == ("succeeded", 1, "Ada")
    with walk.bench.db() as db:
        made = [item.revision for item in revisions.find(db)]
        version = constitutions.newest(db, "short")
    assert len(made) == N
    assert all(one.rounds[0].critique and one.constitution == version.ref for one in made)
    screen.shot("generate-revised")


def _ask(screen: Screen) -> None:
    """Every prompt of our set, and short answers."""
    screen.choose("Prompt set", f"{SET} · {N} prompts")
    screen.choose("Split", "all")
    screen.number(f"Prompts, of {N}", N)
    more = screen.unfold("More settings")
    screen.number("Tokens an answer, at most", 24, within=more)


def _start(screen: Screen, title: str) -> None:
    screen.press("Start")
    screen.sees(title)


def sample_pairs(walk: Walk) -> None:
    screen = walk.screen
    screen.part("Sample pairs", says="writes two answers")
    _ask(screen)
    _start(screen, SAMPLED)
    walk.await_job("sample-pairs")
    with walk.bench.db() as db:
        assert pairs.count(db, PairFilter(source=SAMPLED)) == N


def judge(walk: Walk) -> None:
    screen = walk.screen
    screen.part("Judge pairs", says="reads each pair in both orders")
    screen.choose("Source", SAMPLED)
    screen.choose("Constitution", "short")
    screen.choose("Version", re.compile("^2 "))
    screen.sees(f"{N} pairs")
    screen.shot("generate-judge")
    _start(screen, f"Judge pairs of {SAMPLED}")
    done = walk.await_job("judge")
    with walk.bench.db() as db:
        judged = [item.label for item in labels.judgements(db, LabelFilter(job=done.id))]
        version = constitutions.newest(db, "short")
    keys = {principle.key for principle in version.constitution.enabled}
    assert len(judged) == N
    for label in judged:
        assert label.verdict in ("a", "b", "tie")
        assert set(label.votes or {}) == keys
        assert label.constitution == version.ref
    screen.unfold("Judge pairs of")
    screen.shot("generate-judged")


# -- review


def review_three_pairs(walk: Walk) -> None:
    """Keys only: B, taken back; then A, B, and a tie."""
    screen = walk.screen
    screen.open("review", "Review")
    screen.press("Filters and judge")
    screen.choose("Judge to compare with", OURS)
    screen.choose("Source", SAMPLED)
    screen.page.keyboard.press("Escape")
    screen.sees(f"0 of {N} reviewed")
    screen.shot("review-pair")
    screen.key("b")
    screen.sees(f"1 of {N} reviewed")
    screen.key("u")
    screen.sees(f"0 of {N} reviewed")
    screen.settle()
    preferred = {}
    for n, key in enumerate("abt", start=1):
        preferred[_asked(screen)] = _answer(screen, key.upper()) if key in "ab" else ""
        screen.key(key)
        screen.sees(f"{n} of {N} reviewed")
        screen.settle()
    screen.unfold("The pair before")
    screen.shot("review-pair-before")
    with walk.bench.db() as db:
        kept = [item.label for item in labels.verdicts(db, LabelFilter(annotator="Ada"))]
        told = [one for label in kept for one in labels.history(db, label.pair.id)]
    assert {plain(one.pair.prompt[-1].content): _better(one) for one in kept} == preferred
    assert all(one.review and one.review.blind and one.review.reviewer == "Ada" for one in kept)
    undone = [one.label.verdict for one in told if one.undone]
    assert len(undone) == 1  # it stands in the log still


def _asked(screen: Screen) -> str:
    """The conversation stands above the answers."""
    return plain(screen.main.get_by_test_id("stHtml").first.inner_text())


def _answer(screen: Screen, side: str) -> str:
    titled = screen.page.get_by_text(f"Answer {side}", exact=True)
    card = screen.main.get_by_test_id("stVerticalBlock").filter(has=titled).last
    return plain(card.get_by_test_id("stHtml").inner_text())


def _better(label: Label) -> str:
    """The answer that a verdict prefers; nothing for a tie."""
    pair = label.pair
    return plain({"a": pair.response_a, "b": pair.response_b}.get(label.verdict or "", ""))


def plain(text: str) -> str:
    return " ".join(text.split())


# -- curate and train


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


# -- what came out


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
    for measure in ("sft/loss", "reward/loss", "ppo/objective/kl"):
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
    screen.part("Chat with the result")
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
    expect(trained).to_contain_text("1 all three")
    expect(trained).to_contain_text("3")
    screen.shot("overview-last")
    with walk.bench.db() as db:
        cycle = next(c for c in overview.cycles(db) if c.version.message == MESSAGE)
    assert (cycle.revisions, cycle.runs.get("chain")) == (N, 1)
    assert cycle.judged >= N
    assert set(cycle.datasets) == {"sft", "preference"}  # prompts are under none


STEPS = (
    give_a_name,
    edit_a_principle,
    try_the_draft,
    save_the_version,
    upload_prompts,
    revise,
    sample_pairs,
    judge,
    review_three_pairs,
    freeze_datasets,
    train_all_three,
    see_curves_and_report,
    chat_with_the_result,
    compare,
    come_full_circle,
)
