"""Prompts uploaded, revised, sampled from and judged as jobs; pairs and a revision read by keys."""

import json
import re

from playwright.sync_api import Locator, expect

from cai_core.schema import Label
from cai_core.store import constitutions, labels, pairs, prompts, revisions
from cai_core.store.labels import LabelFilter
from cai_core.store.pairs import PairFilter
from cai_core.store.revisions import RevisionFilter
from tests.journey.screen import Screen
from tests.journey.walk import OURS, QUESTIONS, SAMPLED, SET, N, Walk, plain


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


def review_three_pairs(walk: Walk) -> None:
    """Keys only: B, taken back; then A, B, and a tie."""
    screen = walk.screen
    screen.open("review", "Review")
    screen.press("Filters and judge")
    screen.choose("Judge to compare with", OURS)
    screen.choose("Source", SAMPLED)
    screen.page.keyboard.press("Escape")
    screen.sees(f"0 reviewed today · {N} pairs left")
    screen.shot("review-pair")
    screen.key("b")
    screen.sees(f"1 reviewed today, 1 of them in this queue · {N - 1} pairs left")
    screen.key("u")
    screen.sees(f"0 reviewed today · {N} pairs left")
    preferred = {}
    for n, key in enumerate("abt", start=1):
        screen.settle()
        asked = plain(_card(screen).locator(".turn .text").last.inner_text())
        preferred[asked] = _answer(screen, key) if key in "ab" else ""
        screen.key(key)
        screen.sees(f"{n} reviewed today, {n} of them in this queue · {N - n} pairs left")
    expect(_card(screen)).to_contain_text("you said “Tie”the judge: ")
    screen.unfold("The pair before")
    screen.shot("review-pair-before")
    with walk.bench.db() as db:
        kept = [item.label for item in labels.verdicts(db, LabelFilter(annotator="Ada"))]
        told = [one for label in kept for one in labels.history(db, label.pair.id)]
    assert {plain(one.pair.prompt[-1].content): _better(one) for one in kept} == preferred
    # the judge of the first pair stood there before it was taken back
    assert [one.review.blind for one in kept if one.review].count(True) == 2
    undone = [one.label.verdict for one in told if one.undone]
    assert len(undone) == 1  # it stands in the log still


def _card(screen: Screen) -> Locator:
    return screen.page.locator(".card")


def _answer(screen: Screen, side: str) -> str:
    box = _card(screen).locator(f".box[data-box='{'ab'.index(side)}'] .text")
    return plain(box.inner_text())


def _better(label: Label) -> str:
    """The answer that a verdict prefers; nothing for a tie."""
    pair = label.pair
    return plain({"a": pair.response_a, "b": pair.response_b}.get(label.verdict or "", ""))


def keep_a_revision(walk: Walk) -> None:
    screen = walk.screen
    screen.part("Revisions")
    screen.sees(f"0 of {N} decided")
    screen.shot("review-revision")
    screen.key("k")
    screen.sees(f"1 of {N} decided")
    with walk.bench.db() as db:
        (kept,) = revisions.find(db, RevisionFilter(decided=True))
    assert kept.decision
    assert (kept.decision.verdict, kept.decision.person) == ("keep", "Ada")
