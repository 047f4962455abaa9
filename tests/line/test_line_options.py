"""The options of the magic line: how they are written, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbchat.errors import UsageError
from nbchat.line import HelpRequested, parse
from nbchat.messages import Endpoint
from nbchat.options import TABLE, Options


def options(line: str, endpoint: Endpoint = "chat", **names: Any) -> Options:
    found, prompt = parse(f"{line} the prompt", None, endpoint, namespaces=[names])
    assert prompt == "the prompt"
    return found


def refusal(line: str, endpoint: Endpoint = "chat", **names: Any) -> str:
    with pytest.raises(UsageError) as caught:
        parse(line, None, endpoint, namespaces=[names])
    text = str(caught.value)
    assert 0 < len(text.splitlines()) <= 3
    return text


CHAT = [
    ("-p openai", Options(provider="openai")),
    ("--provider=openai", Options(provider="openai")),
    ("--base-url http://h:1/v1", Options(base_url="http://h:1/v1")),
    ("-m openai/gpt-5-1", Options(model="openai/gpt-5-1")),
    ("-m=x", Options(model="x")),
    ("--model x -m y", Options(model="y")),
    ("-t poems", Options(thread="poems")),
    ("--new", Options(new=True)),
    ("--once", Options(once=True)),
    ('-s "be brief"', Options(system="be brief")),
    ("--system ''", Options(system="")),
    ('-s=""', Options(system="")),
    ("--instructions brief", Options(system="brief")),
    ("--temperature 0", Options(temperature=0.0)),
    ("--temperature 2", Options(temperature=2.0)),
    ("--top-p .5", Options(top_p=0.5)),
    ("--max-tokens 7", Options(max_tokens=7)),
    ("--max-output-tokens 7", Options(max_tokens=7)),
    ("--max-completion-tokens 7", Options(max_tokens=7)),
    ("--frequency-penalty -2", Options(frequency_penalty=-2.0)),
    ("--presence-penalty -.5", Options(presence_penalty=-0.5)),
    ("--seed -1", Options(seed=-1)),
    ("--stop END --stop '\n'", Options(stop=("END", "\n"))),
    ("--no-stream", Options(stream=False)),
    ("--timeout 2.5", Options(timeout=2.5)),
    ("-o reply", Options(out="reply")),
    ("--dry-run", Options(dry_run=True)),
    ("-n 3", Options(n=3)),
    ("--choices 3", Options(n=3)),
    ("--n 3", Options(n=3)),
    ("--logprobs 0", Options(logprobs=0)),
    ("--top-logprobs 20", Options(logprobs=20)),
    ("--effort xhigh", Options(effort="xhigh")),
    ("--reasoning-effort none", Options(effort="none")),
    ("--verbosity low", Options(verbosity="low")),
    ("--tool-choice required", Options(tool_choice="required")),
    ("--tool-choice get_weather", Options(tool_choice="get_weather")),
    ("--no-parallel-tools", Options(parallel_tools=False)),
    ("--store", Options(store=True)),
    ("--no-store", Options(store=False)),
    ("--truncation auto", Options(truncation="auto")),
    ("--metadata run=7 --metadata who='me too'", Options(metadata={"run": "7", "who": "me too"})),
    ("--metadata 'who=me too'", Options(metadata={"who": "me too"})),
    ("--user u", Options(user="u")),
    ("--service-tier flex", Options(service_tier="flex")),
    ("--prompt-cache-key k", Options(prompt_cache_key="k")),
    ("--safety-identifier id", Options(safety_identifier="id")),
    ("--curl", Options(curl=True)),
    ("--bg", Options(bg=True)),
    ("--append", Options(append=True)),
    ("--image a.png --image fig", Options(image=("a.png", "fig"))),
    ("--file a.pdf", Options(file=("a.pdf",))),
    ("--audio a.wav", Options(audio=("a.wav",))),
    ("--literal", Options(literal=True)),
    ("--json", Options(json=True)),
    ("--schema Point", Options(schema="Point")),
    ("--code", Options(code="all")),
    ("--code=2", Options(code="2")),
    ("--tool add --tool calc.sub", Options(tool=("add", "calc.sub"))),
    ("--parallel", Options(parallel=True)),
    ("--max-rounds 3", Options(max_rounds=3)),
    ("--approve", Options(approve=True)),
    ("--web", Options(web="medium")),
    ("--web=high", Options(web="high")),
    ("-m x --temperature 1 --new", Options(model="x", temperature=1.0, new=True)),
]

RESPONSES = [
    ("--max-tokens 7", Options(max_tokens=7)),
    ("--reasoning-summary auto", Options(reasoning_summary="auto")),
    ("--previous resp_1", Options(previous="resp_1")),
    ("--previous-response-id resp_1", Options(previous="resp_1")),
    ("--service-tier ultrafast", Options(service_tier="ultrafast")),
    (
        "--include reasoning.encrypted_content --include code_interpreter_call.outputs",
        Options(include=("reasoning.encrypted_content", "code_interpreter_call.outputs")),
    ),
]


@pytest.mark.parametrize(("line", "expected"), CHAT)
def test_chat(line: str, expected: Options) -> None:
    assert options(line) == expected


@pytest.mark.parametrize(("line", "expected"), RESPONSES)
def test_responses(line: str, expected: Options) -> None:
    assert options(line, "responses") == expected


def test_every_flag_of_the_table_is_tried_above() -> None:
    tried = " ".join(line for line, _ in CHAT + RESPONSES)
    flags = {flag for option in TABLE for flag in (*option.flags, *option.aliases)}
    missing = {flag for flag in flags if flag not in tried}
    assert missing <= {"--set", "--out", "--thread", "--no-parallel-tool-calls"}


QUOTING = [
    (r"-s be\ brief", "be brief"),
    (r"-s C:\Users", r"C:\Users"),
    (r'-s "C:\Users\new"', r"C:\Users\new"),
    (r"-s \\server", r"\server"),
    (r'-s "say \"hi\""', 'say "hi"'),
    (r"-s 'it\'s'", "it's"),
    ('-s "it\'s"', "it's"),
    ("-s it's", "it's"),
    ('-s 5"', '5"'),
    (r"-s \"quoted\"", '"quoted"'),
    (r"-s a\nb", r"a\nb"),
    ("-s a=b=c", "a=b=c"),
    ("-s='--new'", "--new"),
    ("-s=--new", "--new"),
    ("-s '--new'", "--new"),
    ("-s -5", "-5"),
    ("-s {x: 1}".replace(" 1", "1"), "{x:1}"),
    ("-s '$name'", "$name"),
    ("-s $5", "$5"),
    ("-s {not.a-name}", "{not.a-name}"),
    ("-s\tbrief", "brief"),
    ("-s   brief", "brief"),
    ("-s 'two\nlines'", "two\nlines"),
]


@pytest.mark.parametrize(("line", "expected"), QUOTING)
def test_quotes_group_and_a_backslash_escapes_three_things(line: str, expected: str) -> None:
    assert options(line).system == expected


SET = [
    ("a=1", {"a": 1}),
    ("a=1.5", {"a": 1.5}),
    ("a=-1", {"a": -1}),
    ("a=true", {"a": True}),
    ("a=null", {"a": None}),
    ("a=yes", {"a": "yes"}),
    ("a=", {"a": ""}),
    ('a=""', {"a": ""}),
    ("a=x=y", {"a": "x=y"}),
    ("a.b.c=low", {"a.b.c": "low"}),
    ('a="b c"', {"a": "b c"}),
    ("a='b c'", {"a": "b c"}),
    ('a="5"', {"a": "5"}),
    ("a='5'", {"a": 5}),
    (r'a="x\ny"', {"a": "x\ny"}),
    (r'a="C:\Users"', {"a": r"C:\Users"}),
    ('a={"b": [1, "} ]", {"c": "\\"{"}]}', {"a": {"b": [1, "} ]", {"c": '"{'}]}}),
    ('a=["x", "y z"]', {"a": ["x", "y z"]}),
    ("a={}", {"a": {}}),
    ("a='{\"b\": 1}'", {"a": {"b": 1}}),
    ("'a={\"b\": [1, 2]}'", {"a": {"b": [1, 2]}}),
    ('"a.b=two words"', {"a.b": "two words"}),
    ("a=NaN", {"a": "NaN"}),
    ("a=1 --set b=2 --set a=3", {"a": 3, "b": 2}),
    ("logit_bias.50256=-100", {"logit_bias.50256": -100}),
]


@pytest.mark.parametrize(("value", "expected"), SET)
def test_set_takes_json_else_text(value: str, expected: dict[str, Any]) -> None:
    assert options(f"--set {value}").set == expected
    if not value.startswith(("'", '"')):
        assert options(f"--set={value}").set == expected


def test_set_stream_decides() -> None:
    assert options("--set stream=false").stream is False
    assert options("--no-stream --set stream=true").stream is True


REFUSED = [
    ("--temprature 1 x", "no option --temprature (did you mean --temperature?)"),
    ("--max_tokens 1 x", "did you mean --max-tokens?"),
    ("-model x y", "did you mean --model?"),
    ("--frobnicate 3 x", "no option --frobnicate; write --"),
    ("--temp 1 x", "no option --temp"),
    ("-x is a number", "write -- before a prompt that begins with a hyphen"),
    ("--response-format json x", "use --set response_format=JSON"),
    ("--api-key sk-123 x", "a key is never on the line"),
    ("--stream x", "answers stream unless --no-stream"),
    ("--temperature 2.1 x", "--temperature takes a number from 0 to 2, not '2.1'"),
    ("--temperature -0.1 x", "from 0 to 2"),
    ("--temperature nan x", "from 0 to 2"),
    ("--temperature hot x", "a number from 0 to 2, not 'hot'"),
    ("--top-p 1.5 x", "--top-p takes a number from 0 to 1"),
    ("--frequency-penalty 3 x", "from -2 to 2"),
    ("--presence-penalty -3 x", "from -2 to 2"),
    ("--max-tokens 0 x", "a whole number of at least 1, not '0'"),
    ("--max-tokens 1.5 x", "a whole number of at least 1"),
    (f"--seed {2**63} x", "--seed takes a whole number"),
    ("--timeout 0 x", "a number above 0"),
    ("--timeout inf x", "a number above 0"),
    ("--logprobs 21 x", "a whole number from 0 to 20"),
    ("-n 0 x", "--choices takes a whole number from 1 to 128"),
    ("--effort hihg x", "none, minimal, low, medium, high, xhigh or max, not 'hihg' (did you"),
    ("--verbosity loud x", "low, medium or high"),
    ("--truncation no x", "auto or disabled"),
    ("--service-tier gold x", "auto, default, flex, scale, priority, fast"),
    ("--tool-choice a.b x", "none, auto or required, or the name of a tool"),
    ("-o 1x y", "--out takes a Python name"),
    ("-o class y", "--out takes a Python name"),
    ("-o a.b y", "--out takes a Python name"),
    ("-m '' x", "--model takes a text that is not empty"),
    ("--stop a --stop b --stop c --stop d --stop e x", "at most 4 times"),
    ("--stop '' x", "--stop takes a text"),
    ("--metadata a x", "--metadata takes KEY=TEXT, not 'a'"),
    (f"--metadata {'k' * 65}=v x", "a key has 1 to 64 characters"),
    (f"--metadata k={'v' * 513} x", "at most 512 characters"),
    (" ".join(f"--metadata k{n}=v" for n in range(17)), "at most 16 pairs, not 17"),
    (f"--safety-identifier {'i' * 129} x", "1 to 128 characters"),
    ("--set a x", "--set takes PATH=VALUE, not 'a'"),
    ("--set a..b=1 x", "path.to.key=VALUE, not 'a..b'"),
    ("--set =1 x", "path.to.key=VALUE"),
    ("--set a={b:1} x", "--set a: not valid JSON"),
    ("--set a=[1,] x", "--set a: not valid JSON"),
    ('--set a={"b": 1 x', "--set: the bracket { is not closed"),
    ('--set a={"b": 1}x y', "a blank is missing after"),
    ("--set a=1e999 x", "can't be written as JSON"),
    (f"--set a={'[' * 100_000}{']' * 100_000} x", "not valid JSON"),
    ("-m", "-m needs a value: -m NAME"),
    ("--model ", "--model needs a value: --model NAME"),
    ("-m --new x", "-m needs a value"),
    ("-m -foo x", "-m needs a value"),
    ('-s "be brief', 'the quote " is not closed'),
    ("-s 'be brief\\'", "the quote ' is not closed"),
    ('-s "say "hi" now" x', "a blank is missing after"),
    ("--new=yes x", "--new takes no value"),
    ("--store --no-store x", "--store and --no-store exclude each other"),
    ("--no-store --store x", "--no-store and --store exclude each other"),
    ("--new --once x", "--new and --once exclude each other"),
    ("-t poems --once x", "--thread and --once exclude each other"),
    ("--append --once x", "--append and --once exclude each other"),
    ("--dry-run --curl x", "--dry-run and --curl exclude each other"),
    ("--code --bg x", "--code and --bg exclude each other"),
    ("--previous resp_1 x", "%%chat has no --previous: use %%respond"),
    ("--reasoning-summary auto x", "%%chat has no --reasoning-summary: use %%respond"),
    ("--include reasoning.encrypted_content x", "%%chat has no --include: use %%respond"),
    ("--service-tier ultrafast x", "%%chat has no --service-tier ultrafast: use %%respond"),
]


@pytest.mark.parametrize(("line", "words"), REFUSED, ids=lambda text: text[:40])
def test_refused_with_the_reason(line: str, words: str) -> None:
    assert words in refusal(line)


@pytest.mark.parametrize(
    "flag", ["-n 2", "--seed 1", "--stop x", "--frequency-penalty 0", "--presence-penalty 0"]
)
def test_what_responses_lacks_names_the_other_magic(flag: str) -> None:
    text = refusal(f"{flag} x", "responses")
    assert text.startswith("%%respond has no --")
    assert text.endswith(": use %%chat")


def test_previous_excludes_a_conversation() -> None:
    assert "exclude each other" in refusal("--previous r --set conversation=c x", "responses")


def test_a_key_on_the_line_is_not_repeated() -> None:
    assert "sk-123" not in refusal("--api-key=sk-123 x")


@pytest.mark.parametrize("flag", ["-h", "--help", "-m x --help"])
def test_help_is_asked_for(flag: str) -> None:
    with pytest.raises(HelpRequested, match="--temperature"):
        parse(flag, None, "chat")


class TestFiles:
    def test_a_file_is_read_as_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "my persona.txt"
        path.write_text("Sei höflich.\n", encoding="utf-8-sig")
        assert options(f'-s "@{path}"').system == "Sei höflich.\n"

    def test_the_home_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        (tmp_path / "p.txt").write_text("hi", encoding="utf-8")
        assert options("-s @~/p.txt").system == "hi"

    def test_two_at_signs_are_one_and_a_text(self) -> None:
        assert options("-s @@everyone").system == "@everyone"

    def test_a_variable_is_text(self) -> None:
        assert options("-s $x", x="@everyone").system == "@everyone"

    def test_what_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "latin").write_bytes(b"\xe9t\xe9")
        assert "No such file" in refusal(f"-s @{tmp_path}/none x")
        assert "not UTF-8 text" in refusal(f"-s @{tmp_path}/latin x")
        assert "--system" in refusal(f"--system @{tmp_path} x")
        assert "-s @" in refusal("-s @ x")
        assert "null" in refusal("-s '@a\0b' x")
