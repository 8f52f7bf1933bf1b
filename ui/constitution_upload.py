"""Constitutions as files: upload of any form, download into any, and what each cannot hold."""

from dataclasses import dataclass

import streamlit as st
from sqlite_utils import Database

from cai_core.constitution import forms, prose
from cai_core.constitution.forms import Form
from cai_core.errors import ConstitutionError, DataError
from cai_core.schema import Constitution
from cai_core.store import constitutions
from ui import frame
from ui.constitution_candidates import open_shelf, show_way_back
from ui.draft import Draft, drafts, take_up
from ui.plain import label

_NOTE = "constitution_note"  # session state: the Note of the last upload
_LAST = "constitution_uploaded"  # session state: the constitution of the last upload, to replace it
_FILE, _FORM = "upload", "upload_form"
_TYPES = ["yaml", "yml", "md", "markdown", "txt", "json"]
_AUTO = "auto"
_HELP = (
    "YAML, Markdown, long prose, or the JSON of the CAI paper or of the Hugging Face recipe. It becomes"
    " an unsaved draft; of long prose you accept candidates one by one."
)


@dataclass(frozen=True)
class Note:
    """What a file said that the draft does not."""

    file: str
    form: Form
    left_out: tuple[str, ...]


def show_upload() -> None:
    """Draw the button that takes a file."""
    with st.popover("Upload", icon=":material/upload:"):
        st.caption(_HELP)
        take = frame.callback(_take)
        st.file_uploader("Constitution", type=_TYPES, key=_FILE, on_change=take)
        st.selectbox(
            "Form",
            [_AUTO, *forms.FORMS],
            key=_FORM,
            format_func=lambda form: forms.TITLES.get(form, "Recognise it"),
            on_change=take,
        )


def _take(db: Database) -> None:
    file = st.session_state[_FILE]
    if file is None:
        return
    data = file.getvalue()
    chosen = next((f for f in forms.FORMS if f == st.session_state.get(_FORM)), None)
    st.session_state.pop(_NOTE, None)
    form = chosen or forms.recognise(data, name=file.name)
    if form == "prose":
        found = prose.candidates(data, name=file.name)
        open_shelf(file.name, found, forms.name_of(file.name.rpartition(".")[0]))
        return
    read = forms.read(data, name=file.name, form=form)
    open_draft_of(db, read.constitution)
    if read.left_out:
        st.session_state[_NOTE] = Note(file.name, read.form, read.left_out)


def open_draft_of(db: Database, given: Constitution) -> None:
    """Make it the open draft, of the constitution of its name where there is one.

    Raises:
        DataError: that has an unsaved draft of its own.
    """
    saved = constitutions.names(db)
    base = constitutions.newest(db, given.name) if given.name in saved else None
    there = drafts().get(given.name)
    replaces = there and there.constitution == st.session_state.get(_LAST)
    if there and there.unsaved and there.constitution != given and not replaces:
        raise DataError(
            f"'{given.name}' has an unsaved draft; save or discard it, then upload again"
        )
    take_up(Draft.of(given, base))
    st.session_state[_LAST] = given


def show_note() -> None:
    """Draw what the last upload left out, until it is put away, and the way to waiting candidates."""
    note = st.session_state.get(_NOTE)
    if note:
        with st.container(border=True, gap="small"):
            st.markdown(
                f":material/info: {label(note.file)} was read as {forms.TITLES[note.form]}."
                " What it says besides is not in the draft:"
            )
            st.text("\n".join(f"• {sentence}" for sentence in note.left_out))
            st.button("Put away", key="upload_note_away", type="tertiary", on_click=_put_away)
    show_way_back()


def _put_away() -> None:
    st.session_state.pop(_NOTE, None)


def show_download(draft: Draft) -> None:
    """Draw the choice of a form, what it cannot hold, and the button."""
    popover = st.popover(
        "Download", icon=":material/download:", key="download_open", on_change="rerun"
    )
    if not popover.open:  # writing it out takes a tenth of a second where principles are many
        return
    with popover:
        form = st.selectbox(
            "Form", forms.OUT, key="download_form", format_func=lambda one: forms.TITLES[one]
        )
        try:
            written = forms.write(draft.constitution, form)
        except ConstitutionError as error:
            st.caption(label(str(error), limit=400))
            return
        if written.left_out:
            st.caption("This form cannot hold:")
            st.text("\n".join(f"• {sentence}" for sentence in written.left_out))
        else:
            st.caption("This form holds everything.")
        st.download_button(
            "Download",
            written.text,
            file_name=f"{draft.name}{forms.suffix(form)}",
            mime="text/plain",
            key="download",
            type="primary",
            on_click="ignore",
        )
