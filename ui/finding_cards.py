"""What lint found: each finding with its reason and source, and a way to accept it with a note."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution.lint import Window, lint
from cai_core.constitution.rules import LEVELS, Finding
from cai_core.schema import Constitution
from cai_core.store import accepted
from cai_core.store.accepted import Accepted
from ui import frame
from ui.clock import moment
from ui.plain import label

MARKS = {
    "error": ":red[:material/error:]",
    "warning": ":orange[:material/warning:]",
    "note": ":gray[:material/info:]",
}
_SAID = 500  # characters of a message that are shown


@dataclass(frozen=True)
class DraftFindings:
    """All findings of a draft, and which of them were accepted."""

    constitution: str
    found: tuple[Finding, ...]
    accepted: Mapping[str, Accepted]

    @classmethod
    def of(
        cls, draft: Constitution, window: Window | None, done: Mapping[str, Accepted]
    ) -> "DraftFindings":
        """Lint a draft; two principles under one key may say the same twice, and it is told once."""
        found = {finding.fingerprint: finding for finding in lint(draft, window)}
        return cls(draft.name, tuple(found.values()), done)

    def open(self, key: str) -> list[Finding]:
        """What stands at a principle and was not accepted; errors never are."""
        return [f for f in self._at(key) if not self._acceptance(f)]

    def settled(self, key: str) -> list[Accepted]:
        return [done for done in map(self._acceptance, self._at(key)) if done]

    def _at(self, key: str) -> list[Finding]:
        return [finding for finding in self.found if finding.key == key]

    def _acceptance(self, finding: Finding) -> Accepted | None:
        if finding.level == "error":
            return None
        return self.accepted.get(finding.fingerprint)

    def total(self) -> str:
        """How many of each there are.

        >>> DraftFindings("c", (), {}).total()
        'Lint has nothing to remark'
        """
        done = sum(bool(self._acceptance(finding)) for finding in self.found)
        counts = Counter(f.level for f in self.found if not self._acceptance(f))
        parts = [
            f"{counts[level]} {level}{'s' * (counts[level] > 1)}"
            for level in LEVELS
            if counts[level]
        ]
        parts += [f"{done} accepted"] if done else []
        return ", ".join(parts) or "Lint has nothing to remark"


def show_findings(findings: DraftFindings, key: str, *, place: str) -> None:
    """Draw what was found at a principle ("" is the whole), and what of it was accepted.

    Args:
        place: part of the widgets' keys: the row of the principle.
    """
    for finding in findings.open(key):
        _show(findings.constitution, finding, place)
    settled = findings.settled(key)
    if settled:
        _show_settled(settled, place)


def sentence(finding: Finding) -> str:
    message = finding.message[:1].upper() + finding.message[1:]
    return f"{MARKS[finding.level]} {label(message, limit=_SAID)}"


def _show(constitution: str, finding: Finding, place: str) -> None:
    key = f"{place}_{finding.fingerprint}"
    with st.container(horizontal=True, vertical_alignment="top", gap="small", wrap=False):
        st.caption(sentence(finding), width="stretch")
        why = st.popover("Why", type="tertiary", key=f"why_{key}", on_change="rerun")
    if why.open:
        with why:
            st.markdown(f"**{finding.rule.name}**")
            st.text(finding.rule.reason)
            st.caption(f"Source: {label(finding.rule.source, limit=_SAID)}")
            _offer(constitution, finding, key)


def _offer(constitution: str, finding: Finding, key: str) -> None:
    if finding.level == "error":
        st.caption("An error cannot be accepted: the constitution cannot be used with it.")
        return
    note = f"note_{key}"
    st.text_input("Why it may stay", key=note, placeholder="both are meant here", max_chars=500)
    st.button(
        "Accept with a note",
        key=f"accept_{key}",
        icon=":material/check:",
        on_click=frame.callback(_accept),
        args=(constitution, finding, note),
    )
    st.caption("It comes back when one of its wordings changes.")


def _accept(db: Database, constitution: str, finding: Finding, note: str) -> None:
    accepted.accept(
        db,
        Accepted(
            constitution,
            finding.fingerprint,
            finding.rule.name,
            finding.key,
            finding.message,
            st.session_state[note],
            frame.person(),
        ),
    )


def _show_settled(settled: Sequence[Accepted], place: str) -> None:
    popover = st.popover(
        f"{len(settled)} accepted",
        icon=":material/check:",
        type="tertiary",
        key=f"accepted_{place}",
        on_change="rerun",
    )
    if not popover.open:
        return
    with popover:
        for one in settled:
            message = one.message[:1].upper() + one.message[1:]
            st.caption(label(message, limit=_SAID))
            st.text(one.note)
            st.caption(f"{label(one.who)}, {moment(one.created)}")
            st.button(
                "Take back",
                key=f"take_back_{one.id}",
                icon=":material/undo:",
                type="tertiary",
                on_click=frame.callback(_take_back),
                args=(one.id,),
            )


def _take_back(db: Database, accepted_id: str) -> None:
    accepted.take_back(db, accepted_id, who=frame.person())
