"""The task of the link: keeps the network up and the cloud informed."""

import asyncio
import os

from firmware.net.mqtt import Broker, Link
from firmware.net.sync import Sync
from shared.compat import const
from shared.documents import MESSAGE_MAX

_TICKS_MASK = const(0x3FFFFFFF)
_REPORT_MS = const(500)


async def keep_in_touch(config, gateway, network, uptime_ms, report, note) -> None:
    """For ever; `network` is one of firmware/joining.py's, report(name) the supervisor's."""

    def alive():
        network.keep_up(uptime_ms() & _TICKS_MASK)
        report("sync")

    try:
        link = _link(config, network)
    except ValueError as error:  # it cannot heal by itself, and must not stop the metering
        note("no link: {}".format(error))
        while True:
            report("sync")
            await asyncio.sleep_ms(_REPORT_MS)
    trusted = gateway.clock_is_trusted
    await Sync(link, network, gateway.messages, uptime_ms, os.urandom, trusted, alive, note).run()


def _link(config, network):
    broker = Broker(config.broker_host, config.broker_port, config.broker_ca)
    topic = "gw/{}/".format(config.gateway)
    user, password = config.broker_user, config.broker_password
    return Link(
        broker, user, password, topic + "up", topic + "down", network.name_server, payload_limit_bytes=MESSAGE_MAX
    )
