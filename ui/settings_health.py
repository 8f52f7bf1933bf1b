"""Where the workspace is, and what the doctor finds."""

import json
import subprocess
from pathlib import Path

import pandas as pd
import streamlit as st

from cai_core.errors import CaiError
from cai_core.jobs.commands import PROGRAM
from cai_core.schema import Row
from cai_core.settings import (
    PROJECT_DIR,
    database_path,
    datasets_dir,
    home,
    models_dir,
    runs_dir,
)
from ui.plain import label

_FINDINGS = "settings_findings"  # session state
DOCTOR_SECONDS = 120.0


def show_paths() -> None:
    """Draw every place with its size on disk."""
    st.subheader("Places", anchor=False)
    places = (
        ("Workspace", home(), "CAI_HOME moves it"),
        ("Database", database_path(), "constitutions, prompts, pairs, labels, jobs"),
        ("Settings", home() / "settings.yaml", "what this page writes; no secret stands in it"),
        ("Datasets", datasets_dir(), "frozen snapshots"),
        ("Runs", runs_dir(), "one folder a job"),
        ("Models", models_dir(), "weights and their cache; CAI_MODELS moves it"),
    )
    rows = [{"Place": n, "Path": str(p), "Size": _size(p), "Note": says} for n, p, says in places]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Where the workspace's files are")


def _size(path: Path) -> str:
    """Size of a file, or how many things stand in a folder; a dash where nothing is."""
    if path.is_file():
        size = path.stat().st_size
        return f"{size / 1e6:.1f} MB" if size > 1e5 else f"{size / 1e3:.1f} kB"
    if path.is_dir():
        n = sum(1 for _ in path.iterdir())
        return f"{n} item{'' if n == 1 else 's'}"
    return "–"


def show_health() -> None:
    """Draw what the doctor finds; it takes some seconds, so it waits for a click."""
    st.subheader("Health", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        asked = st.button("Examine this machine", key="examine", icon=":material/stethoscope:")
        st.caption("In a terminal: `python -m cai_core doctor`")
    if asked:
        with st.spinner("Looking …"):
            st.session_state[_FINDINGS] = _examine()
    findings = st.session_state.get(_FINDINGS)
    if findings:
        _show_findings(findings)


def _examine() -> Row:
    """What `doctor --json` prints; its process loads the model library, this one stays small.

    Raises:
        CaiError: it came to no findings.
    """
    command = [*PROGRAM, "doctor", "--json"]
    try:
        done = subprocess.run(
            command, cwd=PROJECT_DIR, capture_output=True, text=True, timeout=DOCTOR_SECONDS
        )
        found: Row = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise CaiError("the doctor came to no findings; run it in a terminal") from error
    return found


def _show_findings(findings: Row) -> None:
    if findings["ok"]:
        st.success("Nothing is wrong.", icon=":material/check:")
    for problem in findings["problems"]:
        with st.container(border=True, gap="small"):
            st.markdown(f":red[:material/error:] {label(problem['what'], limit=400)}")
            st.caption(label(problem["mend"], limit=400))
    st.caption(
        f"Device: {label(findings['device'])} · built-in model:"
        f" {label(findings['builtin_model'] or 'not on this machine', limit=200)}"
    )
    with st.expander("Versions"):
        rows = [{"Package": name, "Version": v} for name, v in findings["versions"].items()]
        st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Versions of the packages")
