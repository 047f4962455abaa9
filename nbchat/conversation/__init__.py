"""Conversations: a tree of turns for each thread, and the fold of events into a turn."""

from __future__ import annotations

from nbchat.conversation.fold import Answer
from nbchat.conversation.tree import Conversation, Turn

__all__ = ["Answer", "Conversation", "Turn"]
