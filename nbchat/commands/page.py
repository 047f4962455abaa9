"""A thread as HTML: all of it, long turns folded, and the picture of its tree."""

from __future__ import annotations

from nbchat.conversation import Conversation, Turn
from nbchat.conversation.picture import excerpt, rows, title
from nbchat.exchange.markdown import quoted, turn_markdown
from nbchat.render import answer_html, render_markdown
from nbchat.render.html import prose

_LONG = 1500  # characters; a turn that is longer is folded, but for the last one
_TREE_STYLE = (
    ".nbchat-tree{font:13px/1.5 var(--jp-code-font-family,monospace);white-space:pre;"
    "overflow-x:auto}.nbchat-tree .nbchat-aside,.nbchat-tree .nbchat-hidden{opacity:.6}"
    ".nbchat-tree .nbchat-hidden .nbchat-words{text-decoration:line-through}"
    ".nbchat-tree .nbchat-head{font-weight:600}"
)


def thread_html(thread: Conversation) -> str:
    """Return the current path as safe HTML with its own style."""
    parts = [f"<h2>{prose(thread.name)}</h2>\n"]
    if thread.system:
        parts.append(render_markdown(f"**System**\n\n{quoted(thread.system)}"))
    parts += [_turn(thread, turn) for turn in thread.path()]
    return answer_html("".join(parts))


def _turn(thread: Conversation, turn: Turn) -> str:
    text = turn_markdown(thread, turn)
    body = render_markdown(text)
    if len(text) <= _LONG or turn is thread.head:
        return body
    words = prose(excerpt(thread.messages(turn)))
    return f"<details><summary>{words}</summary>\n{body}</details>\n"


def tree_html(thread: Conversation) -> str:
    """Return the picture of a thread's tree as safe HTML with its own style."""
    lines, digits = [f"<div>{prose(title(thread))}</div>"], thread.digits()
    for row in rows(thread):
        classes = ["nbchat-current" if row.current else "nbchat-aside"]
        classes += ["nbchat-hidden"] * row.hidden + ["nbchat-head"] * row.head
        marks = f"  <small>({prose(', '.join(row.marks))})</small>" if row.marks else ""
        lines.append(
            f'<div class="{" ".join(classes)}">{row.rail}{"●" if row.current else "○"} '
            f"<code>{row.turn.id[:digits]}</code>  "
            f'<span class="nbchat-words">{prose(row.words)}</span>{marks}</div>'
        )
    body = "".join(lines)
    return f'<style>{_TREE_STYLE}</style><div class="nbchat-tree">{body}</div>'
