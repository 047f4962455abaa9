"""Conversations: a tree of turns for each thread, and the fold of events into a turn."""

from __future__ import annotations

from nbchat.conversation.fold import Answer
from nbchat.conversation.threads import Threads
from nbchat.conversation.tree import Conversation, Placement, begins
from nbchat.conversation.turn import Turn

__all__ = ["Answer", "Conversation", "Placement", "Threads", "Turn", "begins"]
