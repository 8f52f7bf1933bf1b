"""Undo and redo of the edits of a draft: its states before and after, as immutable values.

Whoever changes a draft puts the new state in its place and says nothing here: each run of a page notes
what has changed since the last one. Saving is no step: an undone state stands on the newest base.
"""

from dataclasses import dataclass, replace

import streamlit as st

from ui.draft import CURRENT, Draft, drafts

STEPS = "constitution_steps"  # session state: {slot: Steps}
MOST = 100  # states that are kept; one is a tuple of references to principles


@dataclass(frozen=True)
class Steps:
    """The states of a draft before `now`, oldest first, and the undone ones, nearest first."""

    now: Draft
    past: tuple[Draft, ...] = ()
    future: tuple[Draft, ...] = ()

    def then(self, draft: Draft) -> "Steps":
        """After an edit; what changes nothing but the base is none."""
        if (self.now.rows, self.now.description) == (draft.rows, draft.description):
            return replace(self, now=draft)
        return Steps(draft, (*self.past, self.now)[-MOST:])

    def back(self) -> "Steps":
        if not self.past:
            return self
        *past, before = self.past
        return Steps(
            replace(before, base=self.now.base), tuple(past), (self.now, *self.future)[:MOST]
        )

    def again(self) -> "Steps":
        if not self.future:
            return self
        after, *future = self.future
        return Steps(
            replace(after, base=self.now.base), (*self.past, self.now)[-MOST:], tuple(future)
        )


def note_steps() -> None:
    """Note what has changed since this was called last."""
    known = st.session_state.get(STEPS, {})
    st.session_state[STEPS] = {
        slot: known[slot].then(draft) if slot in known else Steps(draft)
        for slot, draft in drafts().items()
    }


def begin_steps(slot: str) -> None:
    """Forget a draft's steps: it was not edited but opened anew."""
    st.session_state.get(STEPS, {}).pop(slot, None)


def steps() -> Steps:
    """Those of the open draft."""
    note_steps()
    return st.session_state[STEPS][st.session_state[CURRENT]]  # type: ignore[no-any-return]


def undo() -> None:
    _go(steps().back())


def redo() -> None:
    _go(steps().again())


def _go(there: Steps) -> None:
    slot = st.session_state[CURRENT]
    st.session_state[STEPS][slot] = there
    drafts()[slot] = there.now
