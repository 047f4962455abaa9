"""The embedded model: a real language model without a key and without network at prompt time.

`weights` finds or downloads the model file, `server` runs llama.cpp's own OpenAI-compatible
server on it (from the wheel ``xllamacpp``) in a child process, which is `child`.

>>> from nbchat import local
>>> local.weights.fetch()                                               # doctest: +SKIP
PosixPath('/home/ada/.cache/nbchat/SmolLM2-135M-Instruct.Q4_1.gguf')
>>> local.server.start(_)                                               # doctest: +SKIP
LocalServer(base_url='http://127.0.0.1:39257/v1', model='smollm2-135m-instruct', ...)
"""

from __future__ import annotations

from nbchat.local import server, weights
from nbchat.local.server import LocalServer
from nbchat.local.weights import SERVED_MODEL, Progress

__all__ = ["SERVED_MODEL", "LocalServer", "Progress", "available", "server", "weights"]


def available() -> bool:
    """Whether the embedded model can answer at once, with no download and no installation."""
    return server.installed() and weights.find() is not None
