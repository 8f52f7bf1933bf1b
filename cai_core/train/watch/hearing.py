"""Between a training and its monitor: alarms told to the watch folder and to who asked for the run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from cai_core.schema import Hooks
from cai_core.train.watch.monitor import Monitor
from cai_core.train.watch.records import Alarm, Watch

STATE_FILE = "monitor.json"


class Hearing:
    """One run's monitor, and where its alarms go."""

    def __init__(self, monitor: Monitor, watch: Watch, hooks: Hooks) -> None:
        self.monitor, self._watch, self._hooks = monitor, watch, hooks

    def begin(self, step: int, checkpoint: Path | None) -> None:
        """Go on from `step`, as the checkpoint remembers; what was told after it is forgotten."""
        self._watch.forget_after(step)
        if checkpoint and (checkpoint / STATE_FILE).exists():
            kept = json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8"))
            self.monitor.load_state_dict(kept)

    def hear(self, step: int, values: Mapping[str, float]) -> None:
        """Tell what begins to look wrong with this log."""
        self.tell(self.monitor.see(step, values))

    def tell(self, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            self._watch.tell_alarm(alarm)
            self._hooks.event("alarm", vars(alarm))

    def keep(self, checkpoint: Path) -> None:
        """Put the monitor's state beside what the checkpoint holds."""
        text = json.dumps(self.monitor.state_dict())
        (checkpoint / STATE_FILE).write_text(text, encoding="utf-8")
