"""A Jupyter server of the tests' own: JupyterLab at ``/lab``, Notebook 7 at ``/notebooks``.

It knows nothing of the user's settings, keys and kernels, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import nbformat

from nbchat import local

START = 60.0  # seconds; a first start compiles hundreds of modules
END = 15.0

_SECRETS = ("OPENAI_", "AIMLAPI_", "CLOUDFLARE_", "NBCHAT_", "JUPYTER", "IPYTHON")
_QUIET = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
    "@jupyterlab/extensionmanager-extension/plugin": {"enabled": False},
    "@jupyterlab/statusbar-extension/plugin": {"visible": False},
}


def python() -> str:
    """Return the interpreter of server and kernels: ``NBCHAT_BROWSER_PYTHON``, or this one.

    It needs nbchat, JupyterLab and ipykernel; so that another release of JupyterLab can be tried.
    """
    return os.environ.get("NBCHAT_BROWSER_PYTHON", sys.executable)


class JupyterServer:
    """The server; runs while its ``with`` block lasts. Everything it writes is below ``folder``.

    Raises:
        RuntimeError: it ended, or did not answer within a minute; the message has its last words.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "notebooks"
        self._folder = folder
        self._token = secrets.token_hex(16)
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.origin = ""

    def __enter__(self) -> JupyterServer:
        self.root.mkdir(parents=True)
        settings = self._folder / "settings"
        for name, values in _QUIET.items():
            file = settings / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        command = [python(), "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"]
        command += ["--port=0", f"--ServerApp.root_dir={self.root}"]
        command += [f"--IdentityProvider.token={self._token}"]
        command += ["--LabApp.expose_app_in_browser=True", "--LabApp.news_url="]
        command += ["--JupyterNotebookApp.expose_app_in_browser=True"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._process is not None
        # A terminated server shuts its kernels down first.
        self._process.terminate()
        try:
            self._process.wait(END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _environment(self) -> dict[str, str]:
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
            "HOME": "home",
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_SECRETS)}
        kept |= {name: str(self._folder / place) for name, place in own.items()}
        # The weights are 98 MB: taken from where they are.
        return {**kept, "NBCHAT_CACHE_DIR": str(local.weights.cache_dir())}

    def _wait(self) -> None:
        assert self._process is not None
        runtime = self._folder / "runtime"
        given_up = time.monotonic() + START
        while time.monotonic() < given_up and self._process.poll() is None:
            # The file with the address is there a moment before the server listens.
            with contextlib.suppress(StopIteration, ValueError, urllib.error.URLError):
                info = json.loads(next(runtime.glob("jpserver-*.json")).read_text())
                self.origin = f"http://127.0.0.1:{info['port']}"
                self.api("api/status")
                return
            time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self._log.read_text()[-2000:]}")

    def address(self, path: str) -> str:
        """Return the URL of ``path`` on this server, with its token."""
        return f"{self.origin}/{path}?token={self._token}"

    def api(self, path: str, method: str = "GET") -> Any:
        """Call the server's REST interface and return what it answers."""
        header = {"Authorization": f"token {self._token}"}
        request = urllib.request.Request(f"{self.origin}/{path}", method=method, headers=header)
        with urllib.request.urlopen(request, timeout=END) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def write(self, name: str, *sources: str) -> None:
        """Write a notebook of code cells to ``name`` below `root`."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        spec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": spec})
        nbformat.write(notebook, self.root / name)

    def read(self, name: str) -> nbformat.NotebookNode:
        """Read a notebook as it is saved."""
        return nbformat.read(self.root / name, as_version=4)

    def copy_unsigned(self, name: str) -> str:
        """Copy a saved notebook as somebody else's, which Jupyter does not trust.

        Returns:
            The name of the copy.
        """
        # What Jupyter has signed is trusted as long as it stays the same.
        notebook = self.read(name)
        notebook.metadata["title"] = "somebody else's"
        nbformat.write(notebook, self.root / f"copy-of-{name}")
        return f"copy-of-{name}"

    def shut_down(self, name: str) -> None:
        """Shut down the kernel of the notebook ``name``."""
        for session in self.api("api/sessions"):
            if session["path"] == name:
                self.api(f"api/sessions/{session['id']}", "DELETE")
