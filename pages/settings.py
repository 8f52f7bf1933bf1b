"""Models, endpoints and the judge; where things are, and whether all is well."""

import streamlit as st

from cai_core.settings import Settings
from ui import frame
from ui.settings_endpoints import show_endpoints
from ui.settings_examples import show_examples
from ui.settings_form import show_defaults
from ui.settings_health import show_health, show_paths

with frame.page("settings") as db:
    settings = Settings.load()
    defaults, endpoints, workspace, shown = st.tabs(
        ["Models and judge", "Endpoints", "Workspace", "Examples"]
    )
    with defaults:
        show_defaults(settings)
    with endpoints:
        show_endpoints(settings)
    with workspace:
        show_paths()
        show_health()
    with shown:
        show_examples()
