"""Images, files and sound that go with a prompt."""

from __future__ import annotations

import base64
import io
import os
import sys
import wave
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from IPython import display
from matplotlib.figure import Figure
from PIL import Image as pil

from nbchat.errors import UsageError
from nbchat.messages import Audio, File, Image, Part, Text
from nbchat.prompt import attach_audio, attach_file, attach_image, compose, fill
from nbchat.prompt.images import LIMIT
from nbchat.prompt.kinds import kind_of

matplotlib.use("agg")


def encoded(image: pil.Image, kind: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def opened(part: Part) -> pil.Image:
    assert isinstance(part, Image)
    return pil.open(io.BytesIO(base64.b64decode(part.url.partition(",")[2])))


SMALL = pil.new("RGB", (4, 3), "red")
PNG = encoded(SMALL, "PNG")
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(30)
MP3 = b"ID3\x04" + bytes(30)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- Images ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_an_image_file_is_sent_as_it_is(here: Path, kind: str) -> None:
    data = encoded(SMALL, kind)
    (here / "picture").write_bytes(data)
    url = f"data:image/{kind.lower()};base64,{base64.b64encode(data).decode()}"
    for ref in ("picture", Path("picture"), data, bytearray(data), io.BytesIO(data), url):
        content = attach_image(ref)
        assert content.parts == (Image(url),)
        assert content.notices == ()


def test_a_name_is_a_variable_first(here: Path) -> None:
    (here / "picture").write_bytes(PNG)
    assert opened(attach_image("picture", [{"picture": pil.new("L", (7, 7))}]).parts[0]).size == (
        7,
        7,
    )
    assert opened(attach_image("p", [{"p": "picture"}]).parts[0]).size == (4, 3)
    assert opened(attach_image("p", [{"p": Path("picture")}]).parts[0]).size == (4, 3)
    # A variable's text is no variable's name again.
    with pytest.raises(UsageError, match="no variable and no file"):
        attach_image("p", [{"p": "q", "q": SMALL}])


def test_a_web_address_is_passed_on() -> None:
    url = "https://example.org/a%20b/cat.png?size=1"
    assert attach_image(url).parts == (Image(url),)
    assert attach_image("u", [{"u": url}]).parts == (Image(url),)
    assert attach_file(url).parts == (File("cat.png", url=url),)
    with pytest.raises(UsageError, match="download it first"):
        attach_audio("https://example.org/a.mp3")
    with pytest.raises(UsageError, match="takes a variable, a path, or an https:"):
        attach_image("file:///etc/hosts")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_large_image_is_made_smaller_and_that_is_said(here: Path, kind: str) -> None:
    (here / "large").write_bytes(encoded(pil.new("RGB", (4096, 1024), "blue"), kind))
    content = attach_image("large")
    [part] = content.parts
    assert opened(part).size == (2048, 512)
    assert opened(part).format == ("JPEG" if kind == "JPEG" else "PNG")
    assert content.notices == ("--image large: 4096×1024 px, sent as 2048×512",)


def test_the_camera_was_held_upright(here: Path) -> None:
    exif = pil.Exif()
    exif[0x0112] = 6  # orientation: turned by 90°
    (here / "photo.jpg").write_bytes(encoded(pil.new("RGB", (2100, 700)), "JPEG", exif=exif))
    assert opened(attach_image("photo.jpg").parts[0]).size == (683, 2048)


def test_without_pillow_a_large_image_is_sent_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(pil.new("RGB", (4096, 8)), "PNG")
    monkeypatch.setitem(sys.modules, "PIL", None)
    content = attach_image(data)
    assert content.notices == ()
    assert content.parts[0].url.endswith(base64.b64encode(data).decode())  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "P", "CMYK", "YCbCr", "I", "F"])
def test_a_pil_image_of_any_mode(mode: str) -> None:
    part = attach_image("p", [{"p": SMALL.convert(mode)}]).parts[0]
    assert opened(part).format == "PNG"
    assert opened(part).size == (4, 3)


def test_pictures_in_the_text() -> None:
    figure = Figure(figsize=(2, 1))
    axes = figure.add_subplot(1, 2, 1)
    figure.add_subplot(1, 2, 2)

    class Shown:
        def _repr_jpeg_(self) -> bytes:
            return encoded(SMALL, "JPEG")

    names = {
        "fig": figure,
        "ax": axes,
        "axs": np.array(figure.axes),
        "pic": SMALL,
        "shown": Shown(),
        "embedded": display.Image(data=PNG),
    }
    for name in names:
        content = fill(f"See {{{{ {name} }}}} here", [names])
        before, image, after = content.parts
        assert (before, after) == (Text("See "), Text(" here"))
        assert opened(image).format == ("JPEG" if name == "shown" else "PNG")
        assert attach_image(name, [names]).parts == (image,)
    large = fill("{{ p }}", [{"p": pil.new("L", (3000, 30))}])
    assert large.notices == ("{{ p }}: 3000×30 px, sent as 2048×20",)


def test_a_picture_that_is_none_is_text() -> None:
    class Unshown:
        def _repr_png_(self) -> None:
            return None

        def __repr__(self) -> str:
            return "unshown"

    assert fill("{{ u }}{{ c }}", [{"u": Unshown(), "c": Figure}]).text == f"unshown{Figure!r}"


def test_an_array_is_an_image_if_asked_so() -> None:
    array = np.zeros((5, 6, 3), np.uint8)
    assert opened(attach_image("a", [{"a": array}]).parts[0]).size == (6, 5)
    with pytest.raises(UsageError, match=r"array of uint8.*this one is 5 × 6 of float64"):
        attach_image("a", [{"a": np.zeros((5, 6))}])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (encoded(SMALL, "BMP"), "BMP is no PNG.*\nConvert it, or open it with Pillow"),
        (encoded(SMALL, "TIFF"), "TIFF is no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG is no PNG"),
        (PDF, "application/pdf is no PNG.*\nOther files go with --file"),
        (WAV, "audio/wav is no PNG.*\nSound goes with --audio"),
        (b"text", "this is no PNG"),
        (b"", "this is no PNG"),
        (bytes(LIMIT + 1), "20.0 MB; at most 20 MB"),
    ],
)
def test_what_is_no_image_is_refused(here: Path, data: bytes, words: str) -> None:
    (here / "x.png").write_bytes(data)  # the name lies
    with pytest.raises(UsageError, match=f"--image x.png: {words}"):
        attach_image("x.png")
    with pytest.raises(UsageError, match=words):
        attach_image(data)


def test_a_damaged_image_is_refused() -> None:
    whole = encoded(pil.effect_noise((3000, 300), 50), "JPEG")
    with pytest.raises(UsageError, match="damaged"):
        attach_image(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="damaged"):
        attach_image(PNG[:20])
    with pytest.raises(UsageError, match=r"^--image scan: .*damaged: Pillow can't read it$"):
        attach_image("scan", [{"scan": b"\xff\xd8\xff and no more"}])
    with pytest.raises(UsageError, match="data URL is damaged"):
        attach_image("data:image/png;base64,iVBO R")
    with pytest.raises(UsageError, match="holds nothing"):
        attach_image("data:image/png;base64,")


def test_a_value_that_is_no_image_is_named() -> None:
    with pytest.raises(UsageError, match="--image n: a int is no image"):
        attach_image("n", [{"n": 5}])
    with pytest.raises(UsageError, match=r"--image \(dict\): a dict is no image"):
        attach_image({})

    class Broken:
        def _repr_png_(self) -> bytes:
            raise RuntimeError("no screen")

    with pytest.raises(UsageError, match="--image b: RuntimeError: no screen"):
        attach_image("b", [{"b": Broken()}])


# --- Files ----------------------------------------------------------------------------------


def test_a_pdf_is_a_file(here: Path) -> None:
    (here / "paper").write_bytes(PDF)
    url = "data:application/pdf;base64," + base64.b64encode(PDF).decode()
    assert attach_file("paper").parts == (File("paper.pdf", data=url),)
    assert attach_file("doc", [{"doc": PDF}]).parts == (File("doc.pdf", data=url),)


def test_other_bytes_are_a_file_of_the_type_that_the_name_tells(here: Path) -> None:
    (here / "notes.docx").write_bytes(b"PK\x03\x04\x00\xff")
    (here / "data.bin").write_bytes(b"\x00\xff")
    [part] = attach_file("notes.docx").parts
    assert isinstance(part, File)
    assert part.data.startswith("data:application/vnd.openxmlformats-officedocument.wordproc")
    [part] = attach_file("data.bin").parts
    assert isinstance(part, File)
    assert part.data.startswith("data:application/octet-stream;base64,AP8=")


def test_text_is_text(here: Path) -> None:
    (here / "a.py").write_bytes(b"\xef\xbb\xbfprint('\xc3\xb6')")
    (here / "b.md").write_text("```x\n```\n")
    (here / "c.pdf").write_text("no PDF")
    (here / "d.txt").write_bytes("ö".encode("utf-16"))
    assert attach_file("a.py").text == "a.py:\n\n```py\nprint('ö')\n```\n"
    assert attach_file("b.md").text == "b.md:\n\n````md\n```x\n```\n````\n"
    assert attach_file("c.pdf").text == "c.pdf:\n\n```pdf\nno PDF\n```\n"
    assert attach_file("d.txt").text == "d.txt:\n\n```txt\nö\n```\n"
    assert (
        attach_file("buffer", [{"buffer": io.StringIO("hi")}]).text == "buffer:\n\n```\nhi\n```\n"
    )


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", PNG, "image/png goes with --image"),
        ("a.pdf", WAV, "audio/wav goes with --audio"),
        ("a.txt", "größe".encode("latin-1"), "not in UTF-8"),
        ("a.txt", b"x" * (LIMIT + 1), "20.0 MB; at most 20 MB"),
    ],
)
def test_what_is_no_file_for_the_model(here: Path, name: str, data: bytes, words: str) -> None:
    (here / name).write_bytes(data)
    with pytest.raises(UsageError, match=f"--file {name}: .*{words}"):
        attach_file(name)


def test_what_is_not_there_is_named(here: Path) -> None:
    (here / "report.pdf").write_bytes(PDF)
    (here / "folder").mkdir()
    os.mkfifo(here / "pipe")
    for ref, words in [
        ("raport.pdf", r"no variable and no file of that name \(did you mean report.pdf\?\)"),
        ("tabel", r"did you mean table\?"),
        ("none/at/all", "no file of that name"),
        ("folder", "a folder, no file"),
        ("pipe", "no regular file"),
        ("a\0b", r"--file 'a.x00b': no variable"),
        ("x" * 300, "too long"),
        ("two\nlines", "no variable and no file"),
        (Path("raport.pdf"), "no such file"),
    ]:
        with pytest.raises(UsageError, match=words):
            attach_file(ref, [{"table": 1}])
    # IPython puts some builtins into the user's namespace; they are no file's name.
    with pytest.raises(UsageError, match=r"file of that name$"):
        attach_file("opn", [{"open": open, "exit": exit}])


def test_a_value_goes_into_the_prompt() -> None:
    with pytest.raises(
        UsageError, match=r"--file t: a dict is no file\n\{\{ t \}\} in the prompt"
    ):
        attach_file("t", [{"t": {}}])


# --- Sound ----------------------------------------------------------------------------------


def test_sound(here: Path) -> None:
    with wave.open(str(here / "a"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(100))
    data = (here / "a").read_bytes()
    expected = Audio(base64.b64encode(data).decode(), "wav")
    assert attach_audio("a").parts == (expected,)
    assert attach_audio(display.Audio(data=data)).parts == (expected,)
    assert attach_audio(MP3).parts == (Audio(base64.b64encode(MP3).decode(), "mp3"),)
    for wrong in (b"OggS" + bytes(9), b"text", PNG):
        with pytest.raises(UsageError, match="no sound in WAV or MP3"):
            attach_audio(wrong)
    with pytest.raises(UsageError, match="a int is no sound"):
        attach_audio(5)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xfb\x90\x44", "audio/mpeg"),
        (b"\xff\xf3\x90\x44", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", ""),  # AAC
        ("\ufeffhello".encode("utf-16-le"), ""),
        (b"BMW is a company", ""),
        (b"RIFFxxxxAVI ", ""),
        (b"\x00\x00\x00\x1cftypavif", "image/avif"),
        (b"<?xml version='1.0'?>\n<!-- a --><svg >", "image/svg+xml"),
        (b"", ""),
    ],
)
def test_the_first_bytes_tell(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


# --- All of it ------------------------------------------------------------------------------


def test_compose(here: Path) -> None:
    (here / "a.txt").write_text("A")
    (here / "b.txt").write_text("B\n")
    content = compose(
        "Compare {{ n }}",
        [{"n": 2, "pic": pil.new("L", (4000, 4))}],
        images=["pic"],
        files=["a.txt", "b.txt"],
        audio=[MP3],
    )
    text, image, audio = content.parts
    assert text == Text("Compare 2\n\na.txt:\n\n```txt\nA\n```\n\nb.txt:\n\n```txt\nB\n```\n")
    assert isinstance(image, Image)
    assert isinstance(audio, Audio)
    assert content.notices == ("--image pic: 4000×4 px, sent as 2048×2",)
    assert compose(" \n", images=[PNG]).parts == attach_image(PNG).parts
    assert compose("{{ n }}", literal=True).parts == (Text("{{ n }}"),)
