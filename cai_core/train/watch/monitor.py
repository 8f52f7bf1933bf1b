"""Hears a run's logs, answers and comparisons, and says once what begins to look wrong.

    monitor = Monitor(Watched(kl_target=6.0, answers=64))
    monitor.see(step, logs)                 a training log
    monitor.see_samples(step, sampled)      answers to dev prompts beside the start's
    monitor.see_duel(step, duelled)         a judge's comparison with the start

Each gives the alarms that begin to sound there. One that sounds on is not told again until it was
quiet for a while.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cai_core.schema import Row
from cai_core.train.watch import alarms, duel, samples
from cai_core.train.watch.alarms import REMEDIES, Finding, Limits, Seen
from cai_core.train.watch.duel import Duelled
from cai_core.train.watch.measures import Course, Watched, readings, undefined
from cai_core.train.watch.records import Alarm
from cai_core.train.watch.samples import Sampled

QUIET_LOGS = 10  # in which a rule must not sound before it is told again (ours)
QUIET_EVALUATIONS = 2


class Monitor:
    """No files, no models: numbers in, alarms out; its state goes into checkpoints."""

    def __init__(self, watched: Watched | None = None, limits: Limits | None = None) -> None:
        self.watched, self.limits = watched or Watched(), limits or Limits()
        self._courses: dict[str, Course] = {}
        self._sounding: dict[str, int] = {}  # name -> times since it last sounded
        self._worse = 0  # comparisons running in which the policy was surely worse

    def see(self, step: int, values: Mapping[str, float]) -> list[Alarm]:
        """What begins to sound at the log of this step."""
        now = readings(values, self.watched)
        if step <= self.watched.value_after:
            now.pop("value", None)  # it is only warming up
        for name, value in now.items():
            if name not in self._courses:
                self._courses[name] = Course(self.watched.window(name))
            self._courses[name].add(value)
        seen = Seen(step, now, self._courses, self.watched, self.limits)
        broken = undefined(values)
        said = f"{', '.join(broken)} {'are' if len(broken) > 1 else 'is'} not a finite number"
        found = [Finding("undefined", bool(broken), said), *alarms.findings(seen)]
        return self._begin(step, found, QUIET_LOGS)

    def see_samples(self, step: int, sampled: Sampled) -> list[Alarm]:
        """What begins to sound at the answers of this step."""
        return self._begin(step, samples.findings(sampled, self.limits), QUIET_EVALUATIONS)

    def see_duel(self, step: int, duelled: Duelled) -> list[Alarm]:
        """The decisive alarm, where it begins to sound at this comparison."""
        self._worse = self._worse + 1 if duelled.worse else 0
        return self._begin(step, [duel.finding(duelled, self._worse)], QUIET_EVALUATIONS)

    def see_judge(self, step: int, trouble: str) -> list[Alarm]:
        """What begins to keep the judge from comparing; "" where it did."""
        return self._begin(step, [Finding("judge", bool(trouble), trouble)], QUIET_EVALUATIONS)

    def state_dict(self) -> Row:
        """As JSON."""
        courses = {name: course.to_row() for name, course in self._courses.items()}
        return {"courses": courses, "sounding": dict(self._sounding), "worse": self._worse}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on as the monitor that gave `state`."""
        self._courses = {name: Course.from_row(row) for name, row in state["courses"].items()}
        self._sounding, self._worse = dict(state["sounding"]), int(state["worse"])

    def _begin(self, step: int, found: Iterable[Finding], quiet: int) -> list[Alarm]:
        """Those that sound now and have not sounded in the last `quiet` times."""
        begun = []
        for one in found:
            if not one.sounds:
                self._cool(one.name, quiet)
                continue
            if one.name not in self._sounding:
                begun.append(Alarm(one.name, step, one.reason, REMEDIES[one.name]))
            self._sounding[one.name] = 0
        return begun

    def _cool(self, name: str, quiet: int) -> None:
        if name in self._sounding:
            self._sounding[name] += 1
            if self._sounding[name] >= quiet:
                del self._sounding[name]
