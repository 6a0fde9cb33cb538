"""One store with its output: runs over it, what they leave, and what became of it."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCRIPT = Path(__file__).with_name("command.py")
BETWEEN = "-"
PATIENCE = 90  # seconds a run may take
HUNG = 124  # as timeout(1) says it
_ROWS = """
    SELECT f.listed_url, e.guid, e.title, e.fingerprint, e.revisions, e.excluded, t.title, t.summary, t.story,
        t.verdict, p.public_id, p.slug, p.state, p.first_published_at, p.updated_at, p.title, p.body
    FROM entries e JOIN feeds f USING (feed_id) JOIN stories s USING (story_id)
    LEFT JOIN translations t ON t.entry_id = s.lead_entry_id LEFT JOIN publications p USING (story_id)
    ORDER BY 1, 2"""


@dataclass(slots=True)
class Scene:
    """A folder, the command line that works in it, and its surroundings."""

    folder: Path
    command: list[str]
    environment: Mapping[str, str]
    patience: float = PATIENCE
    runs: int = 0
    _seen: dict[str, tuple[tuple[int, int, int], bytes]] = field(default_factory=dict)

    def start(self, *arguments: str, **extra: str) -> "Run":
        """Start a run in a process group of its own."""
        self.runs += 1
        self.folder.mkdir(exist_ok=True)
        log = self.folder / "stages.log"
        log.write_text("")
        own = {"CRASH_LOG": str(log), "CRASH_FOLDER": f"{self.folder}/", "PYTHONPATH": str(ROOT)}
        said = self.folder / "said.txt"
        with said.open("wb") as out:
            process = subprocess.Popen(
                [*self.command, *arguments], env={**self.environment, **own, **extra}, stdout=out, stderr=out,
                cwd=self.folder, start_new_session=True,
            )  # fmt: skip
        return Run(process, log, said, self.patience)

    def finish(self, *arguments: str, **extra: str) -> "Run":
        """Do a run to its end."""
        run = self.start(*arguments, **extra)
        run.end()
        return run

    def orphans(self) -> list[int]:
        """List the processes of this scene that are still there, seconds after the last run ended."""
        deadline = time.monotonic() + 10
        while (left := list(self._processes())) and time.monotonic() < deadline:
            time.sleep(0.02)
        return left

    def clear(self) -> None:
        """Kill what still runs here, where a test ends before its time."""
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _processes(self) -> Iterator[int]:
        mark = f"CRASH_FOLDER={self.folder}/\0".encode()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes() + b"\0":
                    yield int(entry.name)

    def rows(self) -> list[tuple[object, ...]]:
        """Return the entries with all that was made of them."""
        with contextlib.closing(sqlite3.connect(self.folder / "store.sqlite")) as db:
            return db.execute(_ROWS).fetchall()

    def damage(self) -> str:
        """Say what SQLite finds wrong in a copy of the store as it lies there; nothing: an empty text."""
        copy = self.folder / "copy.sqlite"
        for ending in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(self.folder / f"store.sqlite{ending}", f"{copy}{ending}")
        try:
            with contextlib.closing(sqlite3.connect(copy)) as db:
                found = [row[0] for row in db.execute("PRAGMA integrity_check")]
                found += [f"foreign key of {row[0]}" for row in db.execute("PRAGMA foreign_key_check")]
        finally:
            for path in self.folder.glob("copy.sqlite*"):
                path.unlink()
        return "; ".join(each for each in found if each != "ok")

    def files(self) -> dict[str, bytes]:
        """Return what lies in output/; what did not change since the last look is not read again."""
        output, found = self.folder / "output", {}
        for parent, _, names in os.walk(output):
            for name in names:
                path = Path(parent, name)
                stat = path.stat()
                key, state = str(path.relative_to(output)), (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                known = self._seen.get(key)
                found[key] = known if known and known[0] == state else (state, path.read_bytes())
        self._seen = found
        return {key: body for key, (_, body) in found.items()}

    def leftovers(self) -> list[str]:
        """List half-written files."""
        return sorted(
            str(path) for path in self.folder.rglob("*") if path.name.endswith((".tmp", "-journal"))
        )


@dataclass(slots=True)
class Run:
    """A process that works, and what it has said."""

    process: subprocess.Popen[bytes]
    log: Path
    said: Path
    patience: float = PATIENCE

    def end(self) -> int:
        """Wait for the end and return the exit code; a run that hangs is killed and answers HUNG."""
        try:
            return self.process.wait(self.patience)
        except subprocess.TimeoutExpired:
            self.kill_group()
            self.process.wait()
            return HUNG

    def stages(self) -> list[tuple[float, str, int]]:
        """Return when which stage began, and how many file calls were made before."""
        lines = (line.split() for line in self.log.read_text().splitlines())
        return [(float(at), stage, int(calls)) for at, stage, calls in lines]

    def stage(self) -> str:
        """Return the stage that is at work."""
        last = self.log.read_text().rstrip().rpartition("\n")[2].split()
        return last[1] if len(last) == 3 else BETWEEN

    def reaches(self, stage: str) -> bool:
        """Wait for a stage to begin; False where the run ended first."""
        seen = f" {stage} "
        while seen not in self.log.read_text():
            if self.process.poll() is not None:
                return False
            time.sleep(0.002)
        return True

    def kill_group(self) -> None:
        """SIGKILL all processes of the run at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def kill_parent(self) -> None:
        """SIGKILL the process that writes the store; its workers have to see to themselves."""
        self.process.kill()

    def kill_worker(self, number: signal.Signals = signal.SIGKILL) -> bool:
        """Kill one worker; False where there is none at the moment."""
        for pid in self.workers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                return True
        return False

    def workers(self) -> list[int]:
        """List the processes that work for the run."""
        parent = self.process.pid
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
            return [int(pid) for pid in children if b"resource_tracker" not in _command_line(pid)]
        return []


def _command_line(pid: str) -> bytes:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"resource_tracker"


def python() -> list[str]:
    """Return how command.py is started."""
    return [sys.executable, str(SCRIPT)]
