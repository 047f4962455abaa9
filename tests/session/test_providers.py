"""Which provider a prompt goes to, and which key goes with it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from traitlets import TraitError

from nbchat.errors import ConfigurationError, UsageError
from nbchat.options import Options
from nbchat.providers import Keys, Secret, origin, resolve
from nbchat.settings import NbChat, lookup

VARIABLES = (
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "AIMLAPI_API_KEY",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_ACCOUNT_ID",
    "NBCHAT_API_KEY",
    "NBCHAT_BASE_URL",
    "NBCHAT_PROVIDER",
    "NBCHAT_MODEL",
    "NBCHAT_TIMEOUT",
)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def find(settings: NbChat | None = None, *, local: bool = False, **options: object):
    return resolve(settings or NbChat(), Options(**options), Keys(), lambda: local)


def test_openai_is_found_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    provider = find()
    assert (provider.name, provider.base_url, provider.model) == (
        "openai",
        "https://api.openai.com/v1",
        "gpt-5.1",
    )
    assert provider.key.reveal() == "sk-openai"
    assert provider.key_source == "environment variable OPENAI_API_KEY"


def test_the_order_of_discovery(monkeypatch: pytest.MonkeyPatch) -> None:
    assert find(local=True).name == "local"
    assert find(local=True).note
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "cf")
    assert find(local=True).name == "local"  # half of what Cloudflare needs is not enough
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "acc")
    cloudflare = find(local=True)
    assert cloudflare.base_url == "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1"
    assert cloudflare.model == "openai/gpt-5.1-chat"
    monkeypatch.setenv("AIMLAPI_API_KEY", "aiml")
    aimlapi = find(local=True)
    assert (aimlapi.base_url, aimlapi.model) == ("https://api.aimlapi.com/v1", "openai/gpt-5-1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    assert find(local=True).name == "openai"


def test_nothing_found_names_the_three_ways_out() -> None:
    with pytest.raises(ConfigurationError) as caught:
        find()
    text = str(caught.value)
    assert len(text.splitlines()) == 3
    for way in ("OPENAI_API_KEY", "--base-url", "-p local", "%nbchat key"):
        assert way in text


@pytest.mark.parametrize("named_by", ["line", "settings"])
def test_the_embedded_model_does_not_answer_in_the_place_of_another(named_by: str) -> None:
    line = {"model": "gpt-5.1"} if named_by == "line" else {}
    settings = NbChat(model="gpt-5.1") if named_by == "settings" else NbChat()
    with pytest.raises(ConfigurationError, match=r"model gpt-5\.1 can't be asked") as caught:
        find(settings, local=True, **line)
    assert len(str(caught.value).splitlines()) == 3
    assert find(settings, local=True, provider="local", **line).name == "local"
    chosen = NbChat(provider="local", model="gpt-5.1")
    assert find(chosen, local=True).model == "", "the name is another server's"


def test_a_base_url_in_the_environment_gets_the_key_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway:8000/")
    provider = find()
    assert (provider.base_url, provider.key.reveal()) == ("http://gateway:8000/v1", "sk")


def test_a_base_url_on_the_line_never_gets_a_known_providers_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    for options in ({}, {"provider": "openai"}):
        assert find(base_url="https://evil.example", **options).key is None
    monkeypatch.setenv("NBCHAT_API_KEY", "own")
    assert find(base_url="https://evil.example").key.reveal() == "own"


HOSTILE = [
    'base_url = "https://evil.example/v1"',
    'provider = "evil"\n[tool.nbchat.providers.evil]\nbase_url = "https://evil.example/v1"',
    'provider = "openai"\n[tool.nbchat.providers.openai]\nbase_url = "https://evil.example/v1"',
    'provider = "evil"\n[tool.nbchat.providers.evil]\nbase_url = "https://evil.example/v1"\n'
    'key_variable = "OPENAI_API_KEY"',
    'provider = "evil"\n[tool.nbchat.providers.evil]\nbase_url = "https://evil.example/v1"\n'
    'key_variable = "AWS_SECRET_ACCESS_KEY"',
]


@pytest.mark.parametrize("table", HOSTILE)
def test_a_hostile_project_file_gets_no_key(
    table: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("OPENAI_API_KEY", "AIMLAPI_API_KEY", "NBCHAT_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, f"canary-{name}")
    (tmp_path / "pyproject.toml").write_text(f"[tool.nbchat]\n{table}\n", "utf-8")
    provider = find()
    if provider.name == "openai":  # the preset, not the project's entry of that name
        assert provider.base_url == "https://api.openai.com/v1"
    else:
        assert provider.base_url == "https://evil.example/v1"
        assert provider.key is None
        assert str(tmp_path / "pyproject.toml") in provider.note


def test_a_projects_server_gets_the_key_that_the_environment_pairs_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.nbchat]\nbase_url = "http://lab:9"\n')
    monkeypatch.setenv("NBCHAT_API_KEY", "own")
    monkeypatch.setenv("NBCHAT_BASE_URL", "http://lab:9/v1")
    assert find().key.reveal() == "own"
    monkeypatch.setenv("NBCHAT_BASE_URL", "http://lab:10/v1")
    assert find().key is None


def test_a_named_entry_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = NbChat(
        providers={
            "lab": {
                "base_url": "lab.example",
                "model": "m",
                "key_variable": "LAB_KEY",
                "max_tokens": "max_tokens",
            }
        }
    )
    with pytest.raises(ConfigurationError, match="LAB_KEY is not set"):
        find(settings, provider="lab")
    monkeypatch.setenv("LAB_KEY", "k\n")
    lab = find(settings, provider="lab")
    assert lab.base_url == "https://lab.example/v1"
    assert lab.habits.max_tokens == "max_tokens"
    assert lab.key.reveal() == "k"


def test_an_unknown_provider_gets_did_you_mean() -> None:
    with pytest.raises(UsageError, match="did you mean openai"):
        find(provider="opnai")


def test_the_model_of_the_settings_is_not_for_a_provider_of_the_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIMLAPI_API_KEY", "k")
    monkeypatch.setenv("NBCHAT_MODEL", "gpt-x")
    assert find(provider="aimlapi").model == "openai/gpt-5-1"
    assert find().model == "gpt-x"
    assert find(provider="aimlapi", model="m").model == "m"


def test_precedence_of_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = NbChat()
    assert lookup(settings, "timeout").source == "default"
    monkeypatch.setenv("NBCHAT_TIMEOUT", "30")
    assert lookup(settings, "timeout").value == 30
    (tmp_path / "pyproject.toml").write_text("[tool.nbchat]\ntimeout = 20\n")
    assert lookup(settings, "timeout").value == 20
    settings.timeout = 10
    assert lookup(settings, "timeout").value == 10


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("modle = 'm'", "did you mean model"),
        ("timeout = 0", "above 0"),
        ("timeout = nan", "above 0"),
        ("timeout = true", "above 0"),
        ("model = 3", "must be text"),
        ("display = 'big'", "one of auto"),
        ("[tool.nbchat.providers.lab]\nmodel = 'm'", "needs a base_url"),
        ("[tool.nbchat.providers.lab]\nbase_uri = 'm'", "did you mean base_url"),
        ("=", "can't be read"),
    ],
)
def test_mistakes_in_the_project_file(table: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.nbchat]\n{table}\n")
    with pytest.raises(UsageError, match=message):
        lookup(NbChat(), "providers")


def test_mistakes_in_the_configuration() -> None:
    settings = NbChat()
    with pytest.raises(TraitError, match="needs a base_url"):
        settings.providers = {"lab": {"model": "m"}}
    with pytest.raises(TraitError, match="above 0"):
        settings.timeout = -1
    with pytest.raises(TraitError, match="above 0"):
        settings.timeout = float("nan")


@pytest.mark.parametrize("text", ["soon", "0", "nan", "inf"])
def test_a_wrong_variable_is_named(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBCHAT_TIMEOUT", text)
    with pytest.raises(UsageError, match=f"NBCHAT_TIMEOUT must be a number above 0, not '{text}'"):
        lookup(NbChat(), "timeout")


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {secret.__reduce_ex__ and ''}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)


def test_a_typed_key_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "env")
    keys = Keys()
    keys.remember("OPENAI_API_KEY", Secret("typed"))
    assert resolve(NbChat(), Options(), keys, lambda: False).key.reveal() == "typed"


def test_origins() -> None:
    assert origin("http://a/v1") == origin("http://A:80/x")
    assert origin("http://a") != origin("https://a")
    assert origin("http://a") != origin("http://a.evil")
