"""How every case fared on every version: the versions as columns, oldest first."""

import pandas as pd
import streamlit as st

from ui.plain import shorten
from ui.suite_board import Board
from ui.suite_cases import title_of

COLUMNS = 12  # versions and draft at most; the newest


def show(board: Board) -> None:
    """The table; a dash where a case was not run."""
    st.subheader("Across versions", anchor=False)
    if not board.ran:
        st.caption("Nothing has been run yet.")
        return
    newest = board.targets[:COLUMNS]
    rows = []
    for case in board.cases:
        track = board.track(case, newest)
        cells = dict(zip(track.titles, (one or "–" for one in track.outcomes), strict=True))
        row = {"Case": shorten(title_of(case), 60), "Must hold": shorten(str(case.expectation), 50)}
        rows.append(row | cells | {"Since": track.says})
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={"Case": st.column_config.TextColumn(width="medium")},
        alt="Outcome of each case on each version, oldest first",
    )
    others = board.asked_otherwise
    if others:
        st.caption(
            f"Not shown, because they cannot be compared with these: {others} made with another judge,"
            " model or wording."
        )
    if len(board.targets) > COLUMNS:
        st.caption(f"The newest {COLUMNS} of {len(board.targets)} are shown.")
