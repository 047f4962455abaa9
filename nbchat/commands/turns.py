"""``%nbchat`` on turns: what the model sees, leave out, word differently, add by hand."""

from __future__ import annotations

from nbchat import view
from nbchat.commands import Context, Words, command, named, several
from nbchat.conversation import begins
from nbchat.conversation.window import estimate
from nbchat.errors import NbchatError, UsageError
from nbchat.local.server import CONTEXT
from nbchat.messages import Audio, File, Image, Message
from nbchat.pricing import context_window
from nbchat.providers import LOCAL, Provider
from nbchat.session.defaults import lent

_ROLE = 11  # columns; the lines of a message stand below each other


@command("context [THREAD]", "Print the messages that the next prompt would send before its own.")
def context_(context: Context, words: Words) -> str:
    """Return the messages with an estimate of their tokens."""
    session = context.session
    thread = context.thread(*words)
    messages = [Message.of("system", thread.system)] if thread.system else []
    messages += thread.history()
    lines = [_line(message) for message in messages] or ["nothing: the next prompt is the first"]
    left_out = len(begins(turn for turn in thread.path() if turn.id in thread.hidden))
    if left_out:
        lines.append(f"({several(left_out, 'hidden turn')} left out)")
    tokens = estimate(messages)
    try:
        provider = session.provider(lent(thread))
    except NbchatError:
        provider = None  # the messages are the same without one
    lines += ["", f"≈{tokens} tokens{_of_window(provider)}"]
    known = thread.chained(thread.head, thread.system)
    if known is not None and provider is not None and known.base_url == provider.base_url:
        lines.append(
            f"%%respond sends the id of the last response instead: {provider.name} knows the rest"
        )
    return "\n".join(lines)


@command("say user|assistant TEXT", "Add a turn by hand, as an example for the model.")
def say(context: Context, words: Words) -> str:
    """Add a turn without asking a model."""
    thread = context.idle_thread()
    cell, execution = view.cell_ids(context.shell)
    append = context.session.settings.rerun == "append"
    turn = thread.say(words[0], words.text(1), cell=cell, execution=execution, append=append)
    context.session.keep(thread)
    notes = "; ".join(turn.answer.notices)
    return f"added {named(thread, turn)}" + (f"\n{notes}" if notes else "")


@command("edit TURN user|assistant TEXT", "Word a turn's prompt or answer differently.")
def edit(context: Context, words: Words) -> str:
    """Change what the model sees of a turn."""
    thread = context.idle_thread()
    role = words[1]
    if role == "user":
        turn = thread.edit(words[0], words.text(2), "user")
    elif role == "assistant":
        turn = thread.edit(words[0], words.text(2), "assistant")
    else:
        raise UsageError(f"edit takes TURN, then user or assistant, then the text; not {role!r}")
    context.session.keep(thread)
    short = thread.short(turn)
    return f"the model sees {named(thread, turn)}\n%nbchat unedit {short} takes that back"


@command("unedit TURN", "Return to what was really said in a turn.")
def unedit(context: Context, words: Words) -> str:
    """Take an edit back."""
    thread = context.session.thread()
    turn = thread.unedit(words[0])
    context.session.keep(thread)
    return f"the model sees {named(thread, turn)}"


@command("hide TURN ...", "Leave turns out of what the model sees.")
def hide(context: Context, words: Words) -> str:
    """Hide turns, each with the tool calls and results that it goes with."""
    thread = context.session.thread()
    for ref in words:
        thread.find(ref)  # all or none
    turns = [turn for ref in words for turn in thread.hide(ref)]
    context.session.keep(thread)
    return "\n".join(f"hidden: {named(thread, turn)}" for turn in dict.fromkeys(turns))


@command("unhide TURN ...", "Show hidden turns to the model again.")
def unhide(context: Context, words: Words) -> str:
    """Take `hide` back."""
    thread = context.session.thread()
    for ref in words:
        thread.find(ref)
    turns = [turn for ref in words for turn in thread.unhide(ref)]
    context.session.keep(thread)
    return "\n".join(f"seen again: {named(thread, turn)}" for turn in dict.fromkeys(turns))


def _line(message: Message) -> str:
    said = message.text
    parts = [said.replace("\n", f"\n{' ' * _ROLE}")] if said else []
    for part in message.parts:
        if isinstance(part, Image):
            parts.append(f"[image{'' if part.url.startswith('data:') else f' {part.url}'}]")
        elif isinstance(part, File):
            parts.append(f"[file {part.filename or part.file_id or part.url}]")
        elif isinstance(part, Audio):
            parts.append(f"[{part.format} sound] {part.transcript}".rstrip())
    parts += [f"[calls {call.name}({call.arguments})]" for call in message.tool_calls]
    return f"{message.role + ':':<{_ROLE}}{' '.join(parts)}".rstrip()


def _of_window(provider: Provider | None) -> str:
    if provider is None:
        return ""
    if provider.name == LOCAL:
        return f" of {CONTEXT}"
    window = context_window(provider.model, provider.base_url)
    if window is None:
        return f"; the window of {provider.model or 'the model'} is not known"
    return f" of {window} that {provider.model} is listed with"
