"""How a case has fared across the versions of a constitution: regressed since, fixed since.

Only a pass and a failure say anything: where a case was not run, or could not be, nothing is known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cai_core.schema import Outcome


@dataclass(frozen=True)
class Track:
    """The outcomes of one case, asked one same way; `titles` are the versions, oldest first."""

    titles: tuple[str, ...]
    outcomes: tuple[Outcome | None, ...]

    @property
    def known(self) -> Sequence[tuple[str, Outcome]]:
        """What passed or failed, oldest first."""
        both = zip(self.titles, self.outcomes, strict=True)
        return [(title, outcome) for title, outcome in both if outcome in ("passed", "failed")]

    @property
    def says(self) -> str:
        """What changed and where, in words; "" where nothing has.

        >>> Track(("version 1", "version 2", "version 3"), ("passed", "failed", "failed")).says
        'regressed since version 2; passed on version 1'
        >>> Track(("version 1", "version 2", "the draft"), ("failed", None, "passed")).says
        'fixed on the draft; failed on version 1'
        >>> Track(("version 1", "version 2"), ("failed", "failed")).says
        'has never passed'
        """
        known = self.known
        if not known:
            return ""
        now = known[-1][1]
        began = len(known)
        while began and known[began - 1][1] == now:
            began -= 1
        if began == 0:
            return "has never passed" if now == "failed" else ""
        word = "regressed" if now == "failed" else "fixed"
        before, then = known[began - 1]
        when = "on" if began == len(known) - 1 else "since"
        return f"{word} {when} {known[began][0]}; {then} on {before}"
