"""A request as text: for the eye, and for the shell."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from nbchat.errors import UsageError

__all__ = ["curl_command", "dry_run_text"]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def dry_run_text(url: str, body: Mapping[str, Any], has_key: bool) -> str:
    """Return the request as JSON; a key is shown as a mask.

    >>> print(dry_run_text("http://h/v1/responses", {"model": "m"}, True))
    {
      "method": "POST",
      "url": "http://h/v1/responses",
      "headers": {
        "Content-Type": "application/json",
        "Authorization": "Bearer ••••"
      },
      "body": {
        "model": "m"
      }
    }
    """
    headers = {"Content-Type": "application/json"}
    if has_key:
        headers["Authorization"] = "Bearer ••••"
    return _json({"method": "POST", "url": url, "headers": headers, "body": body})


def curl_command(url: str, body: Mapping[str, Any], key_variable: str | None) -> str:
    r"""Return the request as a command for a POSIX shell with curl.

    The shell takes the key from the environment variable, so the text holds none. The body is a
    here-document whose end cannot occur in it (a line of JSON never is a bare word), and goes
    over standard input: an image would be too long for an argument.

    Raises:
        UsageError: ``key_variable`` is no name of an environment variable.

    >>> print(curl_command("http://h/v1/responses", {"model": "m"}, "OPENAI_API_KEY"))
    curl --silent --show-error --no-buffer http://h/v1/responses \
      --header 'Content-Type: application/json' \
      --header "Authorization: Bearer $OPENAI_API_KEY" \
      --data-binary @- <<'JSON'
    {
      "model": "m"
    }
    JSON
    """
    lines = [
        f"curl --silent --show-error --no-buffer {shlex.quote(url)}",
        "--header 'Content-Type: application/json'",
    ]
    if key_variable is not None:
        if not _VARIABLE.fullmatch(key_variable):
            raise UsageError(f"{key_variable!r} is no name of an environment variable")
        lines.append(f'--header "Authorization: Bearer ${key_variable}"')
    lines.append("--data-binary @- <<'JSON'")
    command = " \\\n  ".join(lines)
    return f"{command}\n{_json(body)}\nJSON"


def _json(value: Any) -> str:
    """Return readable JSON that can be encoded: half a character is left escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _LONE_SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
