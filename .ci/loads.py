"""Load the installed extension into plain IPython; fails if that says or raises anything."""

from __future__ import annotations

import sys

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

shell = InteractiveShell.instance()
with capture_output() as said:
    result = shell.run_cell("%load_ext nbchat")
result.raise_error()
assert (said.stdout, said.stderr) == ("", ""), said
with capture_output() as said:
    shell.run_cell("%nbchat help").raise_error()
assert "%nbchat threads" in said.stdout, said.stdout
assert "/site-packages/" in sys.modules["nbchat"].__file__.replace("\\", "/")
