"""Which tool call a fragment belongs to, whatever the server leaves out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbchat.messages import ToolCallDelta
from nbchat.wire.values import arguments_of, mapping_of, text_of

_KNOWN = frozenset({"index", "id", "type", "function", "custom", "name", "arguments"})


class _Call:
    """One call as far as it is known."""

    __slots__ = ("extra", "id", "key", "name", "pieces")

    def __init__(self, key: str) -> None:
        self.key = key
        self.id = ""
        self.name = ""
        self.pieces: list[str] = []
        self.extra: dict[str, Any] = {}

    @property
    def whole(self) -> bool:
        """Whether the arguments so far are a complete JSON object."""
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return False
        try:
            json.loads("".join(self.pieces))
        except ValueError:
            return False
        return True


class CallTable:
    """The tool calls of one choice.

    A fragment says by its ``index`` which call it continues; but servers leave the index out,
    say 0 for every call, or repeat the id and the name in each fragment. So: an id that is new,
    or a name where a call is complete, begins another call; all else continues.
    """

    def __init__(self, choice: int) -> None:
        self._choice = choice
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def read(self, fragment: Mapping[str, Any]) -> ToolCallDelta | None:
        """Return what one entry of ``tool_calls`` adds, ``None`` if nothing."""
        custom = fragment.get("type") == "custom" or isinstance(fragment.get("custom"), dict)
        body = mapping_of(fragment.get("custom" if custom else "function")) or fragment
        call_id = text_of(fragment.get("id"))
        name = text_of(body.get("name"))
        arguments = arguments_of(body.get("input" if custom else "arguments"))
        index = fragment.get("index")
        before = len(self._calls)
        call = self._find(index if isinstance(index, int) else None, call_id, name, arguments)
        new_id = call_id if call_id and not call.id else ""
        new_name = name if name and not call.name else ""
        extra = {
            key: value
            for key, value in fragment.items()
            if key not in _KNOWN and value is not None and call.extra.get(key) != value
        }
        call.id = call.id or call_id
        call.name = call.name or name
        call.extra.update(extra)
        if arguments:
            call.pieces.append(arguments)
        if not (new_id or new_name or arguments or extra or len(self._calls) > before):
            return None
        return ToolCallDelta(
            key=call.key,
            id=new_id,
            name=new_name,
            arguments=arguments,
            choice=self._choice,
            kind="custom" if custom else "function",
            extra=extra,
        )

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> _Call:
        """Return the call that a fragment continues, or a new one."""
        known = self._by_index.get(index) if index is not None else None
        if known is None and index is not None:
            return self._open(index)
        if index is None:
            if call_id and (same := self._with_id(call_id)):
                return same
            known = self._calls[-1] if self._calls else None
        if known is None or self._is_another(known, index, call_id, name, arguments):
            return self._open(index)
        return known

    def _is_another(
        self, call: _Call, index: int | None, call_id: str, name: str, arguments: str
    ) -> bool:
        """Whether a fragment begins a call although it points at ``call``."""
        if call_id and call.id:
            # A fresh id in every fragment of one call is also seen: then no name comes with it.
            return call_id != call.id and (bool(name) or index is None)
        if not name or not call.name:
            return False
        if name != call.name:
            return True
        return call.whole and (bool(arguments) or index is None)

    def _open(self, index: int | None) -> _Call:
        call = _Call(f"{self._choice}.{len(self._calls)}")
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _with_id(self, call_id: str) -> _Call | None:
        return next((call for call in self._calls if call.id == call_id), None)
