"""The output items of a response: which one an event speaks of, and what a reader sees of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbchat.wire.values import mapping_of, objects_of, text_of

Value = Mapping[str, Any]


@dataclass(slots=True)
class Item:
    """One output item as far as it is known.

    Attributes:
        key: what the events call it.
        id: the server's, ``""`` if it gave none.
        kind: its type (``message``, ``function_call``, ``web_search_call``, …).
        position: its place in the output, in the server's or else in our count.
        added: the item as it was announced, empty if it never was.
        spoken: deltas of it were seen.
        done: it was seen whole.
        named: its id and name were told (calls only).
        shown: the last state that was told (hosted tools only).
        logprobs: log probabilities were told.
    """

    key: str
    id: str
    kind: str
    position: int
    added: Mapping[str, Any] = field(default_factory=dict)
    spoken: bool = False
    done: bool = False
    named: bool = False
    shown: tuple[str, str] = ("", "")
    logprobs: bool = False


class ItemTable:
    """The items of one response, found by id, by place, or as the last of their kind.

    Servers leave out the id, the place, or the announcement; some give an item another id in
    every event.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._by_id: dict[tuple[str, str], Item] = {}

    def add(self, value: Mapping[str, Any], place: Any) -> Item:
        """Return the item that is announced as ``value``."""
        kind = kind_of(value)
        item_id = text_of(value.get("id"))
        item = self._by_id.get((kind, item_id))
        if item is None or item.done:
            item = self._open(kind, item_id, place)
        item.added = value
        return item

    def find(self, kind: str, item_id: Any, place: Any) -> Item:
        """Return the item of that id or place; a new one if it was never announced."""
        item_id = text_of(item_id)
        item = self._by_id.get((kind, item_id))
        if item is not None:
            return item
        item = self._open_at(kind, place)
        # At the same place, another id is another name; without a place it is another item.
        if item is None or (item_id and item.id and not isinstance(place, int)):
            return self._open(kind, item_id, place)
        if item_id:
            self._by_id[kind, item_id] = item
        return item

    def of_output(self, output: Iterable[Mapping[str, Any]]) -> list[tuple[Item, Value]]:
        """Return the items of a complete output, each with its value, in order.

        An id that was never seen is the n-th item of its kind, if there is one.
        """
        counts: dict[str, int] = {}
        found = []
        for place, value in enumerate(output):
            kind = kind_of(value)
            nth = counts[kind] = counts.get(kind, -1) + 1
            item = self._by_id.get((kind, text_of(value.get("id"))))
            if item is None:
                alike = [item for item in self.items if item.kind == kind]
                item = alike[nth] if nth < len(alike) else self._open(kind, "", place)
            item.position = place
            found.append((item, value))
        return found

    def _open_at(self, kind: str, place: Any) -> Item | None:
        """Return the last item of that kind, and at that place if one is given, not yet done."""
        for item in reversed(self.items):
            at_place = not isinstance(place, int) or item.position == place
            if item.kind == kind and at_place and not item.done:
                return item
        return None

    def _open(self, kind: str, item_id: str, place: Any) -> Item:
        count = len(self.items)
        item = Item(
            key=f"{kind}.{count}",
            id=item_id,
            kind=kind,
            position=place if isinstance(place, int) else count,
        )
        self.items.append(item)
        if item_id:
            self._by_id[kind, item_id] = item
        return item


def kind_of(value: Mapping[str, Any]) -> str:
    """Return the type of an item; a message may lack it."""
    return text_of(value.get("type")) or "message"


def detail_of(item: Mapping[str, Any]) -> str:
    """Return what a reader wants to see of a hosted tool's item, one line, ``""`` if nothing.

    >>> detail_of({"type": "web_search_call", "action": {"type": "search", "query": "rain"}})
    'rain'
    """
    action = mapping_of(item.get("action"))
    for source in (action, item):
        for name in ("query", "url", "pattern"):
            if text := text_of(source.get(name)):
                return text
        for name in ("queries", "commands", "command"):
            words = source.get(name)
            if isinstance(words, list) and words:
                return ", ".join(word for word in words if isinstance(word, str))
    label = text_of(item.get("server_label"))
    name = text_of(item.get("name")) or text_of(action.get("type"))
    if label or name:
        return ".".join(part for part in (label, name) if part)
    return text_of(item.get("revised_prompt"))


def parts_of(item: Mapping[str, Any], name: str = "content") -> list[dict[str, Any]]:
    """Return the parts of an item's content; plain text counts as one part."""
    content = item.get(name)
    if isinstance(content, str):
        return [{"type": "output_text", "text": content}] if content else []
    return objects_of(content)
