"""The public key of releases, as the configuration names it. Its private half is nowhere near a cloud."""

from cloud.config import Config, ConfigError

_SIZE = 32


def release_public(config: Config) -> bytes | None:
    """The 32 bytes in the file; None without a setting, ConfigError when the file holds no key."""
    if config.release_key_file is None:
        return None
    try:
        key = bytes.fromhex(config.release_key_file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != _SIZE:
        raise ConfigError("PENSTOCK_RELEASE_KEY_FILE: name the file with the public key that tools.release keys wrote")
    return key
