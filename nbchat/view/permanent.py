"""The permanent output: HTML and text of a reply, its footer, and what is stored beside it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from nbchat.render import answer_html, escape, render_markdown
from nbchat.reply import Choice, GeneratedImage, Reply
from nbchat.view.choices import columns
from nbchat.view.extras import probabilities, sound, with_extras
from nbchat.view.pictures import pictures
from nbchat.view.steps import hosted_html, steps_html

_ENDS = {
    "length": "cut at the token limit",
    "content_filter": "stopped by the provider's content filter",
    "tool_calls": "asks for tools",
}
_STATES = {
    "stopped": "stopped",
    "cut": "cut off: the connection ended before the answer did",
    "failed": "failed: the provider reported an error",
}


def bundle(reply: Reply) -> dict[str, Any]:
    """Return the MIME bundle of a reply: ``text/html`` and, as it came, ``text/plain``."""
    return {"text/html": html(reply), "text/plain": _text(reply)}


def failed(failure: str) -> dict[str, Any]:
    """Return the MIME bundle of a failure that no cell can show, for there is none any more."""
    page = answer_html("", notices=[failure]) if failure else ""
    return {"text/plain": failure, **({"text/html": page} if page else {})}


def html(reply: Reply) -> str:
    """Return the permanent HTML of a reply."""
    first, *others = reply.choices
    bodies = [_choice(first, reply.images), *map(_choice, others)]
    body = bodies[0]
    if len(bodies) > 1:
        # An answer outside of all threads has nothing that goes on.
        body = columns(
            bodies, f"nbchat-{secrets.token_hex(4)}", reply.picked if reply.thread else None
        )
    return answer_html(
        steps_html(reply.steps) + body + hosted_html(reply.hosted),
        reasoning_html=render_markdown(reply.reasoning) if reply.reasoning else "",
        reasoning_tokens=reply.usage.reasoning if reply.usage is not None else 0,
        notices=marks(reply),
        footer=footer(reply),
    )


def _text(reply: Reply) -> str:
    texts = [choice.text or choice.refusal for choice in reply.choices]
    if len(texts) == 1:
        return texts[0]
    marked = (f"{choice_heading(number)}\n{text}" for number, text in enumerate(texts, 1))
    return "\n\n".join(marked)


def choice_heading(number: int) -> str:
    """Return the line above one of several answers, as text; they count from 1."""
    return f"--- choice {number}"


def _choice(choice: Choice, images: Sequence[GeneratedImage] = ()) -> str:
    body = render_markdown(
        with_extras(choice.text, choice.citations, images),
        pictures=pictures(image.url for image in images),
    )
    body += sound(choice.audio)
    if choice.refusal:
        body += render_markdown(choice.refusal)
    for call in choice.tool_calls:  # those that nobody ran
        body += (
            f'<p class="nbchat-tool"><code>{escape(f"{call.name}({call.arguments})")}</code></p>\n'
        )
    return body + probabilities(choice.logprobs)


def marks(reply: Reply) -> list[str]:
    """Return what went wrong with an answer that is there only in part, one line each."""
    return [_STATES[reply.status]] if reply.status in _STATES else []


def footer(reply: Reply) -> str:
    """Return the line under the answer: model, tokens, time, how it ended, and every notice.

    >>> footer(Reply(model="gpt-5.1", elapsed=2.0))
    'gpt-5.1 · 2.0 s'
    """
    parts = [reply.model] if reply.model else []
    usage = reply.usage
    if usage is not None:
        cached = f" ({usage.cached} cached)" if usage.cached else ""
        reasoning = f" ({usage.reasoning} reasoning)" if usage.reasoning else ""
        parts.append(f"{usage.input}{cached} in, {usage.output}{reasoning} out")
    parts.append(f"{reply.elapsed:.1f} s")
    speed = reply.tokens_per_second
    streamed = reply.elapsed - (reply.first_token or 0)
    # A few tokens, or a burst, say nothing of the model's speed.
    many = usage is not None and usage.output >= 10
    if speed is not None and reply.status == "completed" and many and streamed >= 0.2:
        parts.append(f"{speed:.0f} tokens/s")
    if usage is not None and usage.cost is not None:
        parts.append(f"${usage.cost:.4f}")
    reason = reply.finish_reason
    if reason not in ("", "stop") and reply.status in ("completed", "incomplete"):
        parts.append(_ENDS.get(reason, reason))
    if len(reply.choices) > 1 and reply.thread:
        picked, other = reply.picked + 1, 1 if reply.picked else 2
        parts.append(
            f"the thread goes on with choice {picked} "
            f"(%nbchat pick {other} {reply.thread} takes another)"
        )
    return " · ".join([*parts, *reply.notices])


def metadata(reply: Reply) -> dict[str, Any]:
    """Return what is stored in the output's metadata under ``nbchat``."""
    facts: dict[str, Any] = {
        "model": reply.model,
        "provider": reply.provider,
        "thread": reply.thread,
        "turn": reply.turn,
        "status": reply.status,
        "finish_reason": reply.finish_reason,
    }
    if reply.usage is not None:
        facts["usage"] = {
            "input": reply.usage.input,
            "cached": reply.usage.cached,
            "output": reply.usage.output,
            "reasoning": reply.usage.reasoning,
        }
    return {"nbchat": facts}
