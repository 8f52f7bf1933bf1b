"""Endpoints: servers that speak the OpenAI chat protocol. Keys stay in the environment."""

import os
from typing import Any

import streamlit as st
from pydantic import ValidationError
from sqlite_utils import Database

from cai_core.errors import CaiError, DataError
from cai_core.settings import Endpoint, Settings, validation_sentence
from ui import cards, frame
from ui.confirm import confirm
from ui.plain import label
from ui.settings_capabilities import show_capabilities, were_probed
from ui.settings_form import change_settings

_FAILED = "settings_probes"  # session state: {endpoint name: [why a model did not answer]}
_NEW = "+new"


def show_endpoints(settings: Settings) -> None:
    """Draw every endpoint with its form, and a form for a new one."""
    if not settings.endpoints:
        cards.empty(
            "No endpoint yet",
            "Add a server to use larger models: vLLM, llama.cpp, Ollama, or a hosted service.",
        )
    for endpoint in settings.endpoints:
        with st.container(border=True, gap="small"):
            _show(endpoint)
    with st.expander("Add an endpoint", icon=":material/add:", expanded=not settings.endpoints):
        _form(None)


def _show(endpoint: Endpoint) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{label(endpoint.name)}**")
        st.caption(label(endpoint.base_url))
        _key_badge(endpoint)
        st.space("stretch")
        test = st.button(
            "Probe again" if were_probed(endpoint) else "Probe",
            key=f"test_{endpoint.name}",
            icon=":material/network_check:",
            help="Asks each model five short questions, and keeps what it can do.",
        )
        if st.button("Remove", key=f"remove_{endpoint.name}", type="tertiary"):
            _ask_to_remove(endpoint)
    if test:
        _probe_all(endpoint)
    for sentence in st.session_state.get(_FAILED, {}).get(endpoint.name, ()):
        st.markdown(f":red[:material/error:] {label(sentence, limit=600)}")
    show_capabilities(endpoint)
    with st.expander("Edit", key=f"edit_{endpoint.name}"):
        _form(endpoint)


def _key_badge(endpoint: Endpoint) -> None:
    if not endpoint.key_variable:
        st.badge("no key", color="gray")
    elif os.environ.get(endpoint.key_variable):
        st.badge(f"{endpoint.key_variable} is set", icon=":material/key:", color="green")
    else:
        st.badge(f"{endpoint.key_variable} is not set", icon=":material/key_off:", color="orange")


def _form(endpoint: Endpoint | None) -> None:
    name = endpoint.name if endpoint else _NEW
    given: dict[str, Any] = endpoint.model_dump() if endpoint else {}
    with st.form(f"endpoint_{name}", border=False):
        with st.container(horizontal=True):
            _text(name, "name", "Name", given, placeholder="local-vllm")
            _text(name, "base_url", "Address", given, placeholder="http://127.0.0.1:8000/v1")
            _text(
                name,
                "key_variable",
                "Key variable",
                given,
                placeholder="OPENAI_API_KEY",
                help="The NAME of the environment variable that holds the key; never the key itself."
                " Set it where the workbench is started.",
            )
        models = "\n".join(given.get("models", ()))
        st.text_area("Models, one a line", models, key=f"ep_{name}_models", height=84)
        with st.container(horizontal=True):
            _number(name, "timeout_s", "Seconds to wait", given)
            _number(name, "retries", "Retries", given)
            _number(name, "concurrency", "Requests at once", given)
        with st.container(horizontal=True):
            _price(name, "prompt_price", "Price of a million tokens read", given)
            _price(name, "completion_price", "Price of a million tokens written", given)
        st.form_submit_button(
            "Save endpoint", key=f"save_{name}", on_click=frame.callback(_save), args=(name,)
        )


def _text(name: str, field: str, title: str, given: dict[str, Any], **more: Any) -> None:
    st.text_input(title, given.get(field, ""), key=f"ep_{name}_{field}", **more)


def _number(name: str, field: str, title: str, given: dict[str, Any]) -> None:
    value = given.get(field, Endpoint.model_fields[field].default)
    number = "%.0f" if isinstance(value, float) else None
    key = f"ep_{name}_{field}"
    st.number_input(title, value=value, key=key, min_value=type(value)(0), format=number)


def _price(name: str, field: str, title: str, given: dict[str, Any]) -> None:
    st.number_input(
        title,
        value=given.get(field),
        key=f"ep_{name}_{field}",
        min_value=0.0,
        placeholder="not known",
        help="In your currency. Without prices a run counts tokens only.",
    )


def _save(db: Database, name: str) -> None:
    """Add the endpoint, or put it in the place of the one that was edited."""
    state = st.session_state
    fields = {field: state[f"ep_{name}_{field}"] for field in Endpoint.model_fields}
    fields["models"] = tuple(filter(None, map(str.strip, fields["models"].splitlines())))
    try:
        made = Endpoint.model_validate(fields)
    except ValidationError as error:
        raise CaiError(f"the endpoint was not saved: {validation_sentence(error)}") from error
    there = Settings.load().endpoints
    if any(e.name == made.name for e in there if e.name != name):
        raise DataError(f"there is an endpoint '{made.name}' already; choose another name")
    kept = [made if e.name == name else e for e in there]
    change_settings(endpoints=tuple(kept if name != _NEW else [*kept, made]))
    state.get(_FAILED, {}).pop(name, None)


def _ask_to_remove(endpoint: Endpoint) -> None:
    confirm(
        "Remove this endpoint?",
        f"{endpoint.name} at {endpoint.base_url}. What was made with its models stays.",
        button="Remove",
        on_click=frame.callback(_remove),
        args=(endpoint.name,),
    )


def _remove(db: Database, name: str) -> None:
    change_settings(endpoints=tuple(e for e in Settings.load().endpoints if e.name != name))


def _probe_all(endpoint: Endpoint) -> None:
    """Ask every model what it can do; why one does not answer is shown until the next time."""
    failed = [] if endpoint.models else ["name a model of it first; each of them is asked"]
    for model in endpoint.models:
        with st.spinner(f"Asking {label(model)} …"):
            failed += _probe(endpoint, model)
    st.session_state.setdefault(_FAILED, {})[endpoint.name] = failed


def _probe(endpoint: Endpoint, model: str) -> list[str]:
    from cai_core.models.endpoint import EndpointModel

    try:
        EndpointModel(endpoint, model).probe()
    except CaiError as error:
        return [f"{model}: {error}"]
    return []
