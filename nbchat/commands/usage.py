"""``%nbchat usage``: tokens, time and cost."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

from nbchat.commands import Context, Words, command
from nbchat.pricing import table, total
from nbchat.pricing import usage as usage_of


@command("usage", "Show tokens, time and cost for each thread and model.")
def usage(context: Context, words: Words) -> str:
    """Return a table; a cost is the server's own, or a list price that is labelled so."""
    threads = context.session.threads
    rows = usage_of(threads.values())
    if not rows:
        return "nothing was asked yet"
    whole = replace(total(threads.values()), thread="total")
    text = table([*rows, whole] if len(rows) > 1 else rows)
    if whole.unpriced and importlib.util.find_spec("genai_prices") is None:
        text += '\n\nList prices come with pip install "nbchat[prices]".'
    return text
