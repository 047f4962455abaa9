"""Real kernels, and what their messages say."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import zmq
from jupyter_client.manager import KernelManager

from tests.support.server import ScriptedServer

Messages = list[dict[str, Any]]


@contextlib.contextmanager
def kernel_manager(*options: str, python: str = sys.executable) -> Iterator[KernelManager]:
    """A manager whose kernel is ``python`` (default: this one), whatever kernelspecs there are."""
    context = zmq.Context()
    manager = KernelManager(kernel_name="python3", context=context)
    launcher = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = [*launcher, *options]
    try:
        yield manager
    finally:
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
        manager.cleanup_resources()
        context.destroy(linger=0)


class Kernel:
    """A kernel with its client, for what nbclient can't do: cell ids, interrupts, messages."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self.client = manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self._subshell = ""

    def send(self, source: str, cell_id: str | None = None) -> str:
        """Send a cell as JupyterLab does, and return the id of the request."""
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            # ipykernel 6 would throw away what comes just after an error.
            "stop_on_error": False,
        }
        metadata = {} if cell_id is None else {"cellId": cell_id}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def messages(self, request: str) -> Iterator[dict[str, Any]]:
        """The messages of a request on the iopub channel, until the kernel is idle again."""
        while True:
            message = self.client.get_iopub_msg(timeout=120)
            if message["parent_header"].get("msg_id") != request:
                continue
            yield message
            content = message["content"]
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return

    def run(self, source: str, cell_id: str | None = None) -> Messages:
        """Run a cell and return its messages."""
        return list(self.messages(self.send(source, cell_id)))

    def until_shown(self, request: str, text: str) -> Messages:
        """Return the messages of a request up to where a widget or standard output has a text."""
        messages = []
        for message in self.messages(request):
            messages.append(message)
            shows = message["msg_type"].startswith(("comm_", "stream"))
            if shows and text in str(message["content"]):
                return messages
        raise AssertionError(f"{text!r} was not shown")

    def subshell(self) -> str:
        """Return the id of the subshell that JupyterLab 4.4 and newer have the kernel make."""
        if not self._subshell:
            control = self.client.control_channel
            control.send(self.client.session.msg("create_subshell_request", {}))
            made = control.get_msg(timeout=60)["content"]
            assert made["status"] == "ok"
            self._subshell = str(made["subshell_id"])
        return self._subshell

    def click(self, button: str, *, subshell: bool = True) -> None:
        """Click a button, by its comm's id, as JupyterLab does: over the subshell, if it can."""
        data = {"method": "custom", "content": {"event": "click"}}
        message = self.client.session.msg("comm_msg", {"comm_id": button, "data": data})
        if subshell:
            message["header"]["subshell_id"] = self.subshell()
        self.client.shell_channel.send(message)

    def reply(self, request: str) -> dict[str, Any]:
        """The reply on the shell channel."""
        while True:
            message = self.client.get_shell_msg(timeout=120)
            if message["parent_header"].get("msg_id") == request:
                return dict(message["content"])


@contextlib.contextmanager
def running_kernel(
    environment: Mapping[str, str], folder: Path, *, python: str = sys.executable
) -> Iterator[Kernel]:
    """A kernel of ``python`` that runs in a folder, with nbchat loaded."""
    with kernel_manager(python=python) as manager:
        manager.start_kernel(env=dict(environment), cwd=str(folder))
        kernel = Kernel(manager)
        kernel.run("%load_ext nbchat")
        try:
            yield kernel
        finally:
            kernel.client.stop_channels()


def ipykernel_version(kernel: Kernel) -> tuple[int, ...]:
    """The first two numbers of the kernel's release."""
    said = printed(kernel.run("import ipykernel; print(*ipykernel.version_info[:2])"))
    return tuple(map(int, said.split()))


def at(server: ScriptedServer, *options: str) -> str:
    """The first line of a cell that asks a server."""
    return " ".join(["%%chat", f"--base-url {server.base_url} -m m", *options])


def printed(messages: Iterable[Mapping[str, Any]]) -> str:
    """What a cell printed."""
    return "".join(m["content"]["text"] for m in messages if m["msg_type"] == "stream")


def displays(messages: Iterable[Mapping[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """What a cell displayed: kind and content of each message."""
    kinds = ("display_data", "update_display_data")
    return [(m["msg_type"], m["content"]) for m in messages if m["msg_type"] in kinds]
