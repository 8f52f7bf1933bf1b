"""Simulated reviewing with known truth: coverage and width of the certificate, and the gate's mistakes.

Every cell draws its reviews anew from 40 populations (see tests/review/reviewing.py) and asks whether
the interval holds that population's share of right labels. Widths are told beside the mean width of
Wilson's interval of a plain random sample of as many.
"""

import itertools
import os

import numpy as np

from cai_core.review.certificate import certificate, certified
from cai_core.review.gate import CAPITAL, capital
from cai_core.review.levels import levels
from cai_core.review.sample import Population, Reviewed
from tests.bench.timing import timed
from tests.review import reviewing

REPETITIONS = int(os.environ.get("CERTIFICATE_REPETITIONS", "4000"))
POPULATIONS = 40
SIZES = (30, 60, 200)
SHARES = (0.6, 0.75, 0.9, 0.97)
QUEUES = ("even", "useful")
GATES = ((0.6, 0.6), (0.75, 0.75), (0.9, 0.9), (0.97, 0.97), (0.9, 0.8), (0.85, 0.8), (0.97, 0.9))
LOOKS = 400  # the most reviews that a gate is watched for where it should not pass


def cell(kind, size, share, *, n, queue):
    """Coverage, and the mean width over Wilson's."""
    chance = np.random.default_rng([size, n, round(100 * share), KIND[kind], len(queue)])
    held, widths, plain = 0, 0.0, 0.0
    for _ in range(POPULATIONS):
        confidence, right = reviewing.population(kind, size, share, chance)
        table, truth = levels(Population(confidence)), right.mean()
        weight = reviewing.weights(queue, confidence)
        for _ in range(REPETITIONS // POPULATIONS):
            drawn, u = reviewing.draw(weight, n, chance)
            made = certified(table, reviewing.reviews(drawn, u, right), by_stratum=False)
            held += made.low <= truth <= made.high
            widths += made.width
            plain += reviewing.plain_width(right, n, chance)
    return held / (REPETITIONS // POPULATIONS * POPULATIONS), widths / plain


KIND = {kind: place for place, kind in enumerate(reviewing.KINDS)}
MAIN = ("calibrated", 2_000)


def coverage(kind, size):
    rows, least, most = [], 1.0, {"even": 0.0, "useful": 0.0}
    for n in SIZES:
        for share in SHARES:
            told = []
            for queue in QUEUES:
                held, width = cell(kind, size, share, n=n, queue=queue)
                told.append(f"{held:.3f} | {width:.2f}")
                least = min(least, held)
                if queue == "even" or n == max(SIZES):
                    most[queue] = max(most[queue], width)
            rows.append(f"| {n} | {share:.2f} | {' | '.join(told)} |")
            print(kind, size, rows[-1], flush=True)
    said = (
        f"**{kind}**, {size:,} pairs: least coverage {least:.3f} (asked for: 0.94); widest on even draws"
        f" {most['even']:.2f} times Wilson's (1.15), on *most useful* at n = {max(SIZES)}"
        f" {most['useful']:.2f} (under 1)"
    )
    head = [
        "| n | share right | even: covered | even: width | most useful: covered | width |",
        "|---|---|---|---|---|---|",
    ]
    return [said + ".", "", *head, *rows, ""] if (kind, size) == MAIN else [f"- {said}."]


def exactly(right, share, chance):
    """The labels with just this share of right ones, a few turned."""
    more = round(share * len(right)) - int(right.sum())
    turned = chance.choice(np.flatnonzero(right == (more < 0)), abs(more), replace=False)
    right[turned] = 1 - right[turned]
    return right


def gates(share, bar, queue):
    """Shares passed: by the gate however often looked at, at n = 200 alone; by the interval; times."""
    size, most = (2_000, LOOKS) if share == bar else (20_000, 1_000)
    repetitions = REPETITIONS if share == bar else REPETITIONS // 20
    chance = np.random.default_rng([round(100 * share), round(100 * bar), len(queue)])
    at, once, peeked, fixed = [], 0, [], 0
    for turn in range(repetitions):
        if turn % 50 == 0:
            confidence, right = reviewing.population("calibrated", size, share, chance)
            right, table = exactly(right, share, chance), levels(Population(confidence))
            weight = reviewing.weights(queue, confidence)
        drawn, u = reviewing.draw(weight, most, chance)
        given = Reviewed(drawn, right[drawn], u, heaviest=weight.mean() / weight.min())
        fortune = capital(given, size, bars=np.array([bar]))[0]
        passed = np.flatnonzero(fortune >= CAPITAL)
        at.append(passed[0] + 1 if len(passed) else np.inf)
        once += fortune[199] >= CAPITAL
        fixed += certified(table, given.first(200), by_stratum=False).low > bar
        if turn % 10 == 0:
            looks = range(20, most + 1, 10)
            found = (
                n for n in looks if certified(table, given.first(n), by_stratum=False).low > bar
            )
            peeked.append(next(found, np.inf))
    return np.array(at), once / repetitions, np.array(peeked), fixed / repetitions


def gate_rows():
    for (share, bar), queue in itertools.product(GATES, QUEUES):
        at, once, peeked, fixed = gates(share, bar, queue)
        name = "most useful" if queue == "useful" else queue
        times = [f"{np.median(one):.0f}" if share > bar else "–" for one in (at, peeked)]
        row = (
            f"| {share:.2f} | {bar:.2f} | {name} | {np.isfinite(at).mean():.3f} | {times[0]} | {once:.3f}"
            f" | {np.isfinite(peeked).mean():.3f} | {times[1]} | {fixed:.3f} |"
        )
        print(row, flush=True)
        yield row


def speed():
    told = []
    for size in (200_000, 1_000_000):
        chance = np.random.default_rng(size)
        confidence, right = reviewing.population("calibrated", size, 0.85, chance)
        drawn, u = reviewing.draw(reviewing.weights("useful", confidence), 2_000, chance)
        others = np.c_[chance.random(size), chance.random(size) < 0.1]
        given = reviewing.reviews(drawn, u, right)
        seconds, _ = timed(lambda: certificate(Population(confidence, others), given))  # noqa: B023
        told.append(f"{seconds:.2f} s for {size:,} pairs")
    return f"A certificate of 2,000 reviews with two further predictors: {', '.join(told)}."


def run() -> str:
    lines = [
        "## Certificates and gates",
        "",
        f"Simulated reviewing with known truth, {REPETITIONS:,} repetitions a cell; by chance a true 0.95 is"
        " seen as 0.943 to 0.957. Width is the mean over that of Wilson's interval of a plain random sample"
        " of as many. *Most useful* draws in proportion to `allocation(usefulness(p))`.",
        "",
    ]
    lines += coverage(*MAIN)
    others = itertools.product(reviewing.KINDS, (2_000, 20_000))
    lines += [line for other in others if other != MAIN for line in coverage(*other)]
    lines += [
        "",
        f"The gate passes labels once they are surely better than a bar, looked at after every review (up to"
        f" {LOOKS} where it should not pass, 1,000 where it should). Beside it the certificate's interval,"
        " looked at after every tenth review from the twentieth on, and once, at 200 reviews. False passes"
        " of the gate: at most 0.05 are asked for.",
        "",
        "| share right | bar | queue | gate passed | after, median | gate, at 200 alone |"
        " interval passed | after, median | interval, at 200 alone |",
        "|---|---|---|---|---|---|---|---|---|",
        *gate_rows(),
        "",
        speed(),
    ]
    return "\n".join(lines)
