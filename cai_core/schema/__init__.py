"""The values that cross room borders: frozen dataclasses, and their rows in files.

Every class that stands in a file has `from_row(row)` and `to_row()`. Rows are checked when read;
fields that we do not know are kept in `extra` and written back. No file is opened here.
"""

from cai_core.schema.ballots import Ballot, Combine, judges_of, panel_id
from cai_core.schema.chats import (
    Chat,
    Message,
    Role,
    assistant,
    chat_from_row,
    chat_row,
    first_user_turn,
    hh_dialogue,
    user,
)
from cai_core.schema.constitutions import Constitution, ConstitutionRef, Principle, Version
from cai_core.schema.fields import Row, canonical_json, content_hash
from cai_core.schema.labels import (
    EVENT,
    AnnotatorKind,
    Label,
    Method,
    Orders,
    PrincipleMode,
    Review,
    undone,
)
from cai_core.schema.pairs import HUMAN_P, VERDICTS, Pair, Verdict
from cai_core.schema.prompts import SPLITS, Prompt, Split
from cai_core.schema.revisions import CORRECTED, FLAWS, MARKS, Mark, Revision, Round
from cai_core.schema.said import Said, setting_of
from cai_core.schema.stages import (
    Completion,
    Hooks,
    MetricHook,
    Progress,
    ProgressHook,
    Sampling,
    StopHook,
    Usage,
    never_stop,
    no_metric,
    no_progress,
)
from cai_core.schema.suites import (
    MUSTS,
    OUTCOMES,
    PAIR_MUSTS,
    PROMPT_MUSTS,
    Case,
    CaseResult,
    Expectation,
    Must,
    Outcome,
)
from cai_core.schema.votes import DIFFERENCES, SAID, VoteTable

__all__ = [
    "CORRECTED",
    "DIFFERENCES",
    "EVENT",
    "FLAWS",
    "HUMAN_P",
    "MARKS",
    "MUSTS",
    "OUTCOMES",
    "PAIR_MUSTS",
    "PROMPT_MUSTS",
    "SAID",
    "SPLITS",
    "VERDICTS",
    "AnnotatorKind",
    "Ballot",
    "Case",
    "CaseResult",
    "Chat",
    "Combine",
    "Completion",
    "Constitution",
    "ConstitutionRef",
    "Expectation",
    "Hooks",
    "Label",
    "Mark",
    "Message",
    "Method",
    "MetricHook",
    "Must",
    "Orders",
    "Outcome",
    "Pair",
    "Principle",
    "PrincipleMode",
    "Progress",
    "ProgressHook",
    "Prompt",
    "Review",
    "Revision",
    "Role",
    "Round",
    "Row",
    "Said",
    "Sampling",
    "Split",
    "StopHook",
    "Usage",
    "Verdict",
    "Version",
    "VoteTable",
    "assistant",
    "canonical_json",
    "chat_from_row",
    "chat_row",
    "content_hash",
    "first_user_turn",
    "hh_dialogue",
    "judges_of",
    "never_stop",
    "no_metric",
    "no_progress",
    "panel_id",
    "setting_of",
    "undone",
    "user",
]
