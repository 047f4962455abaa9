"""Sources, pictures, sound and probabilities of an answer."""

from __future__ import annotations

import math
import re

import pytest

from nbchat.messages import Audio, Citation
from nbchat.reply import Choice, GeneratedImage, Logprobs, Reply
from nbchat.view.extras import probabilities, sound, with_extras
from nbchat.view.permanent import bundle

PNG = "data:image/png;base64,AAAA"
GIF = "data:image/gif;base64,BBBB"


def body_of(reply: Reply) -> str:
    """Return the permanent HTML behind its style sheet."""
    html: str = bundle(reply)["text/html"]
    return html.partition("</style>")[2]


def test_sources_are_numbered_once_and_linked() -> None:
    citations = [
        Citation("https://a.example/x?y=(1)", "A page", 0, 5),
        Citation("https://b.example", "", 6, 12),
        Citation("https://a.example/x?y=(1)", "A page", 6, 12),
        Citation("", "no address", 0, 5),
        Citation("https://c.example", "out of the text", 0, 999),
    ]
    reply = Reply(choices=(Choice(text="Rain. Cloud.", citations=tuple(citations)),))
    page = bundle(reply)["text/html"]
    assert page.count('href="https://a.example/x?y=(1)"') == 1
    assert page.count('href="https://b.example"') == 1
    assert page.count('href="https://c.example"') == 1
    assert with_extras("Rain. Cloud.", citations).startswith("Rain.[^1] Cloud.[^2][^1]")
    assert bundle(reply)["text/plain"] == "Rain. Cloud."


def test_a_models_own_footnotes_keep_their_numbers() -> None:
    text = with_extras("It rains[^1].\n\n[^1]: I looked.", [Citation("https://a.example", "A")])
    assert text.endswith("[^2]: [A](<https://a.example>)")


def test_a_hostile_source_is_harmless() -> None:
    hostile = [
        Citation("javascript:alert(1)", "x", 0, 2),
        Citation("https://a.example/> <img src=x onerror=alert(1)>", "]( <b>", 0, 2),
        Citation("https://a.example", "**bold** ![i](https://evil.example/i.png)", 0, 2),
    ]
    page = bundle(Reply(choices=(Choice(text="Hi", citations=tuple(hostile)),)))["text/html"]
    body = page.partition("</style>")[2]
    assert 'href="javascript' not in body
    assert "<img" not in body
    assert "<b>" not in body


def test_images_stand_in_their_places_beside_the_sources() -> None:
    images = (GeneratedImage(PNG, offset=5), GeneratedImage(GIF, offset=13))
    citations = (
        Citation("https://a.example", "A", 0, 5),
        Citation("https://b.example", "B", 7, 13),
    )
    choice = Choice(text="Rain.\n\nCloud.", citations=citations)
    reply = Reply(choices=(choice,), images=images)
    shown = re.findall(r"Rain|Cloud|data:[^\"]*|#[\w-]*fn[\w-]*\d", body_of(reply))
    text = [word for word in shown if not word.startswith("#")]
    assert text == ["Rain", PNG, "Cloud", GIF]
    assert bundle(reply)["text/plain"] == "Rain.\n\nCloud."


@pytest.mark.parametrize("url", ["https://evil.example/i.png", PNG + '" onerror="x', "nothing"])
def test_only_image_data_is_shown(url: str) -> None:
    page = body_of(Reply(choices=(Choice(text="Hi"),), images=(GeneratedImage(url),)))
    assert "<img" not in page
    assert "onerror=" not in page
    assert set(re.findall(r'([\w-]+)="https://evil', page)) <= {"href"}, "it is more than a link"
    assert "[image: generated image]" in page


def test_an_address_of_no_image_shows_none() -> None:
    text = "![a](nbchat-picture:7) ![b](nbchat-picture:0)"
    page = body_of(
        Reply(choices=(Choice(text=text),), images=(GeneratedImage(PNG, offset=len(text)),))
    )
    assert page.count("<img") == 2  # the model may show its own image again
    assert "[image: a]" in page


def test_sound_has_a_player_and_its_transcript() -> None:
    page = sound(Audio("AAAA", "mp3", "Hello <b>."))
    assert 'src="data:audio/mpeg;base64,AAAA"' in page
    assert "Hello &lt;b&gt;." in page
    assert "<audio" not in sound(Audio('"><script>', "mp3", "x"))


ENTRIES = [
    {
        "token": "Paris",
        "logprob": math.log(0.8),
        "top_logprobs": [
            {"token": "Paris", "logprob": math.log(0.8)},
            {"token": '"<i>', "logprob": math.log(0.1)},
        ],
    },
    {"token": ".", "logprob": 0},
]


def test_tokens_are_shaded_by_probability() -> None:
    page = probabilities(ENTRIES)
    assert "80.0%  &#x27;Paris&#x27;" in page
    assert "rgba(220,110,30,0.12)" in page
    assert "<i>" not in page
    assert probabilities([{"token": "x", "logprob": "high"}])
    assert probabilities([]) == ""


def test_logprobs_as_a_table() -> None:
    frame = Logprobs(ENTRIES).to_frame()
    assert list(frame["token"]) == ["Paris", "."]
    assert list(frame.columns) == ["token", "logprob", "probability", "top"]
    assert frame["probability"][0] == 0.8
