"""The store opened by this version: one that an earlier version wrote is backed up before it is changed."""

import logging
from datetime import datetime

from sqlite_utils import Database

from aggregator.config import Config
from aggregator.errors import StoreError
from aggregator.store import open_store

log = logging.getLogger(__name__)


def open_kept(config: Config, now: datetime) -> Database:
    """Open the store, creating or migrating it as needed, after a backup of what there is to migrate.

    Raises: as open_store does, and StoreError where there is no room for the backup.
    """
    return open_store(config.store, lambda: _keep(config, now))


def _keep(config: Config, now: datetime) -> None:
    from aggregator.backup import making  # seldom: a version has new migrations, or has not

    try:
        made = making.make(config, now, making.MIGRATION)
    except StoreError as error:
        raise type(error)(f"not brought to this version, for there is no backup: {error}") from error
    log.warning("store_brought_to_this_version backup=%s back='aggregator rollback'", made.path)
