"""Everything that can go wrong, as a tree.

::

    NbchatError
     ├── UsageError               the magic line, an option's value, or a setting
     ├── ConfigurationError       no key, no provider, no embedded model
     ├── APIError                 the request or its answer
     │    ├── APIConnectionError  no connection, or it broke before an answer began
     │    │    └── APITimeoutError
     │    ├── APIStatusError      the server answered with an error status
     │    │    ├── BadRequestError            400
     │    │    ├── AuthenticationError        401
     │    │    ├── PermissionDeniedError      403
     │    │    ├── NotFoundError              404
     │    │    ├── ConflictError              409
     │    │    ├── UnprocessableEntityError   422
     │    │    ├── RateLimitError             429
     │    │    └── InternalServerError        5xx
     │    └── StreamError         the answer was cut off, malformed, or failed on its way
     ├── ToolError                a tool that could not be described or run
     └── FormatError              an answer that is not in the form that was asked for

    KeyboardInterrupt
     └── Interrupted              the user stopped the answer

`Interrupted` stands outside the tree, so that ``except Exception`` in a user's loop does not
swallow a stop. In a notebook every one of them shows as one to three lines and fails the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "ConflictError",
    "FormatError",
    "InternalServerError",
    "Interrupted",
    "NbchatError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "StreamError",
    "ToolError",
    "UnprocessableEntityError",
    "UsageError",
    "status_error",
]


class _Short(BaseException):
    """Shows as one to three lines in IPython, or with its stack if `show_stack` is set."""

    show_stack: bool = False

    @property
    def _render_traceback_(self) -> Callable[[], list[str]]:
        # IPython (7.34 to 9) asks an exception that has this method for its lines; without it,
        # it builds the whole traceback, which `%config NbChat.traceback = True` wants.
        if self.show_stack:
            raise AttributeError("_render_traceback_")
        return f"{type(self).__name__}: {self}".splitlines


class NbchatError(_Short, Exception):
    """The root of nbchat's errors.

    Its text has one to three lines: what failed, where, the provider's own words, what to do.

    >>> issubclass(UsageError, NbchatError), issubclass(Interrupted, NbchatError)
    (True, False)
    """


class UsageError(NbchatError):
    """The magic line, an argument or a setting is wrong; nothing was sent.

    >>> print(UsageError("--temperature takes a number from 0 to 2, not 3"))
    --temperature takes a number from 0 to 2, not 3
    """


class ConfigurationError(NbchatError):
    """No key, no provider or no embedded model; the text names the ways out.

    >>> print(ConfigurationError("OPENAI_API_KEY is not set"))
    OPENAI_API_KEY is not set
    """


class APIError(NbchatError):
    """A request failed.

    Attributes:
        provider: name of the provider, ``""`` if unknown.
        host: host (and port) that was asked, ``""`` if unknown.
        model: the model that was asked for, ``""`` if unknown.
        detail: the provider's own words, shortened to 500 characters.
        hint: what to do, one sentence, or ``""``.

    >>> print(APIError("It is busy.", host="api.example.com", model="m", hint="Try later."))
    the request failed (api.example.com, model m)
    It is busy.
    Try later.
    """

    def __init__(
        self,
        detail: str,
        *,
        provider: str = "",
        host: str = "",
        model: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.provider = provider
        self.host = host
        self.model = model
        self.hint = hint

    @property
    def what(self) -> str:
        """What failed, in a few words."""
        return "the request failed"

    def __str__(self) -> str:
        where = self.host or self.provider
        if self.model:
            where = f"{where}, model {self.model}" if where else f"model {self.model}"
        first = f"{self.what} ({where})" if where else self.what
        lines = [first, " ".join(self.detail.split()), " ".join(self.hint.split())]
        return "\n".join(line for line in lines if line)


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke before the answer began.

    >>> print(APIConnectionError("Connection refused.", host="localhost:8000"))
    no connection (localhost:8000)
    Connection refused.
    """

    @property
    def what(self) -> str:
        """What failed, in a few words."""
        return "no connection"


class APITimeoutError(APIConnectionError):
    """The server did not answer in time.

    >>> print(APITimeoutError("Nothing came in 600 s.", host="api.example.com"))
    timed out (api.example.com)
    Nothing came in 600 s.
    """

    @property
    def what(self) -> str:
        """What failed, in a few words."""
        return "timed out"


class APIStatusError(APIError):
    """The server answered with an error status.

    Attributes:
        status: the HTTP status.
        code: the provider's own code as text, ``""`` if it gave none.
        param: the field that the provider named, ``""`` if it named none.
        type: the provider's own kind of error, ``""`` if it gave none.
        request_id: the provider's id of the request, to quote to its support, ``""`` if none.
        body: the decoded body, for inspection.

    >>> print(APIStatusError("I am a teapot.", status=418, request_id="r1"))
    HTTP 418, request r1
    I am a teapot.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str = "",
        param: str = "",
        type: str = "",
        request_id: str = "",
        body: Any = None,
        provider: str = "",
        host: str = "",
        model: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(detail, provider=provider, host=host, model=model, hint=hint)
        self.status = status
        self.code = code
        self.param = param
        self.type = type
        self.request_id = request_id
        self.body = body

    @property
    def what(self) -> str:
        """What failed, in a few words."""
        marks = [f"HTTP {self.status}"]
        if self.code and self.code != str(self.status):
            marks.append(self.code)
        if self.request_id:
            marks.append(f"request {self.request_id}")
        return ", ".join(marks)


class BadRequestError(APIStatusError):
    """400: the server does not accept the request.

    >>> status_error(400).__name__
    'BadRequestError'
    """


class AuthenticationError(APIStatusError):
    """401: the key is missing, wrong or revoked.

    >>> status_error(401).__name__
    'AuthenticationError'
    """


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this, or the account has no credit.

    >>> status_error(403).__name__
    'PermissionDeniedError'
    """


class NotFoundError(APIStatusError):
    """404: no such model, response or path.

    >>> status_error(404).__name__
    'NotFoundError'
    """


class ConflictError(APIStatusError):
    """409: the request collides with another one.

    >>> status_error(409).__name__
    'ConflictError'
    """


class UnprocessableEntityError(APIStatusError):
    """422: the server does not accept a field of the request.

    >>> status_error(422).__name__
    'UnprocessableEntityError'
    """


class RateLimitError(APIStatusError):
    """429: too many requests, or the quota is used up.

    >>> status_error(429).__name__
    'RateLimitError'
    """


class InternalServerError(APIStatusError):
    """5xx: the server or its gateway failed.

    >>> status_error(503).__name__
    'InternalServerError'
    """


class StreamError(APIError):
    """The answer was cut off, malformed, or the server reported a failure within it.

    >>> print(StreamError("The connection was reset."))
    the answer broke off
    The connection was reset.
    """

    @property
    def what(self) -> str:
        """What failed, in a few words."""
        return "the answer broke off"


class ToolError(NbchatError):
    """A tool could not be described to the model or run.

    >>> print(ToolError("5 is no function"))
    5 is no function
    """


class FormatError(NbchatError):
    """The answer is not in the form that ``--json`` or ``--schema`` asked for.

    Attributes:
        text: the answer, as the model wrote it.
        problems: what does not fit and where, one line each.
        hint: what to do, one sentence, or ``""``.

    >>> error = FormatError("{}", ["x is missing", "y is missing"], name="Point")
    >>> print(error)
    the answer does not fit Point
    x is missing
    (and 1 more; its text is kept)
    """

    def __init__(
        self, text: str, problems: Sequence[str], *, name: str = "", hint: str = ""
    ) -> None:
        super().__init__(text)
        self.text = text
        self.problems = tuple(problems)
        self.name = name
        self.hint = hint

    def __str__(self) -> str:
        more = len(self.problems) - 1
        lines = [
            f"the answer does not fit {self.name}" if self.name else "the answer is not as asked",
            self.problems[0][:500] if self.problems else "",
            self.hint or (f"(and {more} more; its text is kept)" if more > 0 else ""),
        ]
        return "\n".join(line for line in lines if line)


class Interrupted(_Short, KeyboardInterrupt):
    """The user stopped the answer; what had arrived is kept.

    A `KeyboardInterrupt`, so that ``except Exception`` in a user's loop does not swallow it.

    >>> issubclass(Interrupted, KeyboardInterrupt), issubclass(Interrupted, Exception)
    (True, False)
    """


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(status: int) -> type[APIStatusError]:
    """Return the class for an HTTP status.

    >>> status_error(404).__name__, status_error(503).__name__, status_error(418).__name__
    ('NotFoundError', 'InternalServerError', 'APIStatusError')
    """
    if status >= 500:
        return InternalServerError
    return _BY_STATUS.get(status, APIStatusError)
