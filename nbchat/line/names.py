"""The names of the magics, without their percent signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbchat.options import MAGIC

if TYPE_CHECKING:
    from nbchat.messages import Endpoint

__all__ = ["COMMAND", "ENDPOINTS", "NAMES"]

ENDPOINTS: dict[str, Endpoint] = {
    magic.removeprefix("%%"): endpoint for endpoint, magic in MAGIC.items()
}
"""The endpoint of each magic that asks a model: ``chat`` and ``respond``."""

COMMAND = "nbchat"
"""The magic of the subcommands."""

NAMES = (*ENDPOINTS, COMMAND)
