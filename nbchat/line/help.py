"""The help page of the magics, made from the table of options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from nbchat.options import MAGIC, TABLE, Option

if TYPE_CHECKING:
    from nbchat.messages import Endpoint


__all__ = ["help_text"]

_HEADINGS = {
    "core": "Options",
    "wire": "More of the API",
    "display": "Display",
    "thread": "Conversations",
    "prompt": "Prompt and answer",
    "tools": "Tools",
}
_INDENT = 30
_WIDTH = 88

_HEAD = {
    "chat": "Send the cell to a language model (Chat Completions) and stream its answer.",
    "responses": "Send the cell to a language model (Responses) and stream its answer.",
}

_RULES = """\
Rules of the line
  Options come first; the first word that is none begins the prompt, which is sent as it
  stands. -- ends the options, for a prompt that begins with a hyphen and a letter. Text
  on the line of a cell magic comes before the cell's.
  Quotes group: -s "be brief". A backslash escapes a quote, a backslash or a blank.
  $name, {name} and {{ expr }}, as a whole value, are taken from your variables; in
  single quotes they are plain text. --set a.b=VALUE takes JSON, else text.
  Every option but --system lasts one prompt. A key is never an option: see %nbchat key.
"""

_EXAMPLES = {
    "chat": """\
Examples
  %%chat -m gpt-5.1 -s "You are a terse reviewer." --temperature 0
  Review this function: ...

  %chat what is a monad?
  %chat -t poems --max-tokens 200 -o poem a haiku on rain
  %chat --stop END --set logit_bias.50256=-100 list primes
""",
    "responses": """\
Examples
  %%respond -m gpt-5.1 --effort high --reasoning-summary auto
  Prove that there are infinitely many primes.

  %respond what is a monad?
  %respond -t poems --max-tokens 200 -o poem a haiku on rain
  %respond --no-store --include reasoning.encrypted_content --set max_tool_calls=3 hello
""",
}


def help_text(endpoint: Endpoint) -> str:
    """Return the help page of an endpoint's magic, as plain text of at most 88 columns."""
    cell = MAGIC[endpoint]
    parts = [
        f"{_HEAD[endpoint]}\n",
        f"  {cell} [OPTIONS]   the cell below is the prompt\n  {cell[1:]} [OPTIONS] PROMPT\n",
    ]
    for group, heading in _HEADINGS.items():
        rows = [
            _row(option)
            for option in TABLE
            if option.group == group and option.endpoint in (None, endpoint)
        ]
        parts.append(f"{heading}\n{''.join(rows)}")
    parts += [_RULES, _EXAMPLES[endpoint]]
    return "\n".join(parts)


def _row(option: Option) -> str:
    optional = option.kind != "flag" and option.const is not None
    value = f"[={option.metavar}]" if optional else f" {option.metavar}"
    flags = f"  {', '.join(option.flags)}{value}".rstrip()
    limits = _limits(option)
    meaning = f"{option.help[:-1]} ({limits})." if limits else option.help
    lines = _wrapped(meaning.split(), _WIDTH - _INDENT)
    if len(flags) < _INDENT - 1:
        lines[0] = f"{flags:<{_INDENT}}{lines[0]}"
    else:
        lines.insert(0, flags)
    first, *others = lines
    return "".join([f"{first}\n", *(f"{' ' * _INDENT}{line}\n" for line in others)])


def _wrapped(words: list[str], width: int) -> list[str]:
    # textwrap takes ten times as long, and the pages are made whenever nbchat is loaded.
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


def _limits(option: Option) -> str:
    if option.choices:
        return option.allowed
    if option.kind in ("number", "integer"):
        return re.sub(r"^a (whole )?number( of)? ?", "", option.allowed)
    return f"at most {option.most}" if option.most else ""
