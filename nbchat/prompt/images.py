"""Pictures of all kinds as an `Image` that a model takes: a data URL, not larger than it sees."""

from __future__ import annotations

import base64
import io
import sys
import warnings
from typing import Any

from nbchat.errors import UsageError
from nbchat.messages import Image
from nbchat.prompt.content import Content
from nbchat.prompt.kinds import kind_of

__all__ = ["LIMIT", "LONGEST", "array_picture", "data_url", "image_from", "picture_of"]

LIMIT = 20_000_000
"""Bytes that an image, a file or a sound may have."""
LONGEST = 2048
"""Pixels that an image's longer side may have; models see no more than that."""

_TAKEN = ("image/png", "image/jpeg", "image/gif", "image/webp")


def data_url(kind: str, data: bytes) -> str:
    """Return bytes as a ``data:`` URL.

    >>> data_url("text/plain", b"hi")
    'data:text/plain;base64,aGk='
    """
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def image_from(data: bytes, name: str) -> Content:
    """Return the image that a file's bytes are, made smaller if Pillow is there and it is large.

    Args:
        data: a PNG, JPEG, GIF or WebP file.
        name: what to call it in a notice or an error.

    Raises:
        UsageError: it has more than 20 MB, is of another type or is damaged.
    """
    if len(data) > LIMIT:
        raise UsageError(f"{name}: {len(data) / 1e6:.1f} MB; at most 20 MB are sent")
    kind = kind_of(data)
    if kind not in _TAKEN:
        what = kind
        if kind.startswith("image/"):
            what = kind.removeprefix("image/").removesuffix("+xml").upper()
        raise UsageError(
            f"{name}: {what or 'this'} is no PNG, JPEG, GIF or WebP image\n{_way_out(kind)}"
        )
    return _smaller(data, name) or Content.of(Image(data_url(kind, data)))


def _way_out(kind: str) -> str:
    if kind.startswith("image/"):
        return "Convert it, or open it with Pillow and give the variable."
    if kind.startswith("audio/"):
        return "Sound goes with --audio."
    return "Other files go with --file."


def picture_of(value: object, name: str) -> Content | None:
    """Return the picture that a value shows itself as, ``None`` if it is no picture.

    That is a Matplotlib figure or axes, a PIL image, or what has ``_repr_png_`` or
    ``_repr_jpeg_``.

    Raises:
        UsageError: the picture is too large or damaged.
    """
    if isinstance(value, type):
        return None
    figure = _figure_of(value)
    if figure is not None:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", bbox_inches="tight")
        return image_from(buffer.getvalue(), name)
    pil = sys.modules.get("PIL.Image")
    if pil is not None and isinstance(value, pil.Image):
        return _encoded(value, name)
    for method in ("_repr_png_", "_repr_jpeg_"):
        data = _shown_by(value, method)
        if data:
            return image_from(data, name)
    return None


def array_picture(value: object, name: str) -> Content | None:
    """Return the picture in an array of bytes, H×W, H×W×3 or H×W×4; ``None`` if it is none."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray):
        return None
    array: Any = value
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))
    if not is_picture or array.dtype != numpy.uint8:
        raise UsageError(
            f"{name}: an image is an array of uint8, H×W, H×W×3 or H×W×4; "
            f"this one is {' × '.join(map(str, array.shape))} of {array.dtype}"
        )
    try:
        from PIL import Image as pil
    except ImportError:
        raise UsageError(
            f"{name}: an array becomes an image by Pillow: pip install pillow"
        ) from None
    return _encoded(pil.fromarray(array), name)


def _figure_of(value: object) -> Any:
    """Return the Matplotlib figure that a value is or belongs to, else ``None``."""
    module = sys.modules.get("matplotlib.figure")
    kind = getattr(module, "FigureBase", None)
    if kind is None:
        return None
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray) and value.dtype == object:
        value = value.flat[0] if value.size else value  # what plt.subplots gives for several
    axes = getattr(sys.modules.get("matplotlib.axes"), "Axes", None)
    if axes is not None and isinstance(value, axes):
        value = value.get_figure()
    while isinstance(value, kind) and not hasattr(value, "savefig"):
        value = value.figure  # of a part of a figure, the whole
    return value if isinstance(value, kind) else None


def _shown_by(value: object, method: str) -> bytes | None:
    """Return what a display method of the value gives: bytes, base64, or either with metadata."""
    function = getattr(type(value), method, None)
    if not callable(function):
        return None
    data = function(value)
    if isinstance(data, tuple):
        data = data[0]
    if isinstance(data, str):
        data = base64.b64decode(data)
    return data if isinstance(data, bytes) else None


# --- With Pillow ----------------------------------------------------------------------------


def _smaller(data: bytes, name: str) -> Content | None:
    """Return the image within 2048 px, ``None`` if it is so already or Pillow is not there."""
    try:
        from PIL import Image as pil
        from PIL import ImageOps, UnidentifiedImageError
    except ImportError:
        return None
    try:
        with warnings.catch_warnings():
            # Of many pixels; what they cost is seconds, and Pillow itself refuses a bomb.
            warnings.simplefilter("ignore", pil.DecompressionBombWarning)
            with pil.open(io.BytesIO(data)) as image:
                if max(image.size) <= LONGEST:
                    return None
                kind = image.format
                # What is encoded anew loses the note of how the camera was held.
                return _encoded(ImageOps.exif_transpose(image), name, kind)
    except pil.DecompressionBombError as error:
        raise UsageError(f"{name}: {error}") from error
    except UnidentifiedImageError as error:  # its words are those of a buffer's repr
        raise UsageError(f"{name}: the image is damaged: Pillow can't read it") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's words for damaged files
        raise UsageError(f"{name}: the image is damaged: {error}") from error


def _encoded(image: Any, name: str, kind: str | None = None) -> Content:
    """Return a PIL image within 2048 px: a JPEG stays one, all others become PNG."""
    kind = kind or image.format
    notice = ""
    if image.mode not in ("1", "L", "LA", "RGB", "RGBA"):
        image = image.convert("RGBA" if image.mode in ("P", "PA", "La", "RGBa") else "RGB")
    if max(image.size) > LONGEST:
        large = image.size
        image = image.copy()
        image.thumbnail((LONGEST, LONGEST))
        notice = "{}: {}×{} px, sent as {}×{}".format(name, *large, *image.size)
    buffer = io.BytesIO()
    if kind == "JPEG" and image.mode in ("L", "RGB"):
        image.save(buffer, "JPEG", quality=90)
        media = "image/jpeg"
    else:
        image.save(buffer, "PNG")
        media = "image/png"
    data = buffer.getvalue()
    if len(data) > LIMIT:
        raise UsageError(f"{name}: {len(data) / 1e6:.1f} MB; at most 20 MB are sent")
    return Content.of(Image(data_url(media, data)), notice=notice)
