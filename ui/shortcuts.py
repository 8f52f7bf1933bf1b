"""The constitution page's keys, the list of them, and what becomes of a text while it is typed.

Streamlit hands a text over when its field is left. A reload would lose what was typed since, and a key
with Ctrl or ⌘ works inside a field too: so a pause in typing hands it over, saving does so first, and
undo stays the browser's own inside a field.
"""

import streamlit as st

SAVE, UNDO, REDO = "Mod+S", "Mod+Z", "Mod+Shift+Z"
ADD, TRY, SAMPLE = "N", "T", "Shift+T"
PAUSE_MS = 1500  # after this long without a key a wording is handed over
SEARCH_PAUSE_MS = 350
_LISTED = (
    (SAVE, "Save a version, with what is being typed"),
    (UNDO, "Undo the last edit; inside a text field, the last typing"),
    (REDO, "Redo it"),
    (ADD, "Add a principle"),
    (TRY, "Run what is pinned on the draft"),
    (SAMPLE, "Try the draft on a sample of pairs"),
)


def show_shortcuts() -> None:
    with st.popover(":material/keyboard:", help="Shortcuts", type="tertiary"):
        st.markdown("**Shortcuts**")
        for keys, does in _LISTED:
            shown = " ".join(f"`{key.replace('Mod', 'Ctrl')}`" for key in keys.split("+"))
            st.markdown(f"{shown} {does}")
        st.caption("On a Mac ⌘ stands for Ctrl. Single letters do nothing inside a text field.")


def hand_over_typing() -> None:
    """Install the listeners once a browser tab; they mind the fields of principles and nothing else."""
    st.html(f"<script>{_SCRIPT}</script>", unsafe_allow_javascript=True)


_SCRIPT = f"""
if (!window.ratifyTyping) {{
  window.ratifyTyping = true;
  const field = (e) => {{
    const box = e.target instanceof Element && e.target.closest("textarea, input[type=text]");
    return box && box.closest('[class*="st-key-principle_"]') ? box : null;
  }};
  const handOver = (box) => box.dispatchEvent(new FocusEvent("focusout", {{bubbles: true}}));
  const timers = new WeakMap();
  document.addEventListener("input", (e) => {{
    const box = field(e);
    if (!box) return;
    clearTimeout(timers.get(box));
    const pause = box.closest(".st-key-principle_search") ? {SEARCH_PAUSE_MS} : {PAUSE_MS};
    timers.set(box, setTimeout(() => box.isConnected && handOver(box), pause));
  }}, true);
  window.addEventListener("keydown", (e) => {{
    if (!(e.ctrlKey || e.metaKey) || e.altKey) return;
    const key = e.key.toLowerCase(), box = e.target;
    const text = box instanceof Element && box.matches("textarea, input[type=text]");
    if (key === "s" && text && document.querySelector(".st-key-save")) handOver(box);
    if (key === "z" && text) e.stopImmediatePropagation();
  }}, true);
}}
"""
