"""Keys of services: read where a request is made, from the environment or a file nobody else can read."""

import os
import stat
from pathlib import Path

from aggregator.errors import ConfigError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read(variable: str, file: Path) -> str:
    """Return the key from the environment, else from the file; "" where neither is there.

    Raises: ConfigError where the file cannot be read, or others can read it too.
    """
    if key := os.environ.get(variable, "").strip():
        return key
    if file == Path():
        return ""
    try:
        if file.stat().st_mode & _OTHERS:
            raise ConfigError(f"{file}: others can read this key; run `chmod 600 {file}`")
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: the key cannot be read ({type(error).__name__})") from error
