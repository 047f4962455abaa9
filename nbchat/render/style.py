"""The style sheet of an answer, live and permanent."""

from __future__ import annotations

STYLE = ".nbchat pre{overflow-x:auto;user-select:all}"
