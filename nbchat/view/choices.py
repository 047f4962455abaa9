"""Several answers side by side: columns where there is room, tabs where there is not.

Without JavaScript: the tabs are radio buttons, and CSS shows what the checked one stands for.
Where styles are stripped (GitHub, untrusted notebooks) the answers follow each other.
"""

from __future__ import annotations

NARROWEST = 230  # pixels; a narrower column is no longer read with ease

_STYLE = (
    ".nbchat-choices{container-type:inline-size;width:100%}"
    ".nbchat-choices .nbchat-columns{display:grid!important;gap:0 28px;"
    "grid-template-columns:repeat(COUNT,minmax(0,1fr))}"
    ".nbchat-choices .nbchat-label{color:var(--nb-muted);font-size:.8em;margin:0 0 .4em}"
    ".nbchat-choices .nbchat-tabs{display:none}"
    "@container (max-width:WIDTHpx){"
    ".nbchat-choices .nbchat-tabs{display:flex;gap:1.2em;margin:0 0 .6em}"
    ".nbchat-tabs label{cursor:pointer;color:var(--nb-muted);font-size:.9em}"
    ".nbchat-tabs input{margin:0 .35em 0 0;vertical-align:-.1em}"
    ".nbchat-choices .nbchat-columns{display:block!important}"
    ".nbchat-choices .nbchat-choice,.nbchat-choices .nbchat-label{display:none!important}"
    "SHOWN{display:block!important}}"
)


def style(count: int) -> str:
    """Return the style sheet for ``count`` answers."""
    shown = ",".join(
        f".nbchat-choices:has(label:nth-of-type({n}) input:checked) .nbchat-choice:nth-child({n})"
        for n in range(1, count + 1)
    )
    width = count * NARROWEST
    return _STYLE.replace("COUNT", str(count)).replace("WIDTH", str(width)).replace("SHOWN", shown)


def tabs(count: int, group: str) -> str:
    """Return the radio buttons; ``group`` keeps those of different outputs apart."""
    return "".join(
        f'<label><input type="radio" name="{group}"{" checked" * (n == 1)}>Choice {n}</label>'
        for n in range(1, count + 1)
    )


def label(number: int) -> str:
    """Return the heading of a column."""
    return f'<div class="nbchat-label">Choice {number}</div>'


def columns(bodies: list[str], group: str) -> str:
    """Return the answers side by side as permanent HTML."""
    sections = "".join(
        f'<div class="nbchat-choice">{label(number)}\n<div>{body}</div></div>\n'
        for number, body in enumerate(bodies, 1)
    )
    return (
        f"<style>{style(len(bodies))}</style>"
        f'<div class="nbchat-choices"><div class="nbchat-tabs">{tabs(len(bodies), group)}</div>\n'
        f'<div class="nbchat-columns">\n{sections}</div></div>\n'
    )
