"""Functions of the notebook as tools of a model, and answers in a form that was asked for.

Nothing here sends anything: `Tool.spec` and `Structure.format` are what a request says of them,
`Round` runs the calls that an answer asks for, `Structure.validate` reads an answer.
"""

from __future__ import annotations

from nbchat.tools.approval import ask
from nbchat.tools.format import Structure, structure
from nbchat.tools.result import ToolResult
from nbchat.tools.run import Round
from nbchat.tools.tool import Tool, collect

__all__ = ["Round", "Structure", "Tool", "ToolResult", "ask", "collect", "structure"]
