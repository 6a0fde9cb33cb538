"""What goes to workers elsewhere: everything a job needs but keys and models, which are theirs, in little room."""

import pickle
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator import remote
from aggregator.config import Config, load
from aggregator.model import EngineChoice, TranslateEntry, TranslateJob
from aggregator.stages import STAGES
from aggregator.translate import engines

SECRET = "s3cret-0f-nobody-elses"
VARIABLES = ("OPENAI_KEY", "DEEPL_KEY", "REDDIT_CLIENT", "GITHUB_TOKEN", "OPERATOR_TOKEN")


@pytest.mark.parametrize("kept_in", ["the environment", "files"])
def test_no_key_is_in_what_a_worker_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept_in: str):
    key_file = tmp_path / "key"
    key_file.write_text(f"id:{SECRET}", encoding="utf-8")
    key_file.chmod(0o600)
    environ = {"AGGREGATOR_OPENAI_URL": "https://models.example/v1", "AGGREGATOR_OPENAI_MODEL": "m"}
    for name in VARIABLES:
        if kept_in == "files":
            environ[f"AGGREGATOR_{name}_FILE"] = str(key_file)
        else:
            monkeypatch.setenv(f"AGGREGATOR_{name}", f"id:{SECRET}")
            environ[f"AGGREGATOR_{name}"] = f"id:{SECRET}"
    config = replace(load(environ=environ), engine="openai,deepl")
    chosen = engines.ready(config)
    assert [choice.name for choice in chosen] == ["openai", "deepl"]
    entry = TranslateEntry(
        entry_id=1, input_fingerprint="f", language="en", title="News", summary="", story=""
    )
    job = TranslateJob(entries=(entry,), engines=chosen, target="ja")
    for stage in STAGES:
        sent = pickle.dumps((stage.work, config, job))
        assert SECRET.encode() not in sent
        assert pickle.loads(sent)[0] is stage.work  # by its name, as a worker finds it


def test_settings_and_the_choice_of_an_engine_take_little_room():
    choice = EngineChoice(name="firefox", model="m")
    assert len(pickle.dumps((Config(), choice))) < 8000


def test_a_worker_elsewhere_finds_models_where_its_own_environment_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AGGREGATOR_MODELS", "/here")
    found: Future[Path] = Future()
    call = remote.packed(_models_folder, (Config(models=Path("/there")),))
    remote.settle(found, remote.run(remote.VERSION, "owner", call))
    assert found.result() == Path("/here")


def _models_folder(config: Config) -> Path:
    return config.models_folder
