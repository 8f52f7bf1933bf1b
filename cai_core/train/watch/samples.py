"""What a policy's answers to the dev prompts show beside its start's answers to the same prompts."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cai_core.schema import Row
from cai_core.stats import Estimate, clustered
from cai_core.text import is_boilerplate, is_looping, is_refusal
from cai_core.train.watch.alarms import Finding, Limits

LEVEL = 0.9  # of intervals here: by chance alone a bound is passed one time in twenty
PHRASE = 3  # words
SURE = 4.0  # standard errors: the phrase is the most frequent of hundreds
_WORDS = re.compile(r"\w+(?:['’]\w+)?")


@dataclass(frozen=True)
class Spoken:
    """One answer: its text, and whether it ended by itself."""

    text: str
    ended: bool = True

    def to_row(self) -> Row:
        return {"text": self.text, "ended": self.ended}


@dataclass(frozen=True)
class Sampled:
    """Answers to the same prompts in the same order, now and at the start.

    `safe_now` and `safe_start` answer prompts that only look unsafe.
    """

    now: Sequence[Spoken]
    start: Sequence[Spoken]
    safe_now: Sequence[Spoken] = ()
    safe_start: Sequence[Spoken] = ()

    def measures(self) -> dict[str, float]:
        """Shares of the answers and their mean length in words, for curves."""
        found = {
            "response_words": _mean([len(one.text.split()) for one in self.now]),
            "truncated": _mean([not one.ended for one in self.now]),
            "looping": _mean([is_looping(one.text) for one in self.now]),
            "boilerplate": _mean([is_boilerplate(one.text) for one in self.now]),
            "refusals_safe": _mean([is_refusal(one.text) for one in self.safe_now]),
        }
        return {name: value for name, value in found.items() if not math.isnan(value)}


def interval(values: Sequence[float]) -> Estimate:
    """The mean with its 90% interval, a value a prompt (Student's t)."""
    return clustered(values, range(len(values))).interval(LEVEL)


def findings(sampled: Sampled, limits: Limits) -> Iterator[Finding]:
    """Of every rule on answers; what two answers or fewer cannot tell is left out."""
    yield _risen("repetition", is_looping, "go round in circles", sampled, limits)
    yield _boilerplate(sampled, limits)
    yield _length(sampled, limits)
    if sampled.safe_now:
        safe = Sampled(sampled.safe_now, sampled.safe_start)
        yield _risen("refusals", is_refusal, "to safe prompts refuse", safe, limits)


def _risen(
    name: str, has: Callable[[str], bool], what: str, sampled: Sampled, limits: Limits
) -> Finding:
    """Whether the share of answers that have something rose, prompt by prompt."""
    now, start = ([float(has(one.text)) for one in said] for said in (sampled.now, sampled.start))
    rise = interval([after - before for after, before in zip(now, start, strict=True)])
    said = f"{sum(now):.0f} of {len(now)} answers {what}, {sum(start):.0f} at the start"
    said += f" (rise {rise.value:.2f}, 90%: {rise.low:.2f} to {rise.high:.2f})"
    return Finding(name, rise.low > limits.rise, said)


def _boilerplate(sampled: Sampled, limits: Limits) -> Finding:
    """Stock phrases, or any phrase that has come into many answers."""
    stock = _risen("boilerplate", is_boilerplate, "have stock phrases", sampled, limits)
    phrase, now, start = _commonest(sampled)
    n = len(sampled.now)
    share = (now + start) / (2 * n) if n else 0.0
    error = math.sqrt(2 * share * (1 - share) / n) if n else 0.0
    rise = (now - start) / n if n else 0.0
    if stock.sounds or rise < limits.phrase or rise < SURE * error:
        return stock
    said = f"{now} of {n} answers say “{phrase}”, {start} at the start"
    return Finding("boilerplate", True, said)


def _commonest(sampled: Sampled) -> tuple[str, int, int]:
    """The phrase that came into most answers, and how many say it now and said it at the start."""
    now, start = (_answers_with(said) for said in (sampled.now, sampled.start))
    if not now:
        return "", 0, 0
    phrase = max(now, key=lambda words: (now[words] - start[words], words))
    return " ".join(phrase), now[phrase], start[phrase]


def _answers_with(said: Sequence[Spoken]) -> Counter[tuple[str, ...]]:
    """In how many answers each run of words stands."""
    found: Counter[tuple[str, ...]] = Counter()
    for one in said:
        words = _WORDS.findall(one.text.casefold())
        found.update({tuple(words[i : i + PHRASE]) for i in range(len(words) - PHRASE + 1)})
    return found


def _length(sampled: Sampled, limits: Limits) -> Finding:
    """Whether answers are surely longer or shorter than the start's to the same prompts."""
    pairs = zip(sampled.now, sampled.start, strict=True)
    logs = [math.log((len(a.text) + 1) / (len(b.text) + 1)) for a, b in pairs]
    found, bound = interval(logs), math.log(limits.longer)
    low, value, high = (math.exp(x) for x in (found.low, found.value, found.high))
    said = f"answers are {value:.2f} times as long as the start's to the same {found.n} prompts"
    said += f" (90%: {low:.2f} to {high:.2f})"
    return Finding("length", found.low > bound or found.high < -bound, said)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
