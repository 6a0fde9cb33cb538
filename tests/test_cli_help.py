"""What a command's help and the shell offer."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from typer.main import get_command

from aggregator.backup import bundle
from aggregator.cli import app

ROOT = get_command(app)


def commands(group: click.Group = ROOT, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], click.Command]:  # type: ignore[assignment]
    found: dict[tuple[str, ...], click.Command] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        found |= commands(command, (*path, name)) if inner else {(*path, name): command}  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("path", commands(), ids=" ".join)
def test_every_command_shows_an_example_that_it_understands(path: tuple[str, ...]):
    examples = re.findall(r"Example: (?:.*&& \S*/)?aggregator ([^|>&\n]*)", commands()[path].help or "")
    assert examples
    for example in examples:
        words = shlex.split(example)
        at = next(n for n in range(len(words)) if tuple(words[n : n + len(path)]) == path)
        commands()[path].make_context(path[-1], words[at + len(path) :])


def offered(folder: Path, words: str) -> list[str]:
    env = {**os.environ, "_AGGREGATOR_COMPLETE": "complete_bash", "COMP_WORDS": words,
           "COMP_CWORD": str(len(words.split(" ")) - 1)}  # fmt: skip
    code = "import sys; sys.argv = ['aggregator']; from aggregator.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True)
    return done.stdout.split()


def test_the_shell_completes_commands_and_names_of_feeds(tmp_path: Path):
    listed = """<opml version="2.0"><head/><body>
      <outline type="rss" text="A" xmlUrl="https://a.example/feed"/>
      <outline type="rss" text="B one" xmlUrl="https://b.example/one"/>
      <outline type="rss" text="B two" xmlUrl="https://b.example/two"/></body></opml>"""
    (tmp_path / "feeds.opml").write_text(listed)
    assert offered(tmp_path, "aggregator stat") == ["status"]
    assert offered(tmp_path, "aggregator pause ") == ["a.example", "b.example/one", "b.example/two"]
    assert offered(tmp_path, "aggregator why b") == ["b.example/one", "b.example/two"]
    (tmp_path / "feeds.opml").write_text("<opml")
    assert offered(tmp_path, "aggregator pause ") == []


def test_the_example_of_restore_names_a_file_as_backups_are_named():
    [named] = re.findall(r"Example: aggregator restore (\S+)", commands()[("restore",)].help or "")
    assert named.endswith(f"Z-daily{bundle.ENDING}")
