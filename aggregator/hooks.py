"""Commands that the operator has run after a publish or a backup: beside us, and told what changed.

One run at a time each; what changes meanwhile waits for the next, and so does what a failed run was told.
That is kept in the store. Where it is not known what changed (the first run, another command, a process that
was killed, very many files) the list holds one line, `.`: everything.
"""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlite_utils import Database

from aggregator import commands
from aggregator.config import Config
from aggregator.pipeline import Clock, Stop
from aggregator.store import hook_states
from aggregator.store.hook_states import EVERYTHING, HookState

log = logging.getLogger(__name__)

HOOKS = ("after_publish", "after_backup")  # settings
_LOOK = 0.1  # seconds between two looks at those that keep an end waiting


def run(config: Config, name: str, folder: Path, paths: Iterable[Path]) -> str:
    """Run a command to its end where it is set, and return what went wrong, or "".

    Shape: for commands of ours that run no stage; a session has its own `Hooks`, which wait for nothing.
    """
    command = getattr(config, name)
    if not command:
        return ""
    told = tuple(_within(path, folder.absolute()) for path in paths)
    failure = commands.run(command, told, _environment(name, folder.absolute()), config.hook_timeout)
    _say(name, failure)
    return failure


def _environment(name: str, folder: Path) -> dict[str, str]:
    return {"HOOK": name, "HOOK_FOLDER": str(folder)}


def _within(path: Path, folder: Path) -> str:
    return path.absolute().relative_to(folder).as_posix()


def _say(name: str, failure: str) -> None:
    if failure:
        log.warning("hook_failed name=%s failure=%r", name, failure)


@dataclass(slots=True)
class _Run:
    """A command at work, and what came of it."""

    thread: threading.Thread
    ending: threading.Event = field(default_factory=threading.Event)  # it is to be ended now
    again: set[str] = field(default_factory=set)  # what changed since it was told
    failure: str = "broke off"  # until it is known better
    seconds: float = 0.0


class Hooks:
    """The commands that are set, what they have to be told, and those at work.

    Shape: used by the thread that writes the store; a thread for each command waits for its end.
    """

    def __init__(self, db: Database, config: Config, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._running: dict[str, _Run] = {}
        self._states: dict[str, HookState] = {}
        self._ours: set[str] = set()  # what this process has opened
        self.adopt(config)

    def adopt(self, config: Config) -> None:
        """Go on with the commands of other settings; those at work end as they began."""
        self._config = config
        self._commands = {name: command for name in HOOKS if (command := getattr(config, name))}
        if self._commands:
            self._states = hook_states.read(self._db)
            self._write({name: self._opened(name) for name in self._commands})

    def note(self, name: str, folder: Path, paths: Iterable[Path] | None) -> None:
        """Have a command told of files in `folder` that changed; of everything where they are None."""
        if name not in self._commands:
            return
        place = folder.absolute()
        found = [EVERYTHING] if paths is None else [_within(path, place) for path in paths]
        if name in self._running:
            self._running[name].again.update(found)
        if set(found) - set(self._states[name].waiting):
            self._write({name: replace(self._states[name], folder=str(place)).telling(found)})

    def look(self) -> None:
        """Book the commands that ended, and start those that have something to be told."""
        for name, running in list(self._running.items()):
            if not running.thread.is_alive():
                self._book(name, self._running.pop(name))
        for name in self._commands:
            state = self._states[name]
            # Before a first publish there is no folder to be told of.
            if name not in self._running and state.is_due(self._clock()) and Path(state.folder).is_dir():
                self._start(name)

    def close(self, stop: Stop) -> None:
        """Wait until all is told, or end what runs where `stop` says so; it is then told next time."""
        while True:
            if stop():
                for running in self._running.values():
                    running.ending.set()
            else:
                self.look()
            if not self._running:
                break
            time.sleep(_LOOK)
            for name in [name for name, each in self._running.items() if not each.thread.is_alive()]:
                self._book(name, self._running.pop(name))
        self._write({name: replace(self._states[name], is_open=False) for name in self._commands})

    def _opened(self, name: str) -> HookState:
        state = self._states.get(name, HookState())
        is_known = state.command == self._commands[name] and (name in self._ours or not state.is_open)
        self._ours.add(name)
        opened = replace(state, command=self._commands[name], is_open=True)
        if is_known or name != "after_publish":
            return opened
        if name in self._running:
            self._running[name].again.add(EVERYTHING)  # told to the command there was before
        return replace(opened, folder=str(self._config.output.absolute()), waiting=(EVERYTHING,), failures=0)

    def _start(self, name: str) -> None:
        state = self._states[name]
        thread = threading.Thread(target=lambda: self._execute(name, state, running), name=name, daemon=True)
        running = _Run(thread)
        self._running[name] = running
        running.thread.start()

    def _execute(self, name: str, state: HookState, running: _Run) -> None:
        started = time.monotonic()
        running.failure = commands.run(
            state.command, state.waiting, _environment(name, Path(state.folder)),
            self._config.hook_timeout, running.ending.is_set,
        )  # fmt: skip
        running.seconds = time.monotonic() - started

    def _book(self, name: str, ended: _Run) -> None:
        _say(name, ended.failure)
        state = self._states[name]
        self._write({name: state.ended(ended.failure, ended.seconds, sorted(ended.again), self._clock())})

    def _write(self, states: dict[str, HookState]) -> None:
        if states:
            self._states |= states
            hook_states.write(self._db, self._states)
