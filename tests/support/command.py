"""The command ``nbchat`` as it is installed, run as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path


def command() -> str:
    """Return the path of the installed command."""
    found = shutil.which("nbchat", path=sysconfig.get_path("scripts"))
    assert found, "nbchat is not installed in this environment"
    return found


def nbchat(
    *arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end; ``env`` goes on top of the environment."""
    return subprocess.run(
        [command(), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def hostile(folder: Path) -> dict[str, str]:
    """Return an environment that would lead another tool astray.

    It has keys of providers, a setting for each of nbchat's variables, a configuration file that
    names another provider, and a ``python3`` kernelspec that belongs to nobody.
    """
    spec = {"argv": ["/no/such/python", "{connection_file}"], "display_name": "x", "language": "x"}
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))
    profile = folder / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    (profile / "ipython_config.py").write_text(
        "c.NbChat.provider = 'openai'\nc.NbChat.model = 'gpt-of-the-file'\n"
    )
    return {
        "OPENAI_API_KEY": CANARY,
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "NBCHAT_PROVIDER": "openai",
        "NBCHAT_MODEL": "gpt-of-the-environment",
        "NBCHAT_API_KEY": CANARY,
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "JUPYTER_PATH": str(folder / "jupyter"),
        "IPYTHONDIR": str(folder / "ipython"),
    }


CANARY = "sk-canary-5e1f0c77"
