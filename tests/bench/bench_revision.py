"""Critique and revision of 48 prompts in two rounds, against a pipeline that takes them one by one.

Both see the same chats, with the worked examples in front, and write up to 64 tokens a turn. The
pipeline has some of the prompts; rates are prompts a minute, and tokens a second beside them.
"""

import statistics

from cai_core.constitution import document
from cai_core.curate.formats import read_prompts
from cai_core.feedback import revise
from cai_core.feedback.revise import ReviseSettings
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.models.protocol import Model
from cai_core.schema import Chat, Constitution, Prompt, Sampling
from cai_core.settings import BUILTIN, DATA_DIR
from tests.bench.timing import memory_peak, piped, pipeline, timed

PROMPTS = 48
TOKENS = 64
TURNS = 3  # rounds of measuring
PIPED = 1  # prompts of the pipeline a turn
SETTINGS = ReviseSettings(rounds=2, sampling=Sampling(TOKENS))


def by_pipeline(prompt: Prompt, rules: Constitution, model: Model) -> int:
    """Answer and revise one prompt the usual way; gives the tokens that were written."""
    written = []

    def ask(chat: Chat) -> str:
        written.append(piped(chat, TOKENS))
        return written[-1]

    answer = ask(prompt.messages)
    for number in range(SETTINGS.rounds):
        asked = revise.requests_for(rules, SETTINGS, prompt.id, number)
        task = revise.Task(prompt.messages, answer, asked)
        critique = ask(revise.critique_chat(task, model, SETTINGS))
        answer = ask(revise.revision_chat(task, critique, model, SETTINGS))
    return sum(len(pipeline().tokenizer(one)["input_ids"]) for one in written)


def run() -> str:
    rules = document.read(DATA_DIR / "constitutions" / "general.yaml")
    prompts = read_prompts(DATA_DIR / "prompts" / "careful.jsonl").rows[:PROMPTS]
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    piped(prompts[0].messages, 4)
    rates, others, ratios, speeds, peaks = [], [], [], [], []
    for turn in range(TURNS):
        with memory_peak() as peak:
            fresh = LocalModel(model.folder)  # remembers nothing of the turn before
            fresh.generate([prompts[0].messages], Sampling(1))
            seconds, rows = timed(lambda m=fresh: list(revise.revise(prompts, rules, m, SETTINGS)))
        rates.append(60 * len(rows) / seconds)
        speeds.append(fresh.usage.tokens / seconds)
        peaks.append(peak[0])
        some = prompts[turn * PIPED : (turn + 1) * PIPED]
        seconds, tokens = timed(lambda s=some, m=fresh: [by_pipeline(p, rules, m) for p in s])
        others.append(60 * len(some) / seconds)
        ratios.append(speeds[-1] / (sum(tokens) / seconds))
        print(rates[-1], speeds[-1], others[-1], sum(tokens) / seconds, peaks[-1], flush=True)
    return "\n".join(
        [
            "## Critique and revision",
            "",
            f"{PROMPTS} prompts, {SETTINGS.rounds} rounds, up to {TOKENS} tokens a turn, the built-in"
            f" model, medians of {TURNS} rounds in which both took turns.",
            "",
            "| what | measured | asked for |",
            "|---|---|---|",
            f"| prompts a minute | {statistics.median(rates):.1f} | |",
            f"| tokens written a second | {statistics.median(speeds):.0f} | |",
            f"| `pipeline`, prompt by prompt ({PIPED} a round) | {statistics.median(others):.2f} | |",
            f"| times the pipeline, in tokens a second | {statistics.median(ratios):.1f} | at least 5 |",
            f"| peak memory of the process | {max(peaks):.1f} GiB | |",
        ]
    )
