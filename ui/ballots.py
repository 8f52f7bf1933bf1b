"""What is told beside a judgement: each judge of a panel, and what its numbers are not."""

import pandas as pd
import streamlit as st

from cai_core.schema import Ballot, Label, panel_id
from ui import cards
from ui.plain import label, shorten


def show(found: Label) -> None:
    """Draw what every judge of a panel said and how far they disagree; nothing for a single judge."""
    if not found.panel:
        return
    st.caption(disagreement_words(found))
    rows = [_row(ballot) for ballot in found.panel]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="What each judge of the panel said")
    for ballot in found.panel:
        if ballot.error:
            said = label(f"{ballot.judge}: {ballot.error}", limit=300)
            st.caption(f":orange[:material/help:] {said}")


def _row(ballot: Ballot) -> dict[str, str]:
    return {
        "Judge": shorten(ballot.judge, 60),
        "Verdict": cards.verdict_text(ballot.verdict),
        "P(A)": _number(ballot.p_a),
        "Offset": _number(ballot.offset, signed=True),
        "Mass": _number(ballot.mass),
        "Flipped": "–" if ballot.flipped is None else "yes" if ballot.flipped else "no",
    }


def disagreement_words(found: Label) -> str:
    """How far a panel's judges differ, and how many gave no verdict.

    >>> ballots = (Ballot("x", "a", 0.9), Ballot("y", "b", 0.2), Ballot("z", None, None))
    >>> disagreement_words(Label(None, "tie", 0.5, panel=ballots))
    'The judges disagree: 100% of their pairs have different verdicts. 1 of 3 judges gave no verdict.'
    """
    said = []
    if found.disagreement == 0:
        said.append("The judges agree.")
    elif found.disagreement is not None:
        said.append(
            f"The judges disagree: {found.disagreement:.0%} of their pairs have different verdicts."
        )
    missing = sum(ballot.verdict is None for ballot in found.panel)
    if missing:
        said.append(f"{missing} of {len(found.panel)} judges gave no verdict.")
    return " ".join(said)


def notes(found: Label) -> list[str]:
    """What the numbers of a judgement are not, and what the judge did not see."""
    said = []
    if found.annotator.startswith(panel_id((), "majority")):
        said.append(
            "P(A is better) is the share of the judges that prefer A, drawn a little to 0.5."
        )
    if found.not_applicable:
        apart = ", ".join(f"{label(k)} ({p:.2f})" for k, p in found.not_applicable.items())
        said.append(f"No vote, for it does not apply (with this probability): {apart}.")
    if found.method == "repeat":
        said.append("Its numbers are sampled verdicts, counted; they are not probabilities.")
        if found.mass is not None:
            said.append(f"{found.mass:.0%} of the verdicts could be read.")
    cut = found.extra.get("characters_left_out")
    if cut:
        said.append(f"The judge saw these answers cut: {cut} characters left out.")
    return said


def _number(value: float | None, *, signed: bool = False) -> str:
    if value is None:
        return "–"
    return f"{value:+.2f}" if signed else f"{value:.2f}"
