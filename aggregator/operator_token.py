"""The operator's token: read from the environment or a file that nobody else can read, and made there."""

import os
import re
import secrets
from pathlib import Path

from aggregator import files, keys
from aggregator.config import Config
from aggregator.errors import ConfigError

VARIABLE = "AGGREGATOR_OPERATOR_TOKEN"
_FORM = re.compile(r"[!-~]{22,200}")  # 22 letters of base64 are 128 bits
_BYTES = 32


def is_set(config: Config) -> bool:
    """Tell whether there is to be an operator's page.

    Raises: ConfigError where the token cannot be used.
    """
    return bool(read(config))


def read(config: Config) -> str:
    """Return the token; "" where none is set.

    Raises: ConfigError where it cannot be read, others can read it too, or it could be guessed.
    """
    file, given = config.operator_token_file, os.environ.get(VARIABLE, "").strip()
    if not given and file != Path() and not file.exists():
        raise ConfigError(f"{file}: is not there; make it: aggregator operator token")
    token = keys.read(VARIABLE, file)
    if token and not _FORM.fullmatch(token):
        remedy = "make one: aggregator operator token"
        raise ConfigError(f"the operator's token: expected 22 to 200 letters without spaces; {remedy}")
    if not token and file != Path():
        raise ConfigError(f"{file}: is empty; make a token: aggregator operator token --rotate")
    return token


def make(config: Config, *, anew: bool) -> Path:
    """Write a new token where it is looked for, or beside the store, and return where it lies.

    Raises: ConfigError where there is one already, unless it is made anew, which ends every log-in.
    """
    if os.environ.get(VARIABLE, "").strip():
        raise ConfigError(f"{VARIABLE} is set in the environment, which goes before any file")
    file = config.operator_token_file
    path = config.store.with_name("operator.token") if file == Path() else file
    if path.exists() and not anew:
        raise ConfigError(f"{path} is there already; --rotate makes another token and ends every log-in")
    try:
        files.replace(path, f"{secrets.token_urlsafe(_BYTES)}\n".encode(), secret=True)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
    return path
