"""A Python function as a tool, and the tools that a prompt names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from nbchat.errors import ToolError, UsageError
from nbchat.messages import ToolSpec
from nbchat.prompt.evaluate import Namespaces, merged
from nbchat.tools import background
from nbchat.tools.names import named
from nbchat.tools.problems import problems
from nbchat.tools.result import ToolResult
from nbchat.tools.schema import NAME, Signature, describe, read_signature, whole

__all__ = ["Tool", "collect"]


@dataclass(frozen=True)
class Tool:
    """A function that a model may call.

    Attributes:
        function: a function, a bound method, or an object with ``__call__``.
        name: what the model calls it; at most 64 letters, digits, ``_`` and ``-``.

    >>> def add(a: int, b: int = 1) -> int:
    ...     "Add two numbers."
    ...     return a + b
    >>> tool = Tool.of(add)
    >>> tool.spec.parameters["required"], tool.run('{"a": "2"}').text
    (['a'], '3')
    """

    function: Callable[..., Any]
    name: str
    _signature: Signature = field(repr=False, compare=False)

    @classmethod
    def of(cls, function: object, name: str = "") -> Tool:
        """Return a function as a tool.

        ``name`` is what it is called where it has no name of its own: a lambda, an object.

        Raises:
            ToolError: it is nothing that can be called, or its arguments can't come from a model.
        """
        if isinstance(function, Tool):
            return function
        if isinstance(function, type) or not callable(function):
            what = f"the class {function.__name__}" if isinstance(function, type) else "it"
            raise ToolError(
                f"{name or function!r:.60} is no tool: {what} is not a function\n"
                "A tool is a function, a bound method, or an object with __call__."
            )
        own = _name_of(function, name)
        return cls(function, own, read_signature(function, own))

    @cached_property
    def spec(self) -> ToolSpec:
        """What the model is told; not strict, since parameters may be left out."""
        about, parameters = describe(self.function)
        schema = dict(self._signature.schema)
        properties = {name: dict(one) for name, one in schema.get("properties", {}).items()}
        for name, words in parameters.items():
            if name in properties:
                properties[name].setdefault("description", words)
        return ToolSpec(self.name, about, {**schema, "properties": properties})

    @property
    def is_async(self) -> bool:
        """Whether calling it gives something to be awaited."""
        function = whole(self.function)
        if not inspect.isroutine(function):
            function = type(function).__call__
        return inspect.iscoroutinefunction(function)

    def read(self, arguments: str) -> dict[str, Any]:
        """Return the arguments of a call, validated and in the types of the function.

        Raises:
            ToolError: they are no JSON, or do not fit; the text is for the model.
        """
        from pydantic import ValidationError

        try:
            return self._signature.adapter.validate_json(arguments.strip() or "{}")
        except ValidationError as error:
            lines = "\n".join(problems(error)[:20])
            raise ToolError(f"the arguments of {self.name} do not fit:\n{lines}") from error

    def call(self, values: Mapping[str, Any]) -> Any:
        """Call the function with the arguments that `read` gave, and return what it returns."""
        given = dict(values)
        placed = [given.pop(name) for name in self._signature.positional if name in given]
        if self._signature.rest:
            placed += given.pop(self._signature.rest, ())
        return self.function(*placed, **given)

    def run(self, arguments: str) -> ToolResult:
        """Run a call on this thread; what is to be awaited runs on the tools' own event loop.

        Nothing that the tool raises comes out but a `KeyboardInterrupt`: it is told the model.
        """
        try:
            value = self.call(self.read(arguments))
            if inspect.isawaitable(value):
                value = background.wait(value)
            return ToolResult.of(value)
        except ToolError as error:
            return ToolResult.failure(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the model is told
            return ToolResult.failure(error)

    async def arun(self, arguments: str) -> ToolResult:
        """Run a call in the running event loop, as `run` does."""
        try:
            value = self.call(self.read(arguments))
            if inspect.isawaitable(value):
                value = await value
            return ToolResult.of(value)
        except ToolError as error:
            return ToolResult.failure(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the model is told
            return ToolResult.failure(error)


def collect(refs: Iterable[object], namespaces: Namespaces = ()) -> dict[str, Tool]:
    """Return the tools of a prompt by their names.

    Args:
        refs: names of variables (``calc.add`` too), functions, or lists of them.
        namespaces: where names are looked up, the first one first.

    Raises:
        UsageError: a name is not defined, or two tools have the same name.
        ToolError: something is no tool.

    >>> import textwrap
    >>> list(collect(["textwrap.dedent", "now"], [{"textwrap": textwrap, "now": lambda: 1}]))
    ['dedent', 'now']
    """
    names = merged(namespaces)
    tools: dict[str, Tool] = {}
    for label, function in _functions(refs, names):
        tool = Tool.of(function, label)
        if tools.setdefault(tool.name, tool).function != tool.function:
            raise UsageError(f"--tool: two tools are called {tool.name}: rename one")
    return tools


def _functions(refs: Iterable[object], names: Mapping[str, Any]) -> Iterable[tuple[str, object]]:
    for ref in refs:
        label, value = "", ref
        if isinstance(ref, str):
            label, value = ref.rpartition(".")[2], named(ref, names, "--tool")
        if isinstance(value, (list, tuple, set, frozenset)):
            yield from _functions(value, names)
        else:
            yield label, value


def _name_of(function: object, label: str) -> str:
    holder = whole(function)
    own = getattr(holder, "__name__", "")
    if own == "<lambda>" or not isinstance(own, str):
        own = ""
    if isinstance(function, partial):  # its own variable tells it from the function
        own = label or own
    name = own or label or (type(holder).__name__ if not inspect.isroutine(holder) else "")
    name = "".join(one if NAME.fullmatch(one) else "_" for one in name)[:64]
    if not name:
        raise ToolError("a lambda has no name for the model: give it a variable, or use def")
    return name
