"""Keys come from the environment, else from a file of its owner's alone."""

from pathlib import Path

import pytest

from aggregator import keys
from aggregator.errors import ConfigError

VARIABLE = "AGGREGATOR_ACME_KEY"


def test_the_environment_wins_over_the_file_and_neither_is_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "key"
    file.write_text(" of-file\n")
    file.chmod(0o600)
    assert keys.read(VARIABLE, Path()) == ""
    assert keys.read(VARIABLE, file) == "of-file"
    monkeypatch.setenv(VARIABLE, " of-environment ")
    assert keys.read(VARIABLE, file) == "of-environment"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_use_is_refused_with_the_next_step(tmp_path: Path, mode: int):
    file = tmp_path / "key"
    file.write_text("of-file")
    file.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600") as refused:
        keys.read(VARIABLE, file)
    assert "of-file" not in str(refused.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"nowhere: the key cannot be read \(FileNotFoundError\)"):
        keys.read(VARIABLE, tmp_path / "nowhere")
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ConfigError, match="UnicodeDecodeError"):
        keys.read(VARIABLE, tmp_path / "key")
