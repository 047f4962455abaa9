"""``%nbchat`` on servers: which there are, their models, their keys."""

from __future__ import annotations

import getpass

from nbchat.commands import Context, Words, columns, command
from nbchat.errors import APIStatusError, ConfigurationError, NbchatError
from nbchat.options import Options
from nbchat.providers import LOCAL, Provider, Secret, key_variable, provider_names
from nbchat.session import Session

# Answers of servers that have no such address.
_NO_LIST = (404, 405, 501)


@command("providers", "List the providers, which have a key, and which is chosen.")
def providers(context: Context, words: Words) -> str:
    """Return a line for each provider that nbchat or the settings know."""
    session = context.session
    try:
        chosen = session.provider(session.defaults()).name
    except NbchatError:
        chosen = ""
    names = provider_names(session.settings)
    if chosen and chosen not in names:
        names.append(chosen)  # a bare base URL
    rows: list[tuple[str, ...]] = []
    for name in names:
        mark = "*" if name == chosen else " "
        try:
            options = session.defaults() if name == chosen else Options(provider=name)
            found = session.provider(options)
        except ConfigurationError as error:
            rows.append((mark, name, "", "", str(error).splitlines()[0].rpartition(": ")[2]))
            continue
        address = found.base_url or "in this machine"
        key = found.key_source or ("needs no key" if name == LOCAL else "no key")
        rows.append((mark, name, address, found.model or "(none named)", key))
    return columns(rows)


@command("models [PROVIDER]", "List the models that the server says it has.")
def models(context: Context, words: Words) -> str:
    """Ask the server for its models, once in a kernel."""
    session = context.session
    provider = session.provider(Options(provider=words[0]) if words else session.defaults())
    try:
        names = known_models(session, provider)
    except APIStatusError as error:
        if error.status not in _NO_LIST:
            raise
        return no_list(provider, error)
    if not names:
        return f"{provider.name} says that it has no models"
    return "\n".join(f"{'*' if name == provider.model else ' '} {name}" for name in sorted(names))


@command("key PROVIDER", "Type a provider's key: it is not shown, and stays in memory.")
def key(context: Context, words: Words) -> str:
    """Ask for a key with a hidden prompt."""
    session = context.session
    variable = key_variable(session.settings, words[0])
    try:
        typed = getpass.getpass(f"Key of {words[0]} ({variable}): ")
    except (EOFError, OSError, RuntimeError) as error:
        # ipykernel's StdinNotImplementedError is a RuntimeError.
        raise ConfigurationError(
            f"a key can't be typed here, for there is no input; set {variable} instead"
        ) from error
    if not typed.strip():
        return "nothing was typed; nothing changed"
    session.keys.remember(variable, Secret(typed.strip()))
    return f"the key of {words[0]} is kept in this kernel's memory"


def known_models(session: Session, provider: Provider) -> list[str]:
    """Return the names of a provider's models; the embedded one has its own alone.

    Raises:
        APIError: the server does not say.
    """
    return [provider.model] if provider.name == LOCAL else session.models(provider)


def no_list(provider: Provider, error: APIStatusError) -> str:
    """Return in words that a server does not list its models."""
    return (
        f"{provider.name} does not list its models (GET {provider.base_url}/models gives HTTP "
        f"{error.status}): see its documents, and name one with -m"
    )
