"""A whole thread as HTML, long turns folded."""

from __future__ import annotations

from nbchat.conversation import Conversation, Turn
from nbchat.conversation.picture import excerpt
from nbchat.exchange.markdown import quoted, turn_markdown
from nbchat.render import answer_html, escape, render_markdown

_LONG = 1500  # characters; a turn that is longer is folded, but for the last one


def thread_html(thread: Conversation) -> str:
    """Return the current path as safe HTML with its own style."""
    parts = [f"<h2>{escape(thread.name)}</h2>\n"]
    if thread.system:
        parts.append(render_markdown(f"**System**\n\n{quoted(thread.system)}"))
    parts += [_turn(thread, turn) for turn in thread.path()]
    return answer_html("".join(parts))


def _turn(thread: Conversation, turn: Turn) -> str:
    text = turn_markdown(thread, turn)
    body = render_markdown(text)
    if len(text) <= _LONG or turn is thread.head:
        return body
    words = escape(excerpt(thread.messages(turn)))
    return f"<details><summary>{words}</summary>\n{body}</details>\n"
