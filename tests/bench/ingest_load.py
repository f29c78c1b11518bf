"""Gateways of the ingest measurement: send what was signed before, and await the last acknowledgement of each.

Prints the seconds that it took.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from shared.documents import ACK, tag_of, without_mac
from tests.fakes.mqtt import MqttGateway

_PATIENCE_S = 2


async def _gateway(plan: dict, client: MqttGateway) -> None:  # type: ignore[type-arg]
    uplinks = [bytes.fromhex(uplink) for uplink in plan["uplinks"]]
    link_key = bytes.fromhex(plan["link_key"])
    topic = f"gw/{plan['gateway']}/up"
    for uplink in uplinks:
        client.publish(topic, uplink)
    held = 0
    while held < plan["last"]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                data = await client.received.get()
        except TimeoutError:  # lost on the way: go on from what is held, as a gateway does
            for uplink in uplinks[held * len(uplinks) // plan["last"] :]:
                client.publish(topic, uplink)
            continue
        if tag_of(data) == ACK.tag:
            held = max(held, ACK.decode(without_mac(link_key, data))["sequence"])


async def main(plan: dict) -> None:  # type: ignore[type-arg]
    """Connect all, then send all."""
    clients = []
    for one in plan["gateways"]:
        user = f"gw-{one['gateway']}"
        client = await MqttGateway(plan["port"], Path(plan["ca"]), user, one["password"]).connect()
        assert await client.subscribe(f"gw/{one['gateway']}/down")
        clients.append(client)
    started = time.perf_counter()
    await asyncio.gather(*(_gateway(one, client) for one, client in zip(plan["gateways"], clients, strict=True)))
    print(time.perf_counter() - started)
    for client in clients:
        await client.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
