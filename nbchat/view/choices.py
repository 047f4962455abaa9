"""Several answers side by side: columns where there is room, tabs where there is not.

Without JavaScript: the tabs are radio buttons, and CSS shows what the checked one stands for.
Where styles are stripped (GitHub, untrusted notebooks), and on paper, the answers follow each
other.
"""

from __future__ import annotations

NARROWEST = 230  # pixels; a narrower column is no longer read with ease

_STYLE = (
    ".nbchat-choices{container-type:inline-size;width:100%}"
    ".nbchat-choices .nbchat-columns{display:grid!important;gap:0 28px;"
    "grid-template-columns:repeat(COUNT,minmax(0,1fr))}"
    ".nbchat-choices .nbchat-label{color:var(--nb-muted);font-size:.8em;margin:0 0 .4em}"
    ".nbchat-choices .nbchat-picked{color:inherit;font-weight:600}"
    ".nbchat-choices .nbchat-tabs{display:none}"
    "@media print{.nbchat-choices{container-type:normal}"
    ".nbchat-choices .nbchat-columns{display:block!important}"
    ".nbchat-choices .nbchat-label{break-after:avoid}"
    ".nbchat-choices .nbchat-choice+.nbchat-choice{margin-top:1.5em}}"
    "@media not print{@container (max-width:WIDTHpx){"
    ".nbchat-choices .nbchat-tabs{display:flex;flex-wrap:wrap;gap:.3em 1.2em;margin:0 0 .6em}"
    ".nbchat-tabs label{cursor:pointer;color:var(--nb-muted);font-size:.9em}"
    ".nbchat-tabs input{margin:0 .35em 0 0;vertical-align:-.1em}"
    ".nbchat-choices .nbchat-columns{display:block!important}"
    ".nbchat-choices .nbchat-choice,.nbchat-choices .nbchat-label{display:none!important}"
    "SHOWN{display:block!important}}}"
)


def style(count: int, picked: int | None = None) -> str:
    """Return the style sheet for ``count`` answers; for ``picked`` see `tabs`."""
    shown = [
        f".nbchat-choices:has(label:nth-of-type({n}) input:checked) .nbchat-choice:nth-child({n})"
        for n in range(1, count + 1)
    ]
    # In a copy of a cell the buttons have the same names, and one of them all is checked.
    none = ".nbchat-choices:not(:has(input:checked))"
    shown.append(f"{none} .nbchat-choice:nth-child({(picked or 0) + 1})")
    sheet = _STYLE.replace("COUNT", str(count)).replace("WIDTH", str(count * NARROWEST))
    return sheet.replace("SHOWN", ",".join(shown))


def tabs(count: int, group: str, picked: int | None = None) -> str:
    """Return the radio buttons.

    Args:
        count: how many answers there are.
        group: keeps the buttons of different outputs apart.
        picked: index of the answer that the thread goes on with; it is shown first.
    """
    buttons = "".join(
        f'<label{_class(n, picked)}><input type="radio" name="{group}"'
        f"{' checked' * (n == (picked or 0))}>{_name(n, picked)}</label>"
        for n in range(count)
    )
    # Hidden also where the style sheet is stripped; JupyterLab strips an attribute without value.
    group_of = 'role="radiogroup" aria-label="Choices" hidden="hidden"'
    return f'<div class="nbchat-tabs" {group_of}>{buttons}</div>'


def label(index: int, picked: int | None = None) -> str:
    """Return the heading of a column. It has no heading's tag, to stay out of tables of contents.

    >>> label(1, picked=1)
    '<div class="nbchat-label nbchat-picked" role="heading" aria-level="3">✓ Choice 2</div>'
    """
    css = _class(index, picked, "nbchat-label")
    return f'<div{css} role="heading" aria-level="3">{_name(index, picked)}</div>'


def _name(index: int, picked: int | None) -> str:
    return f"{'✓ ' * (index == picked)}Choice {index + 1}"


def _class(index: int, picked: int | None, css: str = "") -> str:
    names = f"{css}{' nbchat-picked' * (index == picked)}".strip()
    return f' class="{names}"' if names else ""


def columns(bodies: list[str], group: str, picked: int | None = None) -> str:
    """Return the answers side by side as permanent HTML; for the rest see `tabs`."""
    sections = "".join(
        f'<div class="nbchat-choice">{label(index, picked)}\n<div>{body}</div></div>\n'
        for index, body in enumerate(bodies)
    )
    return (
        f"<style>{style(len(bodies), picked)}</style>"
        f'<div class="nbchat-choices">{tabs(len(bodies), group, picked)}\n'
        f'<div class="nbchat-columns">\n{sections}</div></div>\n'
    )
