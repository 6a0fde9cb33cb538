"""Settings as a file that a backup holds: those that are not the defaults, without places and secrets.

Places (store, output, …) are the machine's the backup is put back on. Keys are no settings; what an address
may carry of the kind is left out with the address.
"""

import dataclasses
import json
import re
from datetime import time, timedelta
from pathlib import Path

from aggregator.config import Config

_SECRET = re.compile(r"://[^/]*@|[?&;].*=|(?i:secret|token|password|passwd)")
# Commands and addresses that act on the machine they were written for, or open doors.
_LEFT_OUT = frozenset({"alert", "after_publish", "after_backup"})


def written(config: Config) -> bytes:
    """Return the settings as TOML, one a line; what was left out is named."""
    lines = [_line(field.name, getattr(config, field.name)) for field in _changed(config)]
    return ("\n".join(["# Settings of the backup that are not the defaults.", *lines]) + "\n").encode()


def others(file: Path, config: Config) -> tuple[str, ...]:
    """Return the lines of such a file that are not what holds now."""
    present = written(config).decode().splitlines()
    said = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return tuple(line for line in said if line not in present and not line.startswith("#"))


def _changed(config: Config) -> list["dataclasses.Field[object]"]:
    known = dataclasses.fields(config)
    return [
        field
        for field in known
        if not isinstance(field.default, Path) and getattr(config, field.name) != field.default
    ]


def _line(name: str, value: object) -> str:
    if name in _LEFT_OUT or (isinstance(value, str) and _SECRET.search(value)):
        return f"# {name}: left out, for it may hold a secret"
    return f"{name} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool() | int():
            return json.dumps(value)
        case timedelta():
            return f'"{value.total_seconds()}s"'
        case time():
            return f'"{value:%H:%M}"'
        case None:
            return '"off"'
    return json.dumps(str(value), ensure_ascii=False)
