"""`Conversation`: what the user calls a thread, a tree of `Turn`s with a current path."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

from nbchat.conversation.turn import Turn
from nbchat.conversation.turnstile import Turnstile
from nbchat.conversation.values import dump, to_json
from nbchat.errors import UsageError
from nbchat.messages import Audio, Message, Notice, Refusal, Text, TextDelta

_WORDS = (Text, Refusal, Audio)  # what a new wording takes the place of
_SHORTEST = 4  # digits of an abbreviated id


@dataclass(frozen=True)
class Placement:
    """Where a prompt goes in its thread, and what that sets aside.

    Attributes:
        parent: the turn that it follows, ``None`` at the start.
        replaced: how many answers of an earlier run of its cell it takes the place of; a prompt
            and its rounds of tools are one.
        aside: how many later turns leave the current path with them, counted alike.

    >>> Placement(None, replaced=1, aside=2).note
    "replaces this cell's earlier answer; 2 later turns set aside"
    """

    parent: Turn | None
    replaced: int = 0
    aside: int = 0

    @property
    def note(self) -> str:
        """What happened, for the line under the answer; ``""`` if it just follows."""
        if not self.replaced:
            return ""
        many = f"{self.replaced} earlier answers"
        said = f"replaces this cell's {'earlier answer' if self.replaced == 1 else many}"
        if self.aside:
            said += f"; {self.aside} later turn{'s' * (self.aside != 1)} set aside"
        return said


@dataclass(eq=False)
class Conversation:
    """A thread: its system message, its turns, and how it shows them to the model.

    ``head`` is the last turn of the current path; other paths hang in the tree below the turns
    that they share with it. Whoever adds a turn waits at ``answering`` for
    its turn, and leaves when the turn is settled.

    Attributes:
        turns: every turn, a parent before its children.
        hidden: ids of the turns that the model does not see.
        edits: by the id of a turn, the messages that the model sees in place of its own.
        undone: what `redo` goes back to: where `undo` stopped, and where it began.
        options: the options of its prompts that ask for nothing else, as plain values by name.

    >>> thread = Conversation("main")
    >>> turn = thread.open(Turn((Message.of("user", "hello"),), "chat"), parent=None)
    >>> [message.text for message in thread.history()]
    ['hello']
    >>> thread.discard(turn, back_to=None)
    >>> thread.history()
    []
    """

    name: str
    system: str = ""
    head: Turn | None = None
    turns: list[Turn] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    edits: dict[str, tuple[Message, ...]] = field(default_factory=dict)
    undone: list[tuple[Turn | None, Turn | None]] = field(default_factory=list, repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    created: float = field(default_factory=time.time)
    answering: Turnstile = field(default_factory=Turnstile, repr=False)

    # --- What the model sees ------------------------------------------------------------------

    def path(self) -> list[Turn]:
        """The turns from the first one to the head."""
        return [] if self.head is None else self.head.path()

    def history(self) -> list[Message]:
        """What the model sees of the current path, without the system message."""
        return [message for messages in self.context(self.head) for message in messages]

    def context(self, parent: Turn | None) -> list[tuple[Message, ...]]:
        """What the model sees before a prompt that follows ``parent``, turn by turn.

        ``None`` is the start of the thread. Hidden turns are left out.
        """
        return [self.messages(turn) for turn in self.shown(parent)]

    def shown(self, parent: Turn | None) -> list[Turn]:
        """The turns up to ``parent`` that the model sees."""
        path = [] if parent is None else parent.path()
        return [turn for turn in path if turn.id not in self.hidden]

    def messages(self, turn: Turn) -> tuple[Message, ...]:
        """The messages of a turn as this thread words them."""
        return self.edits.get(turn.id, turn.messages)

    def chained(self, parent: Turn | None, system: str) -> Turn | None:
        """The turn whose stored response holds all that a prompt after ``parent`` should see.

        There is none if the server was shown something else than the thread and ``system`` are
        now: a turn was hidden, edited or left out since, or the system message changed.
        """
        shown = self.shown(parent)
        if not shown:
            return None
        last = shown[-1]
        known = last.stored and last.answer.id and last.answer.status == "completed"
        if not known or last.id in self.edits or not last.saw:
            return None
        before = [message for turn in shown[:-1] for message in self.messages(turn)]
        return last if last.saw == _digest(system, [*before, *last.prompt]) else None

    # --- Turns come and go --------------------------------------------------------------------

    def place(self, cell: str, execution: str, *, append: bool = False) -> Placement:
        """Decide where the next prompt of a cell goes; nothing changes.

        The first prompt of a new run of a cell takes the place of the turns that its earlier run
        put on the current path, and the turns after them are set aside too. Later prompts of the
        run follow each other. A cell without a turn on the path appends: the kernel does not know
        the order of the document. So does a cell or a run without an id.

        Args:
            cell: the cell's id, ``""`` if the front end told none.
            execution: id of this run of the cell, see `Turn.execution`.
            append: go on after the head in any case.
        """
        running = any(turn.cell == cell and turn.execution == execution for turn in self.turns)
        if append or running or not (cell and execution):
            return Placement(self.head)
        path = self.path()
        own = [turn for turn in path if turn.cell == cell]
        if not own:
            return Placement(self.head)
        leaving, replaced = begins(path[path.index(own[0]) :]), begins(own)
        return Placement(own[0].parent, len(replaced), len(leaving) - len(replaced))

    def open(self, turn: Turn, parent: Turn | None) -> Turn:
        """Add ``turn`` after ``parent`` (``None``: as a new first turn) and make it the head."""
        turn.parent = parent
        if turn.endpoint == "responses" and turn.stored:
            before = [message for messages in self.context(parent) for message in messages]
            turn.saw = _digest(self.system, [*before, *turn.prompt])
        self.turns.append(turn)
        self.head = turn
        return turn

    def discard(self, turn: Turn, back_to: Turn | None) -> None:
        """Take out a turn that gave nothing; the head goes ``back_to`` what it was before."""
        self.turns.remove(turn)
        if self.head is turn:
            self.head = back_to

    def say(
        self, role: str, text: str, *, cell: str = "", execution: str = "", append: bool = False
    ) -> Turn:
        """Add a turn by hand, as an example for the model or in its place.

        It belongs to a cell as a prompt does: running the cell again replaces it.

        Raises:
            UsageError: the role is neither ``user`` nor ``assistant``, or there is no text.
        """
        if role not in ("user", "assistant"):
            raise UsageError(
                f"say takes user or assistant, not {role!r}; the system message is set by -s TEXT"
            )
        if not text.strip():
            raise UsageError("there is nothing to say: the text is empty")
        place = self.place(cell, execution, append=append)
        prompt = (Message.of("user", text),) if role == "user" else ()
        turn = Turn(prompt, "chat", cell=cell, execution=execution, by_hand=True, stored=False)
        if role == "assistant":
            turn.answer.apply(TextDelta(text))
        if place.note:
            turn.answer.apply(Notice(place.note))
        turn.answer.status = "completed"
        return self.open(turn, place.parent)

    # --- Moving in the tree -------------------------------------------------------------------

    def find(self, ref: str) -> Turn:
        """Return the turn whose id is, or begins with, ``ref``.

        Raises:
            UsageError: there is none, or more than one.
        """
        found = [turn for turn in self.turns if ref and turn.id.startswith(ref.lower())]
        if len(found) == 1:
            return found[0]
        what = f"{len(found)} turns" if found else "no turn"
        raise UsageError(
            f"{what} of the thread {self.name} {'have' if found else 'has'} an id that begins "
            f"with {ref!r}\n%nbchat tree shows them."
        )

    def short(self, turn: Turn) -> str:
        """Return the beginning of a turn's id that is enough for `find`."""
        return turn.id[: self.digits()]

    def digits(self) -> int:
        """How many digits tell all turns of the thread apart, 4 at least."""
        ids = sorted(turn.id for turn in self.turns)
        digits = _SHORTEST
        for one, other in pairwise(ids):
            while digits < len(one) and one[:digits] == other[:digits]:
                digits += 1
        return digits

    def undo(self, count: int = 1) -> list[Turn]:
        """Take the last ``count`` prompts off the path and return their first turns.

        Each goes with its tool calls, their results and the answer. They stay in the tree.

        Raises:
            UsageError: there are not that many.
        """
        begun = begins(self.path())
        if not 1 <= count <= len(begun):
            raise UsageError(
                f"can't undo {count} turn{'s' * (count != 1)}: the thread {self.name} has "
                f"{len(begun)} on its current path"
            )
        taken = begun[-count:]
        self._leave(taken[0].parent)
        return taken

    def new(self) -> None:
        """Start again: the next prompt begins a path of its own. `redo` returns to this one."""
        if self.head is not None:
            self._leave(None)

    def redo(self) -> Turn | None:
        """Take back the last `undo` or `new` and return the head.

        Raises:
            UsageError: there is nothing to take back, or the thread went on since.
        """
        if not self.undone or self.undone[-1][0] is not self.head:
            raise UsageError(f"nothing to redo in the thread {self.name}")
        self.head = self.undone.pop()[1]
        return self.head

    def goto(self, ref: str) -> Turn:
        """Make the turn that ``ref`` names the head; if it called tools, the last of its prompt.

        Raises:
            UsageError: no turn, or more than one, has an id that begins so.
        """
        self.head = self._answered(self.find(ref))
        self.undone.clear()
        return self.head

    def fork(self, name: str, at: str = "") -> Conversation:
        """Return a new thread that shares the path up to ``at``, else to the last settled turn.

        A prompt with tools is shared whole.

        Raises:
            UsageError: ``at`` names no turn, or one that is still being answered.
        """
        if at:
            head: Turn | None = self._answered(self.find(at))
        else:
            head = self.head
            while head is not None and not all(turn.settled for turn in self._unit(head)):
                head = self._unit(head)[0].parent
        turns = [] if head is None else head.path()
        if not all(turn.settled for turn in turns):
            raise UsageError(f"the turn {at} is still being answered")
        ids = {turn.id for turn in turns}
        edits = {key: edit for key, edit in self.edits.items() if key in ids}
        made = Conversation(name, self.system, head, turns, self.hidden & ids, edits)
        made.options = dict(self.options)
        return made

    def _leave(self, head: Turn | None) -> None:
        if self.undone and self.undone[-1][0] is not self.head:
            self.undone.clear()  # the thread went on since
        self.undone.append((head, self.head))
        self.head = head

    # --- What is left out or worded differently -----------------------------------------------

    def hide(self, ref: str) -> list[Turn]:
        """Leave a turn out of what the model sees, with the tool calls and results it goes with.

        Raises:
            UsageError: no turn, or more than one, has an id that begins so.
        """
        unit = self._unit(self.find(ref))
        self.hidden.update(turn.id for turn in unit)
        return unit

    def unhide(self, ref: str) -> list[Turn]:
        """Show a hidden turn to the model again.

        Raises:
            UsageError: no turn, or more than one, has an id that begins so.
        """
        unit = self._unit(self.find(ref))
        self.hidden.difference_update(turn.id for turn in unit)
        return unit

    def edit(self, ref: str, text: str, role: Literal["user", "assistant"] = "assistant") -> Turn:
        """Give the prompt or the answer of a turn another wording, for the model.

        Images, files and tool calls stay. The turn keeps what was really said; `unedit` returns
        to it.

        Raises:
            UsageError: ``ref`` names no single turn, or the text is empty.
        """
        turn = self.find(ref)
        if not text.strip():
            raise UsageError("the new text is empty; %nbchat hide leaves a turn out")
        messages = list(self.messages(turn))
        place = next((n for n in reversed(range(len(messages))) if messages[n].role == role), None)
        if place is not None:
            old = messages[place]
            rest = tuple(part for part in old.parts if not isinstance(part, _WORDS))
            messages[place] = replace(old, parts=(Text(text), *rest), items=())
        else:
            messages.insert(0 if role == "user" else len(messages), Message.of(role, text))
        self.edits[turn.id] = tuple(messages)
        return turn

    def unedit(self, ref: str) -> Turn:
        """Return to what was really said in a turn.

        Raises:
            UsageError: no turn, or more than one, has an id that begins so.
        """
        turn = self.find(ref)
        self.edits.pop(turn.id, None)
        return turn

    def _answered(self, turn: Turn) -> Turn:
        """The last turn of the prompt that ``turn`` belongs to, behind what its tools gave."""
        for later in self.turns:  # a parent comes before its children
            if later.continues and later.parent is turn:
                turn = later
        return turn

    def _unit(self, turn: Turn) -> list[Turn]:
        """The turns that must be sent together with ``turn``: calls and what the tools gave."""
        unit = begins([turn])
        for later in self.turns:  # a parent comes before its children
            if later.continues and later.parent in unit:
                unit.append(later)
        return unit


def _digest(system: str, messages: Sequence[Message]) -> str:
    said = to_json([system, *(dump(message) for message in messages)])
    return hashlib.blake2b(said.encode("utf-8"), digest_size=16).hexdigest()


def begins(turns: Iterable[Turn]) -> list[Turn]:
    """Return the turns that begin the prompts of these, each once.

    The other turns of a prompt give what its tools gave.
    """
    found: dict[Turn, None] = {}
    for turn in turns:
        while turn.continues and turn.parent is not None:
            turn = turn.parent
        found[turn] = None
    return list(found)


def children(turns: Iterable[Turn]) -> dict[Turn | None, list[Turn]]:
    """Return the turns by their parent, in the order in which they were made."""
    found: dict[Turn | None, list[Turn]] = {}
    for turn in turns:
        found.setdefault(turn.parent, []).append(turn)
    return found
