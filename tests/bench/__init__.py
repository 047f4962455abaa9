"""Programs that measure what nbchat costs, and say whether its goals are met."""

from __future__ import annotations

MISSED = 3
"""The exit status where a goal is missed; that of a program that fails is 1."""
