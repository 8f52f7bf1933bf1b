"""A against B: two answers typed, pasted or sampled, and how a judge decides between them."""

from dataclasses import dataclass, replace

import streamlit as st
from sqlite_utils import Database

from cai_core.errors import CaiError, DataError
from cai_core.feedback.examples import comparisons_in_use
from cai_core.feedback.panel import Heard, Panel
from cai_core.schema import Pair, Progress, Sampling
from cai_core.settings import JudgeSetting, Settings, usual_principles
from ui import cards, frame, judge_choices, live, principle_from
from ui.choices import Ruling, choose_model, choose_ruling, prompt_picker, typed_prompt
from ui.keep import keep_judgement, keep_prompt
from ui.plain import label
from ui.principle_from import Subject
from ui.verdicts import show_heard

ASK, SIDE_A, SIDE_B = "judge_ask", "judge_a", "judge_b"
JUDGED = "judge_result"  # session state: the judgement on screen
_MODES = {
    "each": "every principle votes",
    "draw": "one is drawn",
    "whole": "all in one question",
}


@dataclass(frozen=True)
class Verdict:
    """A judgement, and under what it was made."""

    pair: Pair
    heard: Heard
    title: str
    asked: Progress


def show_judge(db: Database) -> None:
    """Draw the pair, who judges it and how, and the verdict."""
    _show_pair(db)
    chosen = _choices(db)
    if chosen is None:
        cards.empty(
            "There is no constitution yet",
            "Write one first; the judge asks its principles.",
            page="constitution",
            label="Write a constitution",
        )
        return
    if st.button("Judge", key="judge_start", type="primary", icon=":material/balance:"):
        _judge(db, *chosen)
    _show_result(db)


def _show_pair(db: Database) -> None:
    st.text_area("What is asked", key=ASK, height=80, persist_state="session")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        prompt_picker(db, key="judge_pick", into=ASK)
        sample = _sampler()
    left, right = st.columns(2, gap="medium")
    if sample:
        try:
            for place, (key, column) in enumerate(((SIDE_A, left), (SIDE_B, right))):
                with column:
                    _sample(db, sample, place, key)
        except CaiError as error:
            frame.rerun_with(error)
    left.text_area("Answer A", key=SIDE_A, height=180, persist_state="session")
    right.text_area("Answer B", key=SIDE_B, height=180, persist_state="session")


def _sampler() -> tuple[str, Sampling] | None:
    """The model and parameters to sample two answers with, where that was asked for."""
    with st.popover("Sample two answers", icon=":material/casino:"):
        base = Settings.load().base_model
        model_id = choose_model("Model that answers", key="judge_sampler", chosen=base)
        tokens = st.number_input(
            "Tokens an answer", 8, 4096, 128, key="judge_tokens", persist_state="session"
        )
        temperature = st.slider(
            "Temperature", 0.0, 2.0, 0.8, 0.1, key="judge_temperature", persist_state="session"
        )
        seed = st.number_input("Seed", 0, 10**6, 0, key="judge_seed", persist_state="session")
        if st.button("Sample", key="judge_sample", type="primary"):
            return model_id, Sampling(tokens, temperature, seed=2 * seed)
    return None


def _sample(db: Database, sample: tuple[str, Sampling], place: int, key: str) -> None:
    prompt = typed_prompt(ASK)
    if prompt is None:
        raise DataError("there is nothing to answer; type a prompt first")
    model_id, params = sample

    def keep(said: str) -> None:
        st.session_state[key] = said.strip()

    with live.interactive(db):
        params = replace(params, seed=params.seed + place)
        keep(live.stream(live.model(model_id), prompt, params, keep=keep))


def _choices(db: Database) -> tuple[Ruling, JudgeSetting] | None:
    setting = Settings.load().judge
    model, ruling_, method, mode = st.columns([3, 3, 2, 2])
    with model:
        model_id = choose_model("Judge", key="judge_model", chosen=setting.model)
    with ruling_:
        ruling = choose_ruling(db, "Constitution", key="judge_ruling")
    with mode:
        first = judge_choices.first_principles(setting, model_id)
        modes = sorted(_MODES, key=lambda name: name != first)
        principles = st.selectbox(
            "Principles",
            modes,
            format_func=_MODES.__getitem__,
            key=f"judge_principles_{usual_principles(model_id)}",
            persist_state="session",
        )
    with method:
        methods = sorted(("logprob", "cot", "repeat"), key=lambda name: name != setting.method)
        chosen = st.selectbox(
            "Method",
            methods,
            format_func=_method_title,
            key="judge_method",
            persist_state="session",
        )
    with st.expander("Panel and wording", icon=":material/tune:"):
        fine = judge_choices.choose_fine(setting, key="judge")
    if ruling is None:
        return None
    fields = {"model": model_id, "method": chosen, "principles": principles}
    setting = setting.model_copy(update=fields | fine)
    judge_choices.say_builtin(setting)
    return ruling, setting


def _method_title(method: str) -> str:
    return {"logprob": "straight away", "cot": "reason first", "repeat": "sampled"}[method]


def _judge(db: Database, ruling: Ruling, setting: JudgeSetting) -> None:
    prompt = typed_prompt(ASK)
    a, b = (str(st.session_state.get(key, "")).strip() for key in (SIDE_A, SIDE_B))
    if prompt is None or not a or not b:
        raise DataError("a judgement needs a prompt and two answers; fill all three")
    pair = Pair.of(prompt, a, b)
    with live.interactive(db), st.spinner("Asking in both orders …"):
        examples = comparisons_in_use(setting)
        panel = Panel(ruling.constitution, setting, live.model, ref=ruling.ref, examples=examples)
        heard, used = panel.judge_one(pair), panel.usage
        who = setting.model if len(setting.judges) == 1 else f"{len(setting.judges)} judges"
        asked = Progress(1, 1, asked=used.asked, cached=used.cached)
        # Kept before the spinner is cleared: there a click elsewhere ends this run of the script.
        st.session_state[JUDGED] = Verdict(pair, heard, f"{who} under {ruling.title}", asked)


def _show_result(db: Database) -> None:
    verdict: Verdict | None = st.session_state.get(JUDGED)
    if verdict is None:
        st.caption("The verdict, and every principle's vote, come here.")
        return
    with st.container(border=True):
        st.caption(f"{label(verdict.title, limit=200)} · {verdict.asked.from_cache}")
        show_heard(verdict.heard, key="judge")
        with st.container(horizontal=True):
            keep_judgement(verdict.heard.label, key="judge_keep")
            keep_prompt(db, verdict.pair.prompt, key="judge_keep_prompt")
    said = verdict.heard.label.verdict
    if said in ("a", "b"):
        better, worse = verdict.pair.response_a, verdict.pair.response_b
        if said == "a":  # whoever overrules it prefers the other one
            better, worse = worse, better
        subject = Subject(verdict.pair.prompt, worse, verdict.pair, preferred=better)
        principle_from.offer(
            db, subject, key="judge", title="Overrule it, and make a principle of why"
        )
