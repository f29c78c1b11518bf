"""Settings, read once from the environment into one frozen object; a bad one stops the start and is named."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the variable and what it should hold."""


class Config(BaseSettings):
    """Every setting of the cloud. The environment variable is the name in capitals after `PENSTOCK_`."""

    model_config = SettingsConfigDict(env_prefix="PENSTOCK_", frozen=True, extra="ignore")

    database_url: str = Field("sqlite:///penstock.db", description="SQLite file or PostgreSQL database")

    http_host: str = Field("127.0.0.1", description="Address that the HTTP service listens on")
    http_port: int = Field(8443, ge=0, le=65535, description="Port of the HTTP service; 0 takes a free one")
    tls_cert: Path | None = Field(None, description="PEM certificate chain of the HTTP service")
    tls_key: Path | None = Field(None, description="PEM private key of the HTTP service")

    caller_requests_per_minute: int = Field(6000, ge=1, description="What one caller may ask for in a minute")
    remote_requests_per_minute: int = Field(12_000, ge=1, description="What one address may ask for in a minute")

    gateway_burst_entries: int = Field(50_000, ge=100, description="Ledger entries that one gateway may send at once")
    gateway_entries_per_hour: int = Field(2_000, ge=1, description="What of that comes back to it in an hour")

    audit_heads_file: Path | None = Field(None, description="File that the heads of the audit are appended to daily")

    kek_file: Path | None = Field(None, description="File with the key-encryption key, 64 hex digits")
    kek: SecretStr | None = Field(None, description="The key-encryption key itself, 64 hex digits; a file is better")
    kek_previous_file: Path | None = Field(
        None, description="The key-encryption key before this one, while re-wrapping"
    )
    pkcs11_module: Path | None = Field(None, description="Library of a PKCS#11 token that makes and uses vending keys")
    pkcs11_token: str | None = Field(None, description="Label of the token")
    pkcs11_pin_file: Path | None = Field(None, description="File with the PIN of the token's user")
    sta_tables_file: Path | None = Field(None, description="The operator's tables of EA07, as JSON")

    nats_url: str = Field("nats://127.0.0.1:4222", description="NATS server that carries MQTT and JetStream")
    nats_credentials: Path | None = Field(None, description="The cloud.json that `broker configure` wrote")
    nats_ca: Path | None = Field(None, description="PEM authority of the NATS server, for tls:// addresses")

    mqtt_host: str = Field("127.0.0.1", description="Host name of the broker as gateways reach it")
    mqtt_port: int = Field(8883, ge=1, le=65535, description="MQTT port of the broker as gateways reach it")
    broker_cert: Path | None = Field(None, description="PEM certificate chain of the broker, for `broker configure`")
    broker_key: Path | None = Field(None, description="PEM private key of the broker, for `broker configure`")
    broker_ca: Path | None = Field(None, description="PEM authority that gateways check the broker's certificate with")

    sms_sink_file: Path | None = Field(
        None, description="Development: messages are appended to this file as JSON lines"
    )
    sms_url: str | None = Field(None, description="Address of the message provider; each message is one POST of JSON")
    sms_key_file: Path | None = Field(None, description="File with the bearer key for the message provider")

    messages_file: Path | None = Field(
        None, description="JSON file with several message providers, their order, channels and keys"
    )

    adjustment_limit_ml: int = Field(10_000_000, ge=0, description="Adjustments above need a second person, in ml")
    adjustment_limit_money: int = Field(
        1_000_000, ge=0, description="The same for accounts of money, in 1/100000 of the currency"
    )

    hold_s: int = Field(
        900, ge=30, le=86_400, description="Seconds in which a purchase that is held is confirmed, or else cancelled"
    )

    watch_deliver_s: int = Field(
        900, ge=60, description="Seconds after a sale until its tokens go out by another way, if no message arrived"
    )
    watch_network_s: int = Field(
        21_600, ge=60, description="Seconds after a keypad sale until its tokens are sent over the network, too"
    )
    watch_apply_s: int = Field(
        259_200, ge=3600, description="Seconds after a sale until a person is told that the meter does not show it"
    )

    free_token_limit_ml: int = Field(
        0, ge=0, description="Tokens that nobody pays for need a second person above this, in ml (mWh)"
    )
    free_token_limit_minor: int = Field(0, ge=0, description="The same for meters that hold money, in minor units")
    void_limit_minor: int = Field(
        100_000, ge=0, description="Taking back a token of more than this needs a second person, in minor units"
    )

    release_key_file: Path | None = Field(
        None, description="File with the public key that signs releases of the firmware, 64 hex digits"
    )

    payments_file: Path | None = Field(
        None, description="JSON file with the channels of payment providers and their secrets"
    )
    refund_limit_minor: int = Field(0, ge=0, description="Refunds above need a second person, in minor units")
    write_off_limit_minor: int = Field(
        100_000, ge=0, description="Write-offs of debts above need a second person, in minor units"
    )

    float_limit_minor: int = Field(
        0, ge=0, description="Top-ups and withdrawals of agents' floats above need a second person, in minor units"
    )

    voucher_limit_minor: int = Field(
        0, ge=0, description="Vouchers made in a day above this need a second person, face in minor units"
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severe log line kept")

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("set PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY together")
        return self

    @model_validator(mode="after")
    def _module_token_and_pin_go_together(self) -> Self:
        if len({setting is None for setting in (self.pkcs11_module, self.pkcs11_token, self.pkcs11_pin_file)}) > 1:
            raise ValueError("set PENSTOCK_PKCS11_MODULE, PENSTOCK_PKCS11_TOKEN and PENSTOCK_PKCS11_PIN_FILE together")
        return self

    @model_validator(mode="after")
    def _only_loopback_is_served_in_clear(self) -> Self:
        if self.tls_cert is None and self.http_host not in _LOOPBACK:
            raise ValueError("without PENSTOCK_TLS_CERT and PENSTOCK_TLS_KEY, PENSTOCK_HTTP_HOST must be 127.0.0.1")
        return self


def load() -> Config:
    """Read the environment; ConfigError names the first variable that is wrong."""
    try:
        return Config()
    except ValidationError as error:
        raise ConfigError(_first_problem(error)) from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    return f"PENSTOCK_{str(problem['loc'][0]).upper()}: {message}"
