"""Images, files and sound that go with a prompt: variables, paths and URLs."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes, urlsplit

from nbchat.errors import UsageError
from nbchat.messages import Audio, File, Image
from nbchat.options import closest
from nbchat.prompt.content import Content
from nbchat.prompt.evaluate import Namespaces, merged, own, reason
from nbchat.prompt.images import LIMIT, array_picture, data_url, image_from, picture_of
from nbchat.prompt.kinds import kind_of, text_in

__all__ = ["attach_audio", "attach_file", "attach_image"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://|data:", re.I)
_SOUNDS = {"audio/wav": "wav", "audio/mpeg": "mp3"}
_ENDINGS = {"application/pdf": ".pdf", "application/zip": ".zip"}


@dataclass(frozen=True)
class _Source:
    """What a reference stands for: bytes, an address, or an object.

    Attributes:
        name: what messages call it.
        filename: the name of the file, or of the variable.
    """

    name: str
    filename: str
    data: bytes | None = None
    url: str = ""
    value: object = None


def attach_image(ref: object, namespaces: Namespaces = ()) -> Content:
    """Return an image for the model.

    ``ref`` is the name of a variable, a path, a URL, or the object itself: a figure, a PIL image,
    an array of bytes, a file's bytes. All but an ``https:`` address is sent as a data URL; an
    image of more than 2048 px is made smaller if Pillow is there, which a notice says.

    Raises:
        UsageError: it is not there, no image, damaged, or larger than 20 MB.

    >>> attach_image("https://example.org/cat.png").parts
    (Image(url='https://example.org/cat.png', detail=''),)
    """
    source = _source(ref, namespaces, "--image")
    if source.url:
        return Content.of(Image(source.url))
    if source.data is not None:
        return image_from(source.data, source.name)
    value = source.value
    try:
        picture = picture_of(value, source.name) or array_picture(value, source.name)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{source.name}: {reason(error)}") from error
    if picture is None:
        raise UsageError(f"{source.name}: a {type(value).__name__} is no image")
    return picture


def attach_file(ref: object, namespaces: Namespaces = ()) -> Content:
    """Return a file for the model: text as text, all else (PDF, …) as a `File`.

    ``ref`` is the name of a variable, a path, a URL, or the object itself: a path, bytes, or an
    open file. Responses servers fetch an ``https:`` address themselves; chat has no form for one.

    Raises:
        UsageError: it is not there, larger than 20 MB, or belongs to another option.
    """
    source = _source(ref, namespaces, "--file")
    name, filename = source.name, source.filename
    if source.url:
        return Content.of(File(filename, url=source.url))
    if source.data is None:
        raise UsageError(
            f"{name}: a {type(source.value).__name__} is no file\n"
            f"{{{{ {filename} }}}} in the prompt sends the value itself."
        )
    data = source.data
    kind = kind_of(data)
    for family, option in (("image/", "--image"), ("audio/", "--audio")):
        if kind.startswith(family) and kind != "image/svg+xml":
            raise UsageError(f"{name}: {kind} goes with {option}")
    text = text_in(data) if kind in ("", "image/svg+xml") else None
    if text is not None:
        return Content.of(_fenced(filename, text))
    guessed = mimetypes.guess_type(filename)[0]
    if not kind and (guessed or "").startswith("text/"):
        raise UsageError(
            f"{name}: text, but not in UTF-8\n"
            "{{ open(…, encoding=…).read() }} in the prompt sends it in another encoding."
        )
    if kind in ("", "application/zip"):  # what is zipped (docx, xlsx), its name tells
        kind = guessed or kind or "application/octet-stream"
    if "." not in filename:
        filename += _ENDINGS.get(kind, "")
    return Content.of(File(filename, data=data_url(kind, data)))


def attach_audio(ref: object, namespaces: Namespaces = ()) -> Content:
    """Return sound for the model, WAV or MP3.

    ``ref`` is the name of a variable, a path, or the object itself: a file's bytes or an
    `IPython.display.Audio`.

    Raises:
        UsageError: it is not there, neither WAV nor MP3, or larger than 20 MB.
    """
    source = _source(ref, namespaces, "--audio")
    if source.url:
        raise UsageError(f"{source.name}: sound is not sent by its URL: download it first")
    if source.data is None:
        raise UsageError(f"{source.name}: a {type(source.value).__name__} is no sound")
    kind = kind_of(source.data)
    if kind not in _SOUNDS:
        raise UsageError(f"{source.name}: {kind or 'this'} is no sound in WAV or MP3")
    return Content.of(Audio(base64.b64encode(source.data).decode("ascii"), _SOUNDS[kind]))


def _fenced(filename: str, text: str) -> str:
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    end = "" if text.endswith("\n") else "\n"
    language = re.sub(r"[^A-Za-z0-9]", "", Path(filename).suffix)
    return f"{filename}:\n\n{fence}{language}\n{text}{end}{fence}\n"


# --- From a reference to bytes ------------------------------------------------------------------


def _source(ref: object, namespaces: Namespaces, flag: str) -> _Source:
    if not isinstance(ref, str):
        return _of_object(ref, f"{flag} ({type(ref).__name__})", type(ref).__name__, flag)
    names = merged(namespaces)
    if ref.isidentifier() and ref in names:
        value = names[ref]
        if isinstance(value, str):  # a path or a URL that a variable holds
            return _of_text(value, flag, names)
        return _of_object(value, f"{flag} {ref}", ref, flag)
    return _of_text(ref, flag, names)


def _of_object(value: object, name: str, filename: str, flag: str) -> _Source:
    if isinstance(value, os.PathLike):
        return _of_path(Path(os.fspath(value)), name)
    read = getattr(type(value), "read", None)
    if callable(read):
        value = read(value)
        value = value.encode() if isinstance(value, str) else value
    embedded = getattr(value, "data", None)  # of IPython.display's objects
    if isinstance(embedded, bytes):
        value = embedded
    if isinstance(value, (bytes, bytearray, memoryview)):
        data = bytes(value)
        _check_size(len(data), name)
        return _Source(name, filename, data)
    return _Source(name, filename, value=value)


def _of_text(text: str, flag: str, names: dict[str, object]) -> _Source:
    shown = text if len(text) <= 80 else f"{text[:79]}…"
    name = f"{flag} {shown}" if shown.isprintable() else f"{flag} {shown!r}"
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _of_path(Path(text), name, names)
    if scheme[1] is None:
        return _Source(f"{flag} data:…", "data", _of_data_url(text, f"{flag} data:…"))
    if scheme[1].lower() not in ("http", "https"):
        raise UsageError(f"{name}: takes a variable, a path, or an https: or data: URL")
    return _Source(name, Path(unquote(urlsplit(text).path)).name, url=text)


def _of_path(path: Path, name: str, names: dict[str, object] | None = None) -> _Source:
    try:
        path = path.expanduser()
        if not path.is_file():
            raise UsageError(f"{name}: {_missing(path, names)}")
        _check_size(path.stat().st_size, name)
        return _Source(name, path.name, path.read_bytes())
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    except (ValueError, RuntimeError) as error:  # a null byte in the name; no home folder
        raise UsageError(f"{name}: {error}") from error


def _missing(path: Path, names: dict[str, object] | None) -> str:
    if path.exists():
        return "a folder, no file" if path.is_dir() else "no regular file"
    near = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    near += own(names or ())
    words = "no such file" if names is None else "no variable and no file of that name"
    return f"{words}{closest(path.name, near)}"


def _of_data_url(url: str, name: str) -> bytes:
    head, comma, body = url.partition(",")
    data = unquote_to_bytes(body)
    if head.lower().endswith(";base64"):
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error as error:
            raise UsageError(f"{name}: the data URL is damaged: {error}") from error
    if not comma or not data:
        raise UsageError(f"{name}: the data URL holds nothing")
    _check_size(len(data), name)
    return data


def _check_size(size: int, name: str) -> None:
    if size > LIMIT:
        raise UsageError(f"{name}: {size / 1e6:.1f} MB; at most 20 MB are sent")
