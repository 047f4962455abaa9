"""What a file is, by its first bytes: its name may lie."""

from __future__ import annotations

import re

__all__ = ["kind_of", "text_in"]

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"PK\x03\x04", "application/zip"),
)
_INNER = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"avif": "image/avif",
    b"M4A ": "audio/mp4",
}
_SVG = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<svg[\s>]", re.S)


def kind_of(data: bytes) -> str:
    r"""Return the media type that the bytes tell, ``""`` if they tell none.

    >>> kind_of(b"%PDF-1.7 "), kind_of(b"RIFF\x24\x00\x00\x00WAVEfmt "), kind_of(b"hello")
    ('application/pdf', 'audio/wav', '')
    """
    for start, kind in _STARTS:
        # Text may begin with BM too: a bitmap has zeros after its size.
        if data.startswith(start) and (kind != "image/bmp" or data[6:10] == bytes(4)):
            return kind
    if data.startswith(b"RIFF"):
        return _INNER.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "video/mp4")
    # A frame of MPEG audio, layer III: eleven bits set, then the version and the layer.
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2:
        return "audio/mpeg"
    return "image/svg+xml" if _SVG.match(data[:2000]) else ""


def text_in(data: bytes) -> str | None:
    r"""Return the text that the bytes are (UTF-8, or UTF-16 with its mark), else ``None``.

    >>> text_in("größe".encode()), text_in(b"\xff\x00")
    ('größe', None)
    """
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\x00" in text else text
