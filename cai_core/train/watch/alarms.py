"""What looks wrong in a run's logs: one rule a kind of trouble, each with its threshold and remedy.

A rule says of the run as it is now whether it sounds; when it is told is the monitor's matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import Field

from cai_core.train.configs.base import Setting
from cai_core.train.watch.measures import Course, Watched


class Limits(Setting):
    """Where an alarm sounds. Those of "ours" were chosen on tiny policies with a planted truth."""

    kl: float = Field(
        10.0, gt=0, description="nats an answer where no target is set (ours; planted runs keep it)"
    )
    kl_over_target: float = Field(
        1.5, gt=1, description="of the target: the controller corrects 20% at most at once (ours)"
    )
    entropy_share: float = Field(0.3, gt=0, lt=1, description="of its start, a token (ours)")
    length_ratio: float = Field(1.5, gt=1, description="longer or shorter than the start (ours)")
    truncated: float = Field(0.2, gt=0, lt=1, description="of the answers cut at their limit")
    spread_share: float = Field(0.1, gt=0, lt=1, description="of the rewards' first spread (ours)")
    least_spread: float = Field(1e-3, gt=0, description="of rewards, whatever it was first (ours)")
    clipped: float = Field(0.3, gt=0, lt=1, description="of tokens held by the clip (ours)")
    first_ratio: float = Field(1e-4, gt=0, description="from 1 in float32 (measured: under 1e-5)")
    first_ratio_bf16: float = Field(0.05, gt=0, description="from 1 in bfloat16 (8 bits; ours)")
    diverging: float = Field(1.3, gt=1, description="of the lowest mean loss so far (ours)")
    overfitting: float = Field(1.02, gt=1, description="of the lowest dev loss so far (ours)")
    rise: float = Field(
        0.1, gt=0, lt=1, description="of a share of answers, by its lower 90% bound (ours)"
    )
    longer: float = Field(
        1.25, gt=1, description="ratio of lengths on the same prompts, by its 90% bound (ours)"
    )
    phrase: float = Field(0.4, gt=0, lt=1, description="rise of the share with one phrase (ours)")


REMEDIES: Mapping[str, str] = {
    "undefined": "stop, and go on from an earlier checkpoint with a lower learning_rate",
    "first_ratio": "sampling and learning differ: report it as a bug, with the model's name",
    "kl": "raise kl_coef, set kl_target, or lower learning_rate",
    "value": "raise num_value_warmup_batches or vf_coef, or lower learning_rate",
    "entropy": "raise kl_coef or lower learning_rate; look at the samples for one answer to all",
    "length": "look at the samples and at the reward model's coefficient on length; raise kl_coef",
    "truncated": "raise response_length or missing_eos_penalty; look at how answers end",
    "spread": "the reward tells the answers apart no more: look at the samples, raise kl_coef",
    "clipped": "lower learning_rate or num_ppo_epochs",
    "not_learning": "raise learning_rate, or check that rows and labels are what they should be",
    "diverging": "stop, and go on from an earlier checkpoint with a lower learning_rate",
    "overfitting": "stop here and keep the checkpoint of the lowest dev loss; train fewer epochs",
    "boilerplate": "look at the samples; raise kl_coef, and see whether the reward loves the phrase",
    "repetition": "look at the samples; raise kl_coef or missing_eos_penalty, lower learning_rate",
    "refusals": "raise the helpful share of the reward model's pairs; look at the safe prompts",
    "gaming": "stop: the policy games its reward. Use the best checkpoint by the judge (OUT/best),"
    " raise kl_coef, and look at what the reward model loves",
    "judge": "see to the judge; training goes on without its comparison",
}


@dataclass(frozen=True)
class Finding:
    """Whether the rule `name` sounds, and why, in words with the numbers."""

    name: str
    sounds: bool
    reason: str


@dataclass(frozen=True)
class Seen:
    """What the rules look at: every measure's course, and the newest log under our names."""

    step: int
    now: Mapping[str, float]
    courses: Mapping[str, Course]
    watched: Watched
    limits: Limits


def findings(seen: Seen) -> Iterator[Finding]:
    """Of every rule that the newest log bears on."""
    for name, rule in _RULES.items():
        course = seen.courses.get(name)
        if name in seen.now and course and course.full:
            yield from rule(course, seen)


def _kl(course: Course, seen: Seen) -> Iterator[Finding]:
    target, limits = seen.watched.kl_target, seen.limits
    bound = target * limits.kl_over_target if target else limits.kl
    of = f"the target is {target:g}" if target else "no target is set"
    said = f"KL is {course.now:.1f} nats an answer, over {bound:g} ({of})"
    yield Finding("kl", course.now > bound, said)


def _entropy(course: Course, seen: Seen) -> Iterator[Finding]:
    if course.apart and course.start > 0:
        share = course.now / course.start
        said = f"entropy is {course.now:.2f} nats a token, {share:.0%} of the start's"
        said += f" {course.start:.2f}, under {seen.limits.entropy_share:.0%}"
        yield Finding("entropy", share < seen.limits.entropy_share, said)


def _length(course: Course, seen: Seen) -> Iterator[Finding]:
    if course.apart and course.start > 0:
        ratio, bound = course.now / course.start, seen.limits.length_ratio
        said = f"answers have {course.now:.0f} tokens, {ratio:.2f} times the start's"
        said += f" {course.start:.0f}; {1 / bound:.2f} to {bound:g} is usual"
        yield Finding("length", not 1 / bound <= ratio <= bound, said)


def _truncated(course: Course, seen: Seen) -> Iterator[Finding]:
    said = f"{course.now:.0%} of the answers were cut at their limit, over"
    said += f" {seen.limits.truncated:.0%}; at the start {course.start:.0%}"
    yield Finding("truncated", course.now > seen.limits.truncated, said)


def _spread(course: Course, seen: Seen) -> Iterator[Finding]:
    bound = max(seen.limits.least_spread, seen.limits.spread_share * course.start)
    said = f"rewards of one batch differ by {course.now:.2g} (deviation), under {bound:.2g};"
    said += f" at the start {course.start:.2g}"
    yield Finding("spread", course.now < bound, said)


def _clipped(course: Course, seen: Seen) -> Iterator[Finding]:
    said = f"{course.now:.0%} of the tokens are held by the clip, over {seen.limits.clipped:.0%}"
    yield Finding("clipped", course.now > seen.limits.clipped, said)


def _value(course: Course, seen: Seen) -> Iterator[Finding]:
    said = f"explained variance was under 0 in {course.size} logs running, {course.now:.2f} on"
    said += " average: the value model says less than a constant"
    yield Finding("value", max(course.last) < 0, said)


def _first_ratio(course: Course, seen: Seen) -> Iterator[Finding]:
    limits, gap = seen.limits, course.last[-1]
    bound = limits.first_ratio if seen.watched.exact else limits.first_ratio_bf16
    said = f"the first ratio of a batch is {gap:.1e} from 1, over {bound:g}"
    yield Finding("first_ratio", gap > bound, said)


def _loss(course: Course, seen: Seen) -> Iterator[Finding]:
    """Of losses that ought to fall: SFT's, a reward model's, DPO's."""
    if "reward" in seen.courses or not course.apart or course.lowest is None:
        return
    means = f"{course.now:.3g} over the last {course.size} logs, {course.start:.3g} over the first"
    rose = course.now > max(course.start, seen.limits.diverging * course.lowest)
    yield Finding("diverging", rose, f"the loss rises: {means}, {course.lowest:.3g} at its lowest")
    flat = not rose and course.no_lower >= 2 * course.size
    yield Finding("not_learning", flat, f"the loss does not fall: {means}")


def _eval_loss(course: Course, seen: Seen) -> Iterator[Finding]:
    train = seen.courses.get("loss")
    if train is None or not train.apart or course.lowest is None:
        return
    over = course.now / course.lowest if course.lowest > 0 else 1.0
    rises = over > seen.limits.overfitting and train.now < train.start
    said = f"dev loss is {course.now:.3f}, {over:.2f} times its lowest {course.lowest:.3f}, while"
    said += f" the training loss fell from {train.start:.3g} to {train.now:.3g}"
    yield Finding("overfitting", rises, said)


_RULES = {
    **{"kl": _kl, "entropy": _entropy, "length": _length, "truncated": _truncated},
    **{"spread": _spread, "clipped": _clipped, "value": _value, "first_ratio": _first_ratio},
    **{"loss": _loss, "eval_loss": _eval_loss},
}
