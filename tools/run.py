"""`make run`: the whole system on this machine, until Ctrl-C. State stays in data/ and is taken up again."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from tools.api import ApiError
from tools.provision import ProvisionError
from tools.sim.page import Gateway, Page
from tools.stack.service import ROOT, StackError, require_free
from tools.stack.stack import Ports, Stack, running


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="folder that keeps the state")
    parser.add_argument("--page-port", type=int, default=8080, help="the development page")
    parser.add_argument("--cloud-port", type=int, default=8443, help="the cloud's HTTPS")
    parser.add_argument("--mqtt-port", type=int, default=8883, help="the broker's MQTT over TLS")
    parser.add_argument("--nats-port", type=int, default=4222, help="the broker's NATS over TLS")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Start everything, say where to look, and wait for a signal."""
    require_free(options.page_port, "the development page", 'make run ARGS="--page-port N"')
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    ports = Ports(cloud=options.cloud_port, mqtt=options.mqtt_port, nats=options.nats_port)
    async with running(options.data.resolve(), ports) as stack:
        page = _page(stack, options.page_port)
        await page.start()
        try:
            print(_greeting(stack, page.url), flush=True)
            await stopped.wait()
            print("\nstopping ...", flush=True)
        finally:
            await page.stop()
    print("stopped; the state is kept in", stack.folder)


def _page(stack: Stack, port: int) -> Page:
    gateways = [Gateway(site.gateway_id, site.name, site.world, site.board) for site in stack.sites]
    return Page(stack.url, stack.key, stack.ca, gateways, port=port)


def _greeting(stack: Stack, page: str) -> str:
    meters = "\n".join(
        f"    {site.name}, channel {channel + 1}: meter {drn}"
        for site in stack.sites
        for channel, drn in sorted(site.drns.items())
    )
    return f"""
Penstock is running.

  Look:   {page}   (displays, keypads, taps, valves, and what the cloud knows)
  Meters:
{meters}
  Try:    sell 1.5 m3 on the page, type the 20 digits on the keypad (with several meters, choose the meter first),
          then open the tap and watch the balance.
  API:    curl --cacert {stack.ca} -H @<(printf 'Authorization: Bearer %s' "$(cat {stack.folder / "operator.key"})") \\
            {stack.url}/api/v1/meters
          (its description: {stack.url}/api/v1/openapi.json)
  Logs:   {stack.folder}/*.log

  Ctrl-C stops everything; the state stays."""


def main() -> None:
    """Run until told to stop; what the user can mend is said in one line."""
    try:
        asyncio.run(run(_arguments()))
    except (StackError, ApiError, ProvisionError, OSError) as error:
        sys.exit(f"run: {error}")


if __name__ == "__main__":
    main()
