"""``.ipynb``: what the model sees of the current path, to be run again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from nbchat.conversation import Conversation, Turn
from nbchat.exchange.markdown import part_markdown
from nbchat.messages import Message, Text
from nbchat.options import MAGIC

# Fields of a request, and the options that they come from.
_OPTIONS = {
    "temperature": "--temperature",
    "top_p": "--top-p",
    "frequency_penalty": "--frequency-penalty",
    "presence_penalty": "--presence-penalty",
    "seed": "--seed",
    "max_tokens": "--max-tokens",
    "max_completion_tokens": "--max-tokens",
    "max_output_tokens": "--max-tokens",
    "reasoning_effort": "--effort",
}


def to_notebook(thread: Conversation) -> str:
    """Return a notebook with a cell for each turn, its answer as the cell's output.

    A first cell loads nbchat and holds the system message. What a cell can't carry, such as an
    image in a prompt, stands in a Markdown cell before it.
    """
    import nbformat
    from nbformat import v4

    setup = "%load_ext nbchat"
    if thread.system:
        setup += f"\nsystem = {thread.system!r}"
    cells = [v4.new_code_cell(setup, id="setup")]
    system = bool(thread.system)
    for turn in thread.path():
        if turn.id in thread.hidden:
            continue
        prompt = [m for m in thread.messages(turn) if m.role != "assistant"]
        extra = _beside(prompt)
        if extra:
            cells.append(v4.new_markdown_cell(extra, id=f"{turn.id}-more"))
        text = "\n\n".join(message.text for message in prompt if message.role == "user")
        if turn.by_hand:
            source = _said_by_hand(thread, turn)
        elif text.strip():
            line = _line(turn, system=system)
            if "{{" in text:  # what was filled in is not to be filled again
                line += " --literal"
            # Of the line ends at the end of a cell the last one is not the user's.
            end = "\n" if text.endswith("\n") else ""
            source, system = f"{line}\n{text}{end}", False
        else:
            continue  # only results of tools, which come again by themselves
        cells.append(v4.new_code_cell(source, id=turn.id, outputs=_outputs(turn)))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return f"{nbformat.writes(notebook)}\n"


def _said_by_hand(thread: Conversation, turn: Turn) -> str:
    # As calls, for a cell has room for one cell magic. A cell's text ends with a line end.
    texts = [(message.role, f"{message.text}\n") for message in thread.messages(turn)]
    lines = [
        f"get_ipython().run_cell_magic('nbchat', 'say {role}', {text!r})"
        for role, text in texts
        if role in ("user", "assistant")
    ]
    return "\n".join(lines)


def _line(turn: Turn, *, system: bool) -> str:
    """Return the magic line, with the provider, model and options of the turn."""
    words = [MAGIC[turn.endpoint]]
    if turn.base_url and turn.provider == urlsplit(turn.base_url).netloc:
        words += ["--base-url", turn.base_url]
    elif turn.provider:
        words += ["-p", turn.provider]
    if turn.model:
        words += ["-m", turn.model]
    if system:
        words += ["-s", "$system"]
    for field, option in _OPTIONS.items():
        if isinstance(value := turn.request.get(field), (int, float, str)):
            words += [option, str(value)]
    reasoning = turn.request.get("reasoning")
    if isinstance(reasoning, Mapping) and isinstance(reasoning.get("effort"), str):
        words += ["--effort", reasoning["effort"]]
    return " ".join(map(_word, words))


def _word(text: str) -> str:
    if not re.search(r"[\s\"'\\]", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _beside(prompt: list[Message]) -> str:
    """Return the parts of a prompt that a cell can't carry, as Markdown."""
    parts = [
        part
        for message in prompt
        for part in message.parts
        if not (isinstance(part, Text) and message.role == "user")
    ]
    return "\n\n".join(map(part_markdown, parts))


def _outputs(turn: Turn) -> list[Any]:
    from nbformat import v4

    reply = turn.reply()
    if turn.empty or turn.by_hand:
        return []
    # As the view shows it, where there is one.
    data = reply._repr_mimebundle_()
    return [v4.new_output("display_data", data=data)]
