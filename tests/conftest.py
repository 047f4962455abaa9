"""What holds for all tests: nobody's keys and settings, a scripted server, the model's weights."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbchat.local import weights as store
from tests.support.server import ScriptedServer

_OWN = ("OPENAI_", "AIMLAPI_", "CLOUDFLARE_", "NBCHAT_", "JUPYTER", "IPYTHON")
_KEPT = (
    "NBCHAT_CACHE_DIR",
    "NBCHAT_REQUIRE_BROWSER",
    "NBCHAT_REQUIRE_SERVERS",
    "NBCHAT_BROWSER_PYTHON",
    "NBCHAT_PICTURES",
)
_FOLDERS = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


# Of the session, so that it holds for servers and kernels that serve many tests too.
@pytest.fixture(scope="session", autouse=True)
def _nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take the keys and settings of whoever runs the tests out of their sight."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(_OWN) and name not in _KEPT:
                patch.delenv(name)
        for name in _FOLDERS:
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        patch.setenv("JUPYTER_PLATFORM_DIRS", "1")
        # A proxy may be the way to the weights, but not to the servers of the tests.
        for name in ("NO_PROXY", "no_proxy"):
            others = [os.environ[name]] if os.environ.get(name) else []
            patch.setenv(name, ",".join([*others, "127.0.0.1", "localhost"]))
        yield


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A model server that says what the test tells it to."""
    with ScriptedServer() as server:
        yield server


@pytest.fixture(scope="session")
def weights() -> Path:
    """The embedded model's file, downloaded if this machine has not got it yet."""
    return store.fetch()
