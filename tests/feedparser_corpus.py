"""feedparser's own test documents, out of its source distribution, kept in the user's cache."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

VERSION = "6.0.14"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aggregator" / "tests"
_HEADER = re.compile(rb"Header:\s*Content-type:\s*([^\r\n]+)", re.IGNORECASE)


def documents() -> dict[str, bytes]:
    """Return the documents by their path in the distribution; none where no package registry is in reach."""
    archive = _CACHE / f"feedparser-{VERSION}.tar.gz"
    if not archive.exists() and not _download(archive):
        return {}
    with tarfile.open(archive) as files:
        return {
            member.name.partition("/tests/")[2]: extracted.read()
            for member in files.getmembers()
            if "/tests/" in member.name and member.name.endswith(".xml")
            if (extracted := files.extractfile(member))
        }


def content_type(body: bytes) -> str | None:
    """Return the header that a document says it is served with."""
    said = _HEADER.search(body)
    return said[1].decode("ascii", "ignore").strip() if said else None


def _download(archive: Path) -> bool:
    archive.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    command += ["--dest", str(archive.parent), f"feedparser=={VERSION}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=90, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and archive.exists()
