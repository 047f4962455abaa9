"""What an answer has besides its text: sources, pictures, sound, and how sure the model was."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from nbchat.messages import Audio, Citation
from nbchat.render import escape
from nbchat.render.html import prose
from nbchat.reply import GeneratedImage
from nbchat.view.pictures import picture_mark

_LABEL = re.compile(r"\[\^(\d+)\]")
_SPECIAL = re.compile(r"([\\\[\]<>*_`~$!&|])")
# What the Chat Completions API can answer with, and what browsers call it.
_SOUNDS = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "opus": "audio/ogg"}
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")


def with_extras(
    text: str, citations: Sequence[Citation] = (), images: Sequence[GeneratedImage] = ()
) -> str:
    r"""Return the answer's Markdown with its sources as numbered footnotes, and with its images.

    A number stands where the provider says that the cited passage ends. Sources that the same
    address names share one, and numbers that the model uses itself are left to it. Images have
    the addresses that `pictures` knows.

    >>> print(with_extras("Rain.", [Citation("https://a.example", "A [weather] page", 0, 4)]))
    Rain[^1].
    <BLANKLINE>
    [^1]: [A \[weather\] page](<https://a.example>)
    """
    taken = {int(number) for number in _LABEL.findall(text)}
    free = (number for number in count(1) if number not in taken)
    numbers: dict[str, int] = {}
    notes: list[str] = []
    places: dict[int, list[str]] = {}
    for citation in citations:
        if not citation.url:
            continue
        if citation.url not in numbers:
            numbers[citation.url] = next(free)
            notes.append(_note(numbers[citation.url], citation))
        if citation.end is not None and 0 < citation.end <= len(text):
            marks = places.setdefault(citation.end, [])
            mark = f"[^{numbers[citation.url]}]"
            if mark not in marks:
                marks.append(mark)
    for number, image in enumerate(images):
        places.setdefault(image.offset, []).append(picture_mark(number))
    for place in sorted(places, reverse=True):
        text = text[:place] + "".join(places[place]) + text[place:]
    return "\n\n".join([text, *notes]) if notes else text


def _note(number: int, citation: Citation) -> str:
    title = " ".join((citation.title or citation.url).split())
    url = re.sub(r"[\s<>\\]", lambda found: f"%{ord(found[0]):02X}", citation.url)
    name = _SPECIAL.sub(r"\\\1", title)
    return f"[^{number}]: [{name}](<{url}>)"


def sound(audio: Audio | None) -> str:
    """Return a player and the transcript as HTML."""
    if audio is None:
        return ""
    kind = _SOUNDS.get(audio.format)
    player = ""
    if kind and _BASE64.fullmatch(audio.data):
        player = f'<p><audio controls src="data:{kind};base64,{audio.data}"></audio></p>\n'
    return player + (f"<p>{prose(audio.transcript)}</p>\n" if audio.transcript else "")


def probabilities(logprobs: Sequence[Mapping[str, Any]]) -> str:
    """Return the tokens shaded by how unlikely they were, the alternatives on hover."""
    if not logprobs:
        return ""
    tokens = "".join(_token(entry) for entry in logprobs)
    return (
        '<details class="nbchat-fold"><summary>Token probabilities</summary>\n'
        f'<div style="white-space:pre-wrap">{tokens}</div></details>\n'
    )


def _token(entry: Mapping[str, Any]) -> str:
    likely = _probability(entry)
    others = entry.get("top_logprobs")
    rows = [other for other in others if isinstance(other, Mapping)] if others else [entry]
    hover = "\n".join(f"{_probability(row):6.1%}  {_text(row)!r}" for row in rows)
    shade = round(0.6 * (1 - likely), 2)
    return (
        f'<span title="{escape(hover)}" style="background:rgba(220,110,30,{shade})">'
        f"{prose(_text(entry))}</span>"
    )


def _text(entry: Mapping[str, Any]) -> str:
    return str(entry.get("token") or "")


def _probability(entry: Mapping[str, Any]) -> float:
    value = entry.get("logprob")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return 0.0
    return math.exp(min(float(value), 0.0))
