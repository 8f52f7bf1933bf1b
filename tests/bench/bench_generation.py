"""Writing on a local model: 96 prompts in length-sorted batches against one prompt at a time.

Both sample at temperature 1 and write up to 64 tokens; rates are tokens a second, since a sampled
answer may end early. In each round both take their turn; the pipeline has some of the prompts.
"""

import statistics

from cai_core.curate.formats import read_prompts
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.schema import Sampling
from cai_core.settings import BUILTIN, DATA_DIR
from tests.bench.timing import memory_peak, piped, pipeline, resident_gib, timed

PROMPTS = 96
TOKENS = 64
ROUNDS = 3
PIPED = 4  # prompts of the pipeline a round


def run() -> str:
    rows = read_prompts(DATA_DIR / "prompts" / "careful.jsonl").rows
    chats = [prompt.messages for prompt in rows[:PROMPTS]]
    piped(chats[0], 4)
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    model.generate(chats[:2], Sampling(4))
    before, rates, others, peaks = resident_gib(), [], [], []
    for turn in range(ROUNDS):
        with memory_peak() as peak:
            fresh = LocalModel(model.folder)  # remembers nothing of the round before
            fresh.generate(chats[:1], Sampling(1))
            params = Sampling(TOKENS, seed=turn)
            seconds, answers = timed(lambda m=fresh, p=params: m.generate(chats, p))
        rates.append(sum(one.tokens for one in answers) / seconds)
        peaks.append(peak[0])
        asked = chats[turn * PIPED : (turn + 1) * PIPED]
        seconds, said = timed(lambda some=asked: [piped(chat, TOKENS) for chat in some])
        others.append(sum(len(pipeline().tokenizer(one)["input_ids"]) for one in said) / seconds)
        print(rates[-1], others[-1], peaks[-1], flush=True)
    ratio = statistics.median(a / b for a, b in zip(rates, others, strict=True))
    return "\n".join(
        [
            "## Generation",
            "",
            f"{PROMPTS} prompts, up to {TOKENS} tokens each, the built-in model, medians of {ROUNDS}"
            f" rounds in which both took turns.",
            "",
            "| what | measured | asked for |",
            "|---|---|---|",
            f"| tokens a second | {statistics.median(rates):.0f} | |",
            f"| `pipeline`, prompt by prompt ({PIPED} prompts a round) |"
            f" {statistics.median(others):.1f} | |",
            f"| times the pipeline | {ratio:.1f} | at least 8 |",
            f"| peak memory of the process | {max(peaks):.1f} GiB; {before:.1f} GiB before, with both"
            " models loaded | |",
        ]
    )
