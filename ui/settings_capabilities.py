"""What the models of an endpoint can do, as far as they were asked. Looking asks nothing."""

from datetime import datetime

import pandas as pd
import streamlit as st

from cai_core.models import capabilities
from cai_core.models.capabilities import Capabilities
from cai_core.settings import Endpoint
from ui.plain import label


def were_probed(endpoint: Endpoint) -> bool:
    return any(capabilities.known(endpoint, model).probed for model in endpoint.models)


def show_capabilities(endpoint: Endpoint) -> None:
    """Draw a table of the models that were probed, and what follows for their use."""
    found = {model: capabilities.known(endpoint, model) for model in endpoint.models}
    probed = {model: one for model, one in found.items() if one.probed}
    if not probed:
        if endpoint.models:
            st.caption("Not probed yet: nobody knows what its models can do.")
        return
    rows = [_row(model, one) for model, one in probed.items()]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt=f"What models of {endpoint.name} can do")
    for model, one in probed.items():
        if notes := capabilities.notes(one):
            said = "; ".join(label(note) for note in notes)
            st.caption(f":material/info: **{label(model)}** {said}.")


def _row(model: str, found: Capabilities) -> dict[str, str]:
    return {
        "Model": model,
        "Answer": "–" if found.seconds is None else f"{found.seconds:.2f} s",
        "Log-probabilities": f"top {found.top_logprobs}" if found.top_logprobs else "none",
        "Begun turn": _word(found.continues, "continued", "begins anew"),
        "Thinks first": _word(found.thinks, "yes", "no"),
        "Window": f"{found.context:,}" if found.context else "not told",
        "Takes no": ", ".join(n for n in found.refused if n in ("seed", "top_k")) or "–",
        "Rate limits": "told" if found.rate_limits else "not told",
        "Probed": datetime.fromisoformat(found.probed).astimezone().strftime("%d %b %H:%M"),
    }


def _word(value: bool | None, yes: str, no: str) -> str:
    return "–" if value is None else yes if value else no
