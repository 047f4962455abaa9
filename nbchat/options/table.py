"""The table of all options: flags, meaning, type, range, and the endpoint that has them.

One row is one option of the magic line. The parser, the help page, the checks and the Python
interface are all driven by it, so that they cannot disagree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from nbchat.messages import Endpoint


__all__ = ["MAGIC", "TABLE", "Kind", "Option"]

Kind = Literal[
    "flag", "text", "number", "integer", "texts", "pairs", "fields", "object", "objects"
]

MAGIC: dict[Endpoint, str] = {"chat": "%%chat", "responses": "%%respond"}
"""The magic that speaks to an endpoint."""


@dataclass(frozen=True)
class Option:
    """One row of the table.

    Attributes:
        field: the name of the field in `nbchat.options.Options`.
        flags: what is written on the line, the short form first.
        kind: ``flag`` takes no value and sets ``const``; ``text``, ``number`` (of any kind) and
            ``integer`` take one; ``texts`` may be repeated; ``pairs`` is a repeated ``KEY=TEXT``,
            ``fields`` a repeated ``path.to.key=JSON``; ``object`` takes the name of a variable
            (or a path) or any value, ``objects`` repeatedly.
        help: one sentence on the meaning, with the unit.
        group: the heading under which the help page has it.
        metavar: what stands for the value in the help page.
        low: the smallest value allowed.
        above: the value must be larger than this.
        high: the largest value allowed.
        choices: the texts allowed; none means any.
        shape: a pattern that the whole text must match, and its meaning in words.
        most: how often a repeated option may come.
        longest: the longest text allowed, in characters.
        empty: whether ``""`` is a value.
        endpoint: the only endpoint that has it; ``None`` if both have.
        only: choices that one endpoint alone has.
        aliases: further flags, the API's own names, that the help page leaves out.
        const: what a ``flag`` sets, ``True`` if ``None``; for other kinds what the option means
            without a value, which then takes one only with ``=``.
    """

    field: str
    flags: tuple[str, ...]
    kind: Kind
    help: str
    group: str = "core"
    metavar: str = ""
    low: float | None = None
    above: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    shape: tuple[re.Pattern[str], str] | None = None
    most: int | None = None
    longest: int | None = None
    empty: bool = False
    endpoint: Endpoint | None = None
    only: tuple[tuple[str, Endpoint], ...] = ()
    aliases: tuple[str, ...] = ()
    const: bool | str | None = None

    @property
    def flag(self) -> str:
        """The long form, which messages name."""
        return self.flags[-1]

    @property
    def allowed(self) -> str:
        """The values allowed, in words.

        >>> [row.allowed for row in TABLE if row.field in ("top_p", "seed", "verbosity")]
        ['a number from 0 to 1', 'a whole number', 'low, medium or high']
        """
        if self.choices:
            words = _either(self.choices)
            return f"{words}, or {self.shape[1]}" if self.shape else words
        if self.shape is not None:
            return self.shape[1]
        if self.kind == "flag":
            return "true or false"
        if self.kind in ("number", "integer"):
            return ("a number" if self.kind == "number" else "a whole number") + self._range()
        if self.kind == "pairs":
            return f"at most {self.most} pairs KEY=TEXT (64 and {self.longest} characters)"
        if self.kind == "fields":
            return "path.to.key=VALUE"
        words = "a text" if self.empty else "a text that is not empty"
        if self.longest is not None:
            words = f"a text of 1 to {self.longest} characters"
        return words if self.most is None else f"{words}, at most {self.most} times"

    def _range(self) -> str:
        if self.above is not None:
            return f" above {self.above:g}"
        if self.low is None or abs(self.low) > 1e9:
            return ""
        if self.high is None:
            return f" of at least {self.low:g}"
        return f" from {self.low:g} to {self.high:g}"


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


_NAME = (re.compile(r"[^\W\d]\w*"), "a Python name")
_TOOL = (re.compile(r"[A-Za-z0-9_-]{1,64}"), "the name of a tool")

TABLE: tuple[Option, ...] = (
    Option(
        "provider",
        ("-p", "--provider"),
        "text",
        "Provider: openai, aimlapi, cloudflare, local, or one of the settings.",
        metavar="NAME",
    ),
    Option(
        "base_url",
        ("--base-url",),
        "text",
        "Any OpenAI-compatible server; it gets the key in NBCHAT_API_KEY, or none.",
        metavar="URL",
    ),
    Option("model", ("-m", "--model"), "text", "Model, in the provider's words.", metavar="NAME"),
    Option(
        "thread",
        ("-t", "--thread"),
        "text",
        "Thread to continue, or to open if it is new.",
        metavar="NAME",
    ),
    Option("new", ("--new",), "flag", "Start the thread again."),
    Option("once", ("--once",), "flag", "Neither read nor write a thread."),
    Option(
        "system",
        ("-s", "--system"),
        "text",
        'System message; @FILE reads a file, "" clears it. It stays with the thread.',
        metavar="TEXT",
        empty=True,
        aliases=("--instructions",),
    ),
    Option(
        "temperature",
        ("--temperature",),
        "number",
        "Randomness: 0 takes the likeliest token.",
        metavar="X",
        low=0,
        high=2,
    ),
    Option(
        "top_p",
        ("--top-p",),
        "number",
        "Share of the probability that tokens are drawn from.",
        metavar="X",
        low=0,
        high=1,
    ),
    Option(
        "max_tokens",
        ("--max-tokens",),
        "integer",
        "Longest answer, in tokens, reasoning included.",
        metavar="N",
        low=1,
        aliases=("--max-output-tokens", "--max-completion-tokens"),
    ),
    Option(
        "frequency_penalty",
        ("--frequency-penalty",),
        "number",
        "Makes tokens less likely the more often they came.",
        metavar="X",
        low=-2,
        high=2,
        endpoint="chat",
    ),
    Option(
        "presence_penalty",
        ("--presence-penalty",),
        "number",
        "Makes tokens less likely once they came.",
        metavar="X",
        low=-2,
        high=2,
        endpoint="chat",
    ),
    Option(
        "seed",
        ("--seed",),
        "integer",
        "Asks the server for the same answer again.",
        metavar="N",
        low=-(2**63),
        high=2**63 - 1,
        endpoint="chat",
    ),
    Option(
        "stop",
        ("--stop",),
        "texts",
        "Text that ends the answer; may be repeated.",
        metavar="TEXT",
        most=4,
        endpoint="chat",
    ),
    Option(
        "stream",
        ("--no-stream",),
        "flag",
        "Take the answer in one piece.",
        const=False,
    ),
    Option(
        "timeout",
        ("--timeout",),
        "number",
        "Longest wait for the next part of the answer, in seconds.",
        metavar="S",
        above=0,
    ),
    Option(
        "set",
        ("--set",),
        "fields",
        "Any other field of the request: VALUE is JSON, else text; null leaves the field out. "
        "May be repeated.",
        metavar="PATH=VALUE",
    ),
    Option(
        "out",
        ("-o", "--out"),
        "text",
        "Variable that gets the reply.",
        metavar="NAME",
        shape=_NAME,
    ),
    Option("dry_run", ("--dry-run",), "flag", "Show the request, its key masked; send nothing."),
    # --- wire
    Option(
        "n",
        ("-n", "--choices"),
        "integer",
        "Number of answers; each is billed.",
        "wire",
        metavar="N",
        low=1,
        high=128,
        endpoint="chat",
        aliases=("--n",),
    ),
    Option(
        "logprobs",
        ("--logprobs",),
        "integer",
        "Log probabilities, with the K likeliest alternatives of each token.",
        "wire",
        metavar="K",
        low=0,
        high=20,
        aliases=("--top-logprobs",),
    ),
    Option(
        "effort",
        ("--effort",),
        "text",
        "How much a reasoning model thinks.",
        "wire",
        metavar="LEVEL",
        choices=("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        aliases=("--reasoning-effort",),
    ),
    Option(
        "reasoning_summary",
        ("--reasoning-summary",),
        "text",
        "Summary of the reasoning.",
        "wire",
        metavar="KIND",
        choices=("auto", "concise", "detailed"),
        endpoint="responses",
    ),
    Option(
        "verbosity",
        ("--verbosity",),
        "text",
        "Length of the answer.",
        "wire",
        metavar="LEVEL",
        choices=("low", "medium", "high"),
    ),
    Option(
        "tool_choice",
        ("--tool-choice",),
        "text",
        "Whether tools are called, or which one.",
        "wire",
        metavar="CHOICE",
        choices=("none", "auto", "required"),
        shape=_TOOL,
    ),
    Option(
        "parallel_tools",
        ("--no-parallel-tools",),
        "flag",
        "At most one tool call at a time.",
        "wire",
        aliases=("--no-parallel-tool-calls",),
        const=False,
    ),
    Option("store", ("--store",), "flag", "The server keeps the answer.", "wire"),
    Option(
        "store",
        ("--no-store",),
        "flag",
        "The server does not keep the answer.",
        "wire",
        const=False,
    ),
    Option(
        "previous",
        ("--previous",),
        "text",
        "Id of a stored response to continue, in place of the thread's last.",
        "wire",
        metavar="ID",
        endpoint="responses",
        aliases=("--previous-response-id",),
    ),
    Option(
        "truncation",
        ("--truncation",),
        "text",
        "auto leaves out old turns when the thread is too long for the model.",
        "wire",
        metavar="HOW",
        choices=("auto", "disabled"),
    ),
    Option(
        "metadata",
        ("--metadata",),
        "pairs",
        "Kept with a stored answer; may be repeated.",
        "wire",
        metavar="KEY=TEXT",
        most=16,
        longest=512,
    ),
    Option("user", ("--user",), "text", "Your end user's id.", "wire", metavar="ID"),
    Option(
        "service_tier",
        ("--service-tier",),
        "text",
        "Speed and price class; ultrafast is %%respond's alone.",
        "wire",
        metavar="TIER",
        choices=("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"),
        only=(("ultrafast", "responses"),),
    ),
    Option(
        "prompt_cache_key",
        ("--prompt-cache-key",),
        "text",
        "Requests with the same key share the server's cache.",
        "wire",
        metavar="KEY",
    ),
    Option(
        "safety_identifier",
        ("--safety-identifier",),
        "text",
        "Stable id of an end user, without personal data.",
        "wire",
        metavar="ID",
        longest=128,
    ),
    Option(
        "include",
        ("--include",),
        "texts",
        "Further parts of the response; may be repeated.",
        "wire",
        metavar="PART",
        choices=(
            "file_search_call.results",
            "web_search_call.results",
            "web_search_call.action.sources",
            "message.input_image.image_url",
            "computer_call_output.output.image_url",
            "code_interpreter_call.outputs",
            "reasoning.encrypted_content",
            "message.output_text.logprobs",
        ),
        endpoint="responses",
    ),
    Option(
        "curl", ("--curl",), "flag", "Show the request as a curl command; send nothing.", "wire"
    ),
    Option(
        "bg",
        ("--bg",),
        "flag",
        "Return at once and stream the answer while other cells run.",
        "display",
    ),
    Option(
        "append",
        ("--append",),
        "flag",
        "Go on after the last turn, also where this cell asked before.",
        "thread",
    ),
    Option(
        "image",
        ("--image",),
        "objects",
        "Image for the model: a variable, a path or a URL; may be repeated.",
        "prompt",
        "REF",
    ),
    Option(
        "file",
        ("--file",),
        "objects",
        "File for the model: a variable, a path or a URL; may be repeated.",
        "prompt",
        "REF",
    ),
    Option(
        "audio",
        ("--audio",),
        "objects",
        "Sound for the model, wav or mp3: a variable or a path; may be repeated.",
        "prompt",
        "REF",
        endpoint="chat",
    ),
    Option(
        "literal", ("--literal",), "flag", "Send {{ … }} in the prompt as it stands.", "prompt"
    ),
    Option("json", ("--json",), "flag", "The answer is JSON; the reply has it parsed.", "prompt"),
    Option(
        "schema",
        ("--schema",),
        "object",
        "The answer fits a type or a JSON schema of the notebook; the reply has the object.",
        "prompt",
        "NAME",
    ),
    Option(
        "code",
        ("--code",),
        "text",
        "Put the answer's code into a new cell below: all blocks, or block N with --code=N.",
        "prompt",
        "N",
        shape=(re.compile(r"all|[1-9]\d*"), "the number of a block"),
        const="all",
    ),
    Option(
        "tool",
        ("--tool",),
        "objects",
        "Function of the notebook that the model may call; may be repeated.",
        "tools",
        "NAME",
    ),
    Option(
        "parallel",
        ("--parallel",),
        "flag",
        "Run the calls of one answer beside each other, each on a thread of its own.",
        "tools",
    ),
    Option(
        "max_rounds",
        ("--max-rounds",),
        "integer",
        "How often the model may go on with what tools gave; 8 if not said.",
        "tools",
        "N",
        low=1,
    ),
    Option("approve", ("--approve",), "flag", "Ask before each call.", "tools"),
    Option(
        "web",
        ("--web",),
        "text",
        "The provider may search the web: how much, medium if not said.",
        "tools",
        "HOW",
        choices=("low", "medium", "high"),
        const="medium",
    ),
)
