"""Cells of both magics: run in a shell, answered by a scripted server, read in its requests."""

from __future__ import annotations

from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from tests.support.server import (
    ScriptedServer,
    Step,
    chat_json,
    chat_stream,
    error_answer,
    responses_json,
    responses_stream,
)

MAGICS = ("chat", "respond")


def run(shell: InteractiveShell, source: str) -> Any:
    """Run a cell and return its result; an error in it is raised."""
    done = shell.run_cell(source)
    done.raise_error()
    return done.result


# --- What the server says -------------------------------------------------------------------


def streamed(magic: str, *pieces: str) -> list[bytes]:
    """Return the answer of a magic's endpoint, as a stream of these pieces."""
    return chat_stream(*pieces) if magic == "chat" else responses_stream(*pieces)


def whole(magic: str, text: str) -> list[Step]:
    """Return the answer of a magic's endpoint, in one piece."""
    return chat_json(text) if magic == "chat" else responses_json(text)


def keeps_nothing(server: ScriptedServer, magic: str) -> None:
    """Answer the question whether the server keeps responses, which comes before they count."""
    if magic == "respond":
        server.script(*error_answer(404, "no such response"))


def script(server: ScriptedServer, magic: str, *answers: list[Any]) -> None:
    """Script the first answers that a session gets from a server that keeps no responses."""
    for number, answer in enumerate(answers):
        if number == 1:
            keeps_nothing(server, magic)
        server.script(*answer)


# --- What the server was sent ---------------------------------------------------------------


def bodies(server: ScriptedServer) -> list[dict[str, Any]]:
    """The bodies of the prompts."""
    return [exchange.json for exchange in server.exchanges if exchange.method == "POST"]


def said(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages (or items) of a request."""
    return list(body["messages"] if "messages" in body else body["input"])


def texts(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of each message of a request."""
    rows = []
    for item in said(body):
        content = item["content"]
        if not isinstance(content, str):
            content = "".join(part["text"] for part in content)
        rows.append((item["role"], content))
    return rows


def outputs(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Call id and output of each tool result in a request."""
    if "messages" in body:
        results = [item for item in said(body) if item["role"] == "tool"]
        return [(item["tool_call_id"], item["content"]) for item in results]
    items = [item for item in said(body) if item.get("type") == "function_call_output"]
    return [(item["call_id"], item["output"]) for item in items]


def parts(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and content of each part of the last message: text, image, file, file_url, audio.

    The content is the text, the URL or the name; of sound its format.
    """
    content = said(body)[-1]["content"]
    if isinstance(content, str):
        return [("text", content)]
    return [_of_chat(part) if "messages" in body else _of_responses(part) for part in content]


def _of_chat(part: dict[str, Any]) -> tuple[str, str]:
    match part:
        case {"type": "text", "text": text}:
            return "text", text
        case {"type": "image_url", "image_url": {"url": url}}:
            return "image", url
        case {"type": "input_audio", "input_audio": {"format": form}}:
            return "audio", form
        case {"type": "file", "file": {"filename": name}}:
            return "file", name
    raise AssertionError(f"this is no part of a chat message: {part}")


def _of_responses(part: dict[str, Any]) -> tuple[str, str]:
    match part:
        case {"type": "input_text", "text": text}:
            return "text", text
        case {"type": "input_image", "image_url": str(url)}:
            return "image", url
        case {"type": "input_file", "file_url": url}:
            return "file_url", url
        case {"type": "input_file", "filename": name}:
            return "file", name
    raise AssertionError(f"this is no part of a Responses message: {part}")
