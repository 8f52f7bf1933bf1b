"""Pinned prompts and pairs, tried on the unsaved draft beside the editor."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import CaiError
from cai_core.feedback.examples import comparisons_in_use, revisions_in_use
from cai_core.feedback.judge import Judged, judge_one
from cai_core.feedback.revise import ReviseSettings
from cai_core.feedback.templates import WHOLE
from cai_core.schema import Constitution, ConstitutionRef, Sampling
from cai_core.settings import Settings
from ui import cards, frame, live, try_sample
from ui.choices import choose_model
from ui.draft import Draft
from ui.pin_form import show_pin_form
from ui.pins import MOST, Pin, drop_pin, pins
from ui.plain import label
from ui.shortcuts import TRY
from ui.trail import Setup, Trail
from ui.trail_cards import show_calls, show_steps, take_step
from ui.verdicts import show_compared

RESULTS = "try_results"  # session state: {(pin, constitution hash, model, judge setting or principle): result}
RUN = "try_run"  # session state: what the pins were last run on by themselves
QUEUE = "try_queue"  # session state: ids of pins that are still to be run
TOKENS = 160
_TITLES = {WHOLE: "the whole constitution"}


@dataclass(frozen=True)
class Bench:
    """On what the pins are tried."""

    draft: Draft
    model_id: str
    principle: str

    def key(self, pin: Pin, constitution: Constitution) -> tuple[str, ...]:
        how = Settings.load().judge.model_dump_json() if pin.pair else self.principle
        return (pin.id, constitution.hash, self.model_id, how)


def show_try(db: Database, draft: Draft) -> None:
    """Draw the pins and what the draft does to each."""
    st.subheader("Try the draft", anchor=False, help=_HELP)
    bench = _bench(draft)
    if frame.arrived("try"):
        _clear_queue()
        try_sample.stop()
    again = st.toggle(
        "Again whenever the draft changes",
        key="try_auto",
        persist_state="session",
        help="Pins and sample are run anew after every edit; what was run on this draft is kept.",
    )
    if again:
        _enqueue_what_changed(bench)
    _show_pins(db, bench)
    try_sample.show_sample(db, draft, bench.model_id, again=again)


def _enqueue_what_changed(bench: Bench) -> None:
    """Queue the pins that were not run on this state of the draft, once for every state."""
    mark = (bench.draft.constitution.hash, bench.model_id, bench.principle)
    if st.session_state.get(RUN) == mark:
        return
    st.session_state[RUN] = mark
    missing = [pin for pin in pins() if bench.key(pin, bench.draft.constitution) not in _results()]
    _enqueue([pin.id for pin in missing])


def _show_pins(db: Database, bench: Bench) -> None:
    show_pin_form(db)
    if not pins():
        st.caption(f"Pin up to {MOST} prompts or pairs; they stay here while you write.")
        return
    running = bool(_queue())
    with st.container(horizontal=True):
        ids = [pin.id for pin in pins()]
        st.button(
            "Run all",
            key="try_all",
            type="primary",
            icon=":material/play_arrow:",
            shortcut=TRY,
            disabled=running,
            on_click=_enqueue,
            args=(ids,),
        )
        st.button(
            "Stop, I have seen enough",
            key="try_stop",
            icon=":material/stop:",
            disabled=not running,
            on_click=_clear_queue,
        )
    for pin in list(pins()):
        with st.container(gap="small"):
            _show_pin(db, bench, pin)
    if running:
        st.rerun()


_HELP = (
    "Runs on the draft as it stands, saved or not. A prompt is answered, criticised and revised; a"
    " pair is judged under the saved version and under the draft."
)


def _bench(draft: Draft) -> Bench:
    with st.container(horizontal=True):
        with st.container(width="stretch"):
            base = Settings.load().base_model
            model_id = choose_model("Model", key="try_model", chosen=base)
        with st.container(width="stretch"):
            keys = [principle.key for principle in draft.constitution.enabled]
            principle = st.selectbox(
                "Criticise under",
                [WHOLE, *keys],
                format_func=lambda key: _TITLES.get(key, key),
                key="try_principle",
            )
    return Bench(draft, model_id, principle)


def _results() -> dict[tuple[str, ...], Trail | Judged]:
    return st.session_state.setdefault(RESULTS, {})  # type: ignore[no-any-return]


def _queue() -> list[str]:
    return st.session_state.setdefault(QUEUE, [])  # type: ignore[no-any-return]


def _enqueue(ids: list[str]) -> None:
    st.session_state[QUEUE] = list(ids)


def _clear_queue() -> None:
    st.session_state[QUEUE] = []


def _show_pin(db: Database, bench: Bench, pin: Pin) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        kind = ":material/compare_arrows:" if pin.pair else ":material/chat:"
        st.markdown(f"{kind} **{label(pin.title, limit=70)}**", width="stretch")
        st.button(
            ":material/play_arrow:",
            key=f"try_{pin.id}",
            help="Run",
            type="tertiary",
            disabled=bool(_queue()),
            on_click=_enqueue,
            args=([pin.id],),
        )
        st.button(
            ":material/close:",
            key=f"unpin_{pin.id}",
            help="Unpin",
            type="tertiary",
            on_click=drop_pin,
            args=(pin.id,),
        )
    if pin.id in _queue():
        _run(db, bench, pin)
        _queue().remove(pin.id)
    elif not pin.pair:
        _show_trail(bench, pin)
    if pin.pair:
        _show_pair(bench, pin)


# -- running


def _run(db: Database, bench: Bench, pin: Pin) -> None:
    """Run one pin; what was finished stays when the script is interrupted."""
    try:
        with live.interactive(db):
            if pin.pair:
                _judge(bench, pin)
            else:
                _revise(bench, pin)
    except CaiError as error:
        _clear_queue()
        frame.rerun_with(error)


def _revise(bench: Bench, pin: Pin) -> None:
    constitution = bench.draft.constitution.check()
    key = bench.key(pin, constitution)
    setup = Setup(
        bench.model_id,
        constitution,
        ConstitutionRef.of(constitution),
        ReviseSettings(
            principle=bench.principle,
            sampling=Sampling(TOKENS, temperature=0.0),
            shown=revisions_in_use(),
        ),
    )
    trail = Trail(setup, pin.prompt)

    def keep(now: Trail) -> None:
        _results()[key] = now

    speaker = live.model(bench.model_id)
    while not trail.done:
        trail = take_step(trail, speaker, keep)


def _judge(bench: Bench, pin: Pin) -> None:
    """Judge under the draft, and under the version it was begun from."""
    assert pin.pair is not None
    speaker = live.model(bench.model_id)
    setting = Settings.load().judge
    for constitution in filter(None, (bench.draft.constitution, _saved(bench.draft))):
        key = bench.key(pin, constitution)
        if key not in _results():
            with st.spinner("Asking in both orders …"):
                _results()[key] = judge_one(
                    pin.pair, constitution, speaker, setting, examples=comparisons_in_use(setting)
                )


def _saved(draft: Draft) -> Constitution | None:
    return draft.base.constitution if draft.base else None


# -- showing


def _show_trail(bench: Bench, pin: Pin) -> None:
    found = _results().get(bench.key(pin, bench.draft.constitution))
    if isinstance(found, Trail):
        show_steps(found.stopped(), key=f"try_{pin.id}")
        show_calls(found.stopped(), key=f"try_seen_{pin.id}")
    else:
        _say_not_run(pin)


def _show_pair(bench: Bench, pin: Pin) -> None:
    assert pin.pair is not None
    with st.expander("The two answers"):
        cards.answer("A", pin.pair.response_a)
        cards.answer("B", pin.pair.response_b)
    now = _results().get(bench.key(pin, bench.draft.constitution))
    if not isinstance(now, Judged):
        _say_not_run(pin)
        return
    saved = _saved(bench.draft)
    then = _results().get(bench.key(pin, saved)) if saved and bench.draft.unsaved else None
    found = {"draft": now}
    if isinstance(then, Judged):
        found["saved"] = then
    show_compared(found, key=f"try_{pin.id}")


def _say_not_run(pin: Pin) -> None:
    ran = any(key[0] == pin.id for key in _results())
    st.caption(
        ":material/update: The draft has changed since this was run."
        if ran
        else "Not run on this draft yet."
    )
