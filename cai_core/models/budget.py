"""A budget of tokens or of cost for one run: counted by what servers say, and never overdrawn.

It stands behind the cache, so that kept answers cost nothing. Each request is counted at most
before it is sent (its prompt, and all tokens that it may write), and as it was afterwards. Where that
most no longer fits, it waits for those under way; where none is, the budget is used up.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Condition

from cai_core.errors import BudgetError, CaiError, Stopped
from cai_core.schema import StopHook, never_stop
from cai_core.settings import Endpoint

POLL_SECONDS = 0.2  # so soon a stop request is seen
WRITE_SECONDS = 1.0  # a kill loses the count of so long at most

Settle = Callable[[int, int], None]  # (tokens read, tokens written)


@dataclass(frozen=True)
class Spent:
    """Tokens read and written by endpoints, and what those with known prices took for them."""

    prompt_tokens: int = 0
    tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.prompt_tokens + other.prompt_tokens,
            self.tokens + other.tokens,
            self.cost + other.cost,
        )


def cost_of(endpoint: Endpoint, read: int, written: int) -> float | None:
    """At the prices of the settings; None where one of them is not known.

    >>> lab = Endpoint(name="lab", base_url="http://x", prompt_price=2, completion_price=8)
    >>> cost_of(lab, 500_000, 100_000)
    1.8
    """
    if endpoint.prompt_price is None or endpoint.completion_price is None:
        return None
    return (read * endpoint.prompt_price + written * endpoint.completion_price) / 1e6


def spent_file(out: Path) -> Path:
    """Where it is written down what endpoints took for a file of rows, over all attempts."""
    return out.with_name(out.name + ".spent.json")


def read_spent(out: Path) -> Spent:
    """What endpoints took for this file of rows so far; nothing where nobody asked one.

    Raises:
        CaiError: it cannot be read.
    """
    file = spent_file(out)
    if not file.exists():
        return Spent()
    try:
        return Spent(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CaiError(
            f"{file} cannot be read; delete it to count this run's spending anew"
        ) from error


class Budget:
    """What a run may spend; None is no limit. One for all its models and threads.

    Args:
        rows: how many rows are finished, for the sentence that ends the run.
        end: what to do then, the rest of that sentence.
    """

    def __init__(
        self,
        tokens: int | None = None,
        cost: float | None = None,
        *,
        rows: Callable[[], int] = lambda: 0,
        end: str = "raise {option} and the same command continues",
    ) -> None:
        self.tokens = tokens
        self.cost = cost
        self.spent = Spent()
        self._rows, self._end = rows, end
        self._under_way: list[Spent] = []
        self._changed = Condition()
        self._file: Path | None = None
        self._written_at = 0.0

    def keep_for(self, out: Path) -> None:
        """Go on from what earlier attempts at this file spent, and write down what this one does."""
        self._file = spent_file(out)
        self.spent = read_spent(out)

    def check(self, endpoint: Endpoint) -> None:
        """Raises BudgetError: a cost is limited, and this endpoint's prices are not known."""
        if self.cost is not None and cost_of(endpoint, 0, 0) is None:
            raise BudgetError(
                f"endpoint '{endpoint.name}' has no prices, so that a cost cannot be held to; set"
                " both on the settings page, or give --budget-tokens"
            )

    @contextmanager
    def request(
        self, endpoint: Endpoint, read: int, most: int, *, stopped: StopHook = never_stop
    ) -> Iterator[Settle]:
        """Have room for one request while the block runs; it says in the end what was used.

        Raises:
            BudgetError: used up. Stopped: while others under way were waited for.
        """
        at_most = _spent(endpoint, read, most)
        self._reserve(at_most, stopped)
        used = [Spent()]
        try:
            yield lambda read, written: used.append(_spent(endpoint, read, written))
        finally:
            with self._changed:
                self._under_way.remove(at_most)
                self.spent += used[-1]
                if time.monotonic() - self._written_at > WRITE_SECONDS:
                    self.write()
                self._changed.notify_all()

    def _reserve(self, at_most: Spent, stopped: StopHook) -> None:
        with self._changed:
            while not self._fits(at_most):
                if not self._under_way:
                    raise BudgetError(self._sentence(at_most))
                if stopped():
                    raise Stopped("stopped while requests under way were waited for")
                self._changed.wait(POLL_SECONDS)
            self._under_way.append(at_most)

    def _fits(self, more: Spent) -> bool:
        if self.tokens is None and self.cost is None:
            return True
        total = sum(self._under_way, self.spent) + more
        tokens = total.prompt_tokens + total.tokens
        within = self.tokens is None or tokens <= self.tokens
        return within and (self.cost is None or total.cost <= self.cost)

    def _sentence(self, more: Spent) -> str:
        counted, next_one = self.spent, more.prompt_tokens + more.tokens
        used = counted.prompt_tokens + counted.tokens
        if self.tokens is not None and used + next_one > self.tokens:
            option, budget = "--budget-tokens", f"{self.tokens:,} tokens"
            left = f"{used:,} counted, and the next question may take {next_one:,}"
        else:
            option, budget = "--budget-cost", f"{self.cost:,.2f}"
            left = f"{counted.cost:,.4g} counted, and the next question may take {more.cost:,.2g}"
        end = self._end.format(option=option)
        return f"the budget of {budget} is used up after {self._rows():,} rows ({left}); {end}"

    def write(self) -> None:
        """Write down what was spent so far, where a file was named and anything was."""
        self._written_at = time.monotonic()
        if self._file is not None and self.spent != Spent():
            new = self._file.with_name(self._file.name + ".new")
            new.write_text(json.dumps(asdict(self.spent)), encoding="utf-8")
            new.replace(self._file)


@dataclass(frozen=True)
class Terms:
    """On what terms a run asks endpoints: within which budget, and until it is stopped."""

    budget: Budget | None = None
    should_stop: StopHook = never_stop


def _spent(endpoint: Endpoint, read: int, written: int) -> Spent:
    return Spent(read, written, cost_of(endpoint, read, written) or 0.0)
