"""Critique and revise live: one or two trails side by side, stopped, edited and gone on with."""

from dataclasses import replace
from functools import partial

import streamlit as st
from sqlite_utils import Database
from streamlit.delta_generator import DeltaGenerator

from cai_core.errors import CaiError, DataError
from cai_core.feedback.examples import revisions_in_use
from cai_core.feedback.revise import DRAW, ReviseSettings
from cai_core.feedback.templates import WHOLE
from cai_core.schema import Chat, Sampling, assistant
from cai_core.settings import Settings
from ui import cards, frame, live, principle_from
from ui.choices import before_key, choose_model, choose_ruling, prompt_picker, typed_prompt
from ui.keep import keep_prompt, keep_revision
from ui.plain import label
from ui.principle_from import Subject
from ui.trail import Setup, Trail
from ui.trail_cards import show_calls, show_steps, take_step

ASK = "revise_ask"
TRAILS = "revise_trails"  # session state: the trails on screen
TARGETS = "revise_targets"  # session state: how many steps each of them is to have
MOST_ROUNDS = 4  # CAI section 3.1 uses four
_STEPWISE = "stepwise"
_TITLES = {
    DRAW: "one drawn each round",
    WHOLE: "the whole constitution",
    _STEPWISE: "each in turn, yes or no",
}


def show_revise(db: Database) -> None:
    """Draw what is chosen, what is asked, and what came of it."""
    setups = _choices(db)
    if not setups:
        cards.empty(
            "There is no constitution yet",
            "Write one first; the model criticises itself by its principles.",
            page="constitution",
            label="Write a constitution",
        )
        return
    if frame.arrived("revise"):
        _stop()
    _question(db, setups)
    _results(db)


def trails() -> list[Trail]:
    return st.session_state.setdefault(TRAILS, [])  # type: ignore[no-any-return]


def _targets() -> list[int]:
    return st.session_state.setdefault(TARGETS, [])  # type: ignore[no-any-return]


def _running() -> bool:
    pairs = zip(trails(), _targets(), strict=True)
    return any(len(trail.texts) < target for trail, target in pairs)


# -- what is chosen and asked


def _choices(db: Database) -> list[Setup]:
    """One setup, or two to compare; none without a constitution."""
    two = st.session_state.get("revise_two", False)
    found = []
    for place, column in enumerate(st.columns(2 if two else 1, gap="large")):
        with column:
            found.append(_setup(db, place))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rounds = st.slider(
            "Rounds", 1, MOST_ROUNDS, 1, key="revise_rounds", width=200, persist_state="session"
        )
        st.toggle("One step at a time", key="revise_one_step", persist_state="session")
        st.toggle(
            "Compare two",
            key="revise_two",
            help="A second model or constitution beside it.",
            persist_state="session",
        )
        sampling = _sampling()
    return [
        replace(setup, settings=replace(setup.settings, rounds=rounds, sampling=sampling))
        for setup in found
        if setup
    ]


def _setup(db: Database, place: int) -> Setup | None:
    """A row of three choices; two rows where two setups stand side by side."""
    side_by_side = st.session_state.get("revise_two", False)
    model, rule = (st.container(), st.columns(2)) if side_by_side else _row()
    with model:
        base = Settings.load().base_model
        model_id = choose_model("Model", key=f"revise_model_{place}", chosen=base)
    with rule[0]:
        ruling = choose_ruling(db, "Constitution", key=f"revise_ruling_{place}")
    if ruling is None:
        return None
    keys = [principle.key for principle in ruling.constitution.enabled]
    principle = rule[1].selectbox(
        "Principle",
        [*_TITLES, *keys],
        format_func=lambda key: _TITLES.get(key, key),
        key=f"revise_principle_{place}",
    )
    settings = ReviseSettings(principle=principle, shown=revisions_in_use())
    if principle == _STEPWISE:
        settings = ReviseSettings(stepwise=True, shown=revisions_in_use())
    return Setup(model_id, ruling.constitution, ruling.ref, settings)


def _row() -> tuple[DeltaGenerator, list[DeltaGenerator]]:
    model, *rule = st.columns(3)
    return model, rule


def _sampling() -> Sampling:
    with st.popover("Sampling", icon=":material/tune:"):
        tokens = st.number_input(
            "Tokens a text", 8, 4096, 160, key="revise_tokens", persist_state="session"
        )
        temperature = st.slider(
            "Temperature",
            0.0,
            2.0,
            1.0,
            0.1,
            key="revise_temperature",
            persist_state="session",
            help="The paper uses 1; a small model is easier to read at 0.5 and below.",
        )
        seed = st.number_input("Seed", 0, 10**6, 0, key="revise_seed", persist_state="session")
    return Sampling(max_new_tokens=tokens, temperature=temperature, seed=seed)


def _question(db: Database, setups: list[Setup]) -> None:
    before: Chat = st.session_state.get(before_key(ASK), ())
    if before:
        cards.conversation(before, height=220)
        st.button("Drop the earlier turns", key="revise_drop", on_click=_drop_turns)
    st.text_area(
        "What is asked",
        key=ASK,
        placeholder="Type a prompt, or take one from a set",
        height=100,
        persist_state="session",
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button(
            "Answer and revise",
            key="revise_start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=_running(),
        ):
            _start(setups)
        st.button(
            "Stop",
            key="revise_stop",
            icon=":material/stop:",
            disabled=not _running(),
            on_click=_stop,
        )
        prompt_picker(db, key="revise_pick", into=ASK)
        with st.popover("System prompt", icon=":material/description:"):
            st.text_area("System prompt", key="revise_system", persist_state="session", width=480)


def _start(setups: list[Setup]) -> None:
    prompt = typed_prompt(ASK, system=st.session_state.get("revise_system", ""))
    if prompt is None:
        raise DataError("there is nothing to answer; type a prompt first")
    st.session_state[TRAILS] = [Trail(setup, prompt) for setup in setups]
    st.session_state[TARGETS] = [0] * len(setups)
    for place in range(len(setups)):
        _go_on(place)
    st.rerun()


def _go_on(place: int) -> None:
    """Let a trail go to its end, or one step further where that was chosen."""
    trail = trails()[place]
    one_step = st.session_state.get("revise_one_step", False)
    _targets()[place] = len(trail.texts) + 1 if one_step else trail.setup.steps


def _stop() -> None:
    for place, trail in enumerate(trails()):
        trails()[place] = trail.stopped()
        _targets()[place] = len(trails()[place].texts)


def _drop_turns() -> None:
    st.session_state.pop(before_key(ASK), None)


# -- what came of it


def _results(db: Database) -> None:
    if not trails():
        st.caption("The answer, its critiques and its revisions stream in here.")
        return
    running = _running()
    for place, column in enumerate(st.columns(len(trails()), gap="large")):
        with column:
            _show_trail(db, place, running)
    if running:
        st.rerun()


def _show_trail(db: Database, place: int, running: bool) -> None:
    trail = trails()[place]
    if len(trails()) > 1:
        made_with = f"{trail.setup.model_id} · {trail.setup.ref.name} {trail.setup.ref.hash}"
        st.caption(label(made_with, limit=200))
    show_steps(trail, key=f"trail_{place}", on_edit=None if running else partial(_rewrite, place))
    if running:
        _take_steps(db, place)
    else:
        _after(db, place, trail)


def _take_steps(db: Database, place: int) -> None:
    """Write what is still missing; a rerun that breaks in finds all that was said so far."""

    def keep(trail: Trail) -> None:
        trails()[place] = trail

    if len(trails()[place].texts) >= _targets()[place]:
        return
    try:
        with live.interactive(db):
            speaker = live.model(trails()[place].setup.model_id)
            while len(trails()[place].texts) < _targets()[place]:
                take_step(trails()[place], speaker, keep)
    except CaiError as error:
        _stop()
        frame.rerun_with(error)


def _rewrite(place: int, step: int, text: str) -> None:
    trails()[place] = trails()[place].rewritten(step, text)
    _go_on(place)


def _after(db: Database, place: int, trail: Trail) -> None:
    show_calls(trail, key=f"trail_seen_{place}")
    with st.container(horizontal=True):
        if not trail.done:
            title = "Next step" if st.session_state.get("revise_one_step") else "Go on"
            st.button(title, key=f"go_on_{place}", type="primary", on_click=_go_on, args=(place,))
        elif trail.setup.settings.rounds < MOST_ROUNDS:
            st.button("One more round", key=f"more_{place}", on_click=_one_more, args=(place,))
        if trail.texts:
            st.button("Ask a further turn", key=f"turn_{place}", on_click=_further, args=(place,))
            keep_revision(trail.to_revision(), key=f"keep_{place}")
        keep_prompt(db, trail.prompt, key=f"keep_prompt_{place}")
    if trail.final:
        principle_from.offer(db, Subject(trail.prompt, trail.final), key=f"trail_{place}")


def _one_more(place: int) -> None:
    trails()[place] = trails()[place].one_round_more()
    _go_on(place)


def _further(place: int) -> None:
    """Make the newest answer a turn of the conversation, and ask for the next one."""
    trail = trails()[place]
    turns = tuple(turn for turn in trail.prompt if turn.role != "system")
    st.session_state[before_key(ASK)] = (*turns, assistant(trail.final))
    st.session_state[ASK] = ""
