"""Settings: where they come from, and what is said of a wrong one."""

from datetime import time, timedelta
from pathlib import Path

import pytest

from aggregator.config import Config, described, load, local
from aggregator.errors import ConfigError


def test_defaults_need_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    config = load(environ={})
    assert config == Config()
    assert config.hold_time == timedelta(hours=6)
    assert config.site_url == "http://127.0.0.1:8080/"


def test_flags_win_over_environment_and_environment_over_file(tmp_path: Path):
    file = tmp_path / "a.toml"
    file.write_text(
        'site_title = "file"\nmax_entries = 10\nhost_spacing = "5s"\n[executor]\npoll = "inline:"\n'
    )
    config = load(
        file, {"AGGREGATOR_MAX_ENTRIES": "20", "AGGREGATOR_HOST_SPACING": "0"}, {"host-spacing": "2s"}
    )
    assert (config.site_title, config.max_entries) == ("file", 20)
    assert config.host_spacing == timedelta(seconds=2)
    assert config.executor_poll == "inline:"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"', "colour is no setting"),
        ('max_entries = "many"', "max_entries = 'many': expected a whole number"),
        ("max_entries = 0", "expected a whole number of 1 or more"),
        ("max_entries = true", "expected a whole number"),
        ('digest_at = "6 pm"', "digest_at = '6 pm': expected a time of day such as 18:00, or off"),
        ('morning_at = "24:00"', "expected a time of day"),
        ('digest_day = "Saturday"', "expected mon | tue | wed | thu | fri | sat | sun | off"),
        ("openai_yen = -1", "expected a whole number of 0 or more"),
        ('language = ""', "language = '': expected a language's code"),
        ('language = "Japanese"', "expected a language's code"),
        ("engine_timeout = 0", "engine_timeout = 0: expected a duration"),
        ('hold_time = "soon"', "expected a duration such as"),
        ('engine = "magic"', "expected auto | firefox | llamacpp | openai | deepl | none"),
        ("site_title = 5", "expected text"),
        ('allow_private_hosts = "maybe"', "expected true or false"),
        ("site_title = [", "is not TOML"),
        ('timezone = "Mars/Olympus"', "expected a zone name"),
        ('timezone = "Asia"', "expected a zone name"),
        ('listen = "8080"', "expected address:port"),
        ('base_url = "ftp://x"', "expected an http or https URL"),
        ('listen = "0.0.0.0:80"', "serves on 127.0.0.1 only"),
        ('visibility = "public"', "base_url and contact must be set"),
        ('base_url = "http://[x"', "expected an http or https URL"),
        ('base_url = "https:///news"', "expected an http or https URL"),
        ('[executor]\ntranslate = "processes:0"', "executor_translate = 'processes:0': expected inline:"),
        ('executor_poll = "threads:2"', "executor_poll = 'threads:2': expected inline:, processes:N"),
        ('hold_time = "9999999999999999d"', "expected a duration such as"),
        ('hold_time = "9999999d"', "ten years at most"),
        ("max_entries = 99999999999999999999", "expected a whole number"),
        ('output = "~no-such-user/x"', "expected a path"),
        ('counts = "slashdot"', "expected auto | none, or several of hackernews, lobsters, reddit, hatena"),
        ('counts = "hatena,hatena"', "expected auto | none"),
        ('counts_via = "localhost:9"', "expected an http or https URL"),
        ('reddit_user = "u/acme"', "expected a name, without u/"),
        ('images = "all"', "expected none | source | proxy"),
        ('hub = "hub.example.org"', "expected an http or https URL"),
        ('hub = "https://user:word@hub.example.org/"', "it may hold no user name and no password"),
        ('base_url = "https://user@news.example/"', "it may hold no user name and no password"),
        ('hub = "https://hub.example.org/"', "it needs visibility = public"),
        ('[schedule]\npoll = "soon"', "schedule_poll = 'soon': expected a duration of 1s to 7d"),
        ('[schedule]\ncare = "cron 0 3 31 2 *"', "cron 0 7 * * * Asia/Tokyo (its time never comes)"),
        ('[schedule]\ndigest = "cron 0 7 * * 1"', "expected one time a day: cron MINUTE HOUR * * *"),
        ('[schedule]\ndigest = "cron 0 7 * * * UTC"', "expected the zone of its days, timezone = Asia/Tokyo"),
        ("[budget]\npoll = 0", "budget_poll = 0: expected a duration such as 30s"),
    ],
)
def test_a_wrong_setting_is_one_line_naming_what_was_expected(tmp_path: Path, text: str, said: str):
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "read"), [('"06:05"', time(6, 5)), ("21:30:00", time(21, 30)), ('"off"', None)]
)
def test_a_time_of_day_is_read_with_and_without_quotes_or_switched_off(
    tmp_path: Path, text: str, read: time | None
):
    (tmp_path / "a.toml").write_text(f"digest_at = {text}")
    assert load(tmp_path / "a.toml", {}).digest_at == read


def test_a_line_of_cron_sets_the_hour_of_digests(tmp_path: Path):
    (tmp_path / "a.toml").write_text('[schedule]\npoll = "1m"\ndigest = "cron 0 7 * * * Asia/Tokyo"')
    config = load(tmp_path / "a.toml", {})
    assert (config.schedule_poll, config.digest_at, config.digest_day) == ("1m", time(7), "sat")


def test_an_unknown_variable_is_named_and_a_missing_file_too(tmp_path: Path):
    with pytest.raises(ConfigError, match="environment: ouptut is no setting"):
        load(None, {"AGGREGATOR_OUPTUT": "x"})
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read"):
        load(tmp_path / "missing.toml", {})


def test_public_needs_an_address_and_a_contact():
    environ = {"AGGREGATOR_VISIBILITY": "public", "AGGREGATOR_BASE_URL": "https://example.org/news"}
    with pytest.raises(ConfigError, match="public: contact must be set"):
        load(None, environ)
    config = load(None, {**environ, "AGGREGATOR_CONTACT": "ops@example.org"})
    assert config.site_url == "https://example.org/news/"


def test_a_price_may_be_nothing():
    config = load(None, {"AGGREGATOR_OPENAI_YEN": "0", "AGGREGATOR_DEEPL_YEN": "0"})
    assert (config.openai_yen, config.deepl_yen) == (0, 0)


def test_every_setting_says_what_it_means():
    assert all(meaning for _, _, meaning in described())


@pytest.mark.parametrize(
    "named", ["hatena", "reddit", "lobsters", "hackernews,reddit", "all", "github,github", ""]
)
def test_comments_are_shown_of_those_alone_whose_terms_leave_it_to_the_operator(named: str):
    with pytest.raises(ConfigError, match=r"docs/discussions\.md"):
        load(environ={"AGGREGATOR_COMMENTS": named})


def test_comments_and_viewpoints_are_off_until_somebody_wants_them():
    assert (Config().comments, Config().viewpoints) == ("none", False)
    wanted = load(environ={"AGGREGATOR_COMMENTS": "hackernews, github", "AGGREGATOR_VIEWPOINTS": "on"})
    assert (wanted.comments, wanted.viewpoints) == ("hackernews, github", True)


def test_settings_made_elsewhere_take_models_and_keys_of_this_machine():
    made = Config(models=Path("/there/models"), deepl_key_file=Path("/there/key"), language="pt")
    here = {
        "AGGREGATOR_MODELS": "/here", "AGGREGATOR_DEEPL_KEY_FILE": "key", "AGGREGATOR_LANGUAGE": "ja",
        "AGGREGATOR_NONSENSE": "1", "AGGREGATOR_DEEPL_KEY": "secret",
    }  # fmt: skip
    found = local(made, here)
    assert (found.models, found.deepl_key_file, found.language) == (Path("/here"), Path("key"), "pt")
    assert local(made, {}) == made
