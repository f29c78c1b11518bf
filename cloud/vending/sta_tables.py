"""The three tables of EA07, from the file of an operator who is licensed for them."""

import json
from pathlib import Path

from cloud.config import Config, ConfigError
from shared.sts.errors import TablesError
from shared.sts.tables import Tables, tables_from_json


def sta_tables(config: Config) -> Tables | None:
    """Return the configured tables, None when there are none; ConfigError says what is wrong in the file."""
    if config.sta_tables_file is None:
        return None
    try:
        return tables_from_json(json.loads(_text(config.sta_tables_file)))
    except (TablesError, ValueError) as error:
        raise ConfigError(f"PENSTOCK_STA_TABLES_FILE: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise ConfigError(f"PENSTOCK_STA_TABLES_FILE: cannot read {path}: {error.strerror}") from None
