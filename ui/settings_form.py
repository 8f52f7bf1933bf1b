"""The workspace's defaults: models, the judge, how many jobs run at once."""

from typing import Any, get_args

import streamlit as st
from pydantic import ValidationError
from sqlite_utils import Database

from cai_core.errors import CaiError
from cai_core.models import catalogue
from cai_core.schema import Method, PrincipleMode
from cai_core.settings import Settings, validation_sentence
from ui import frame, judge_choices

_METHODS = {
    "logprob": "probabilities of the two options",
    "cot": "reason first, then choose",
    "repeat": "count sampled verdicts",
}
_MODES = {
    "each": "every principle by itself",
    "draw": "one principle drawn a pair",
    "whole": "all principles in one question",
}


def change_settings(**fields: Any) -> None:
    """Save settings.yaml with some fields changed. Raises CaiError: a value that cannot be."""
    changed = Settings.load().model_dump() | fields
    try:
        Settings.model_validate(changed).save()
    except ValidationError as error:
        raise CaiError(f"this was not saved: {validation_sentence(error)}") from error
    st.toast("Saved.", icon=":material/check:")


def show_defaults(settings: Settings) -> None:
    """Draw one form; nothing changes before it is saved."""
    ids = [model.id for model in catalogue.known(settings)]
    with st.form("defaults", border=False):
        models, judge = st.columns(2, gap="large")
        with models:
            _models(settings, ids)
        with judge:
            _judge(settings, ids)
        st.form_submit_button("Save", type="primary", on_click=frame.callback(_save))


def _models(settings: Settings, ids: list[str]) -> None:
    st.subheader("Models", anchor=False)
    st.selectbox(
        "Base model",
        _with(ids, settings.base_model),
        index=_with(ids, settings.base_model).index(settings.base_model),
        key="set_base_model",
        help="What is talked to and trained first.",
    )
    st.text_area(
        "Further models, one a line",
        "\n".join(settings.models),
        key="set_models",
        placeholder="hf:Qwen/Qwen2.5-0.5B-Instruct\npath:/models/mine",
        help="Ids of the kinds hf:ORG/NAME and path:FOLDER. Trained runs and endpoints are offered"
        " by themselves.",
    )
    st.number_input(
        "Jobs at once",
        value=settings.slots,
        min_value=1,
        max_value=64,
        key="set_slots",
        help="More than one shares this machine's processor and memory.",
    )


def _judge(settings: Settings, ids: list[str]) -> None:
    judge = settings.judge
    st.subheader("Judge", anchor=False)
    st.selectbox(
        "Judge model",
        _with(ids, judge.model),
        index=_with(ids, judge.model).index(judge.model),
        key="set_judge_model",
        help="Numbers are only comparable under one judge setting.",
    )
    method, principles = st.columns(2)
    methods, modes = list(get_args(Method)), list(get_args(PrincipleMode))
    method.selectbox(
        "Method",
        methods,
        index=methods.index(judge.method),
        key="set_method",
        help=_lines(_METHODS),
    )
    principles.selectbox(
        "Principles",
        modes,
        index=modes.index(judge.principles),
        key="set_principles",
        help=_lines(_MODES),
    )
    judge_choices.say_builtin(judge)
    with st.expander("Fine settings"):
        _fine(settings)


def _fine(settings: Settings) -> None:
    judge = settings.judge
    judge_choices.choose_fine(judge, key="set", keep=None)
    st.number_input(
        "Tie band",
        value=judge.tie_band,
        min_value=0.0,
        max_value=0.49,
        step=0.01,
        key="set_tie_band",
        help="A probability this near to one half is called a tie.",
    )
    st.slider(
        "Bounds after reasoning",
        0.0,
        1.0,
        judge.cot_clamp,
        key="set_cot_clamp",
        help="After reasoning probabilities saturate; the paper clamps them to 0.4 and 0.6.",
    )
    st.number_input(
        "Sampled verdicts an order",
        value=judge.repeats,
        min_value=1,
        max_value=64,
        key="set_repeats",
    )
    st.number_input(
        "Tokens of reasoning",
        value=judge.max_rationale_tokens,
        min_value=8,
        max_value=4096,
        key="set_max_rationale_tokens",
    )


def _with(ids: list[str], chosen: str) -> list[str]:
    return ids if chosen in ids else [*ids, chosen]


def _lines(table: dict[str, str]) -> str:
    return "  \n".join(f"**{name}**: {says}" for name, says in table.items())


def _save(db: Database) -> None:
    state = st.session_state
    fields = ("method", "principles", "tie_band", "cot_clamp", "repeats", "max_rationale_tokens")
    judge = Settings.load().judge.model_dump() | {f: state[f"set_{f}"] for f in fields}
    judge |= judge_choices.chosen("set")
    change_settings(
        base_model=state["set_base_model"],
        models=tuple(filter(None, map(str.strip, state["set_models"].splitlines()))),
        slots=state["set_slots"],
        judge=judge | {"model": state["set_judge_model"]},
    )
