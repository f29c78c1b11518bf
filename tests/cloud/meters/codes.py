"""The return code that a meter of the town's device shows."""

from cloud.keys import CLOCK, DATABASE, KEY_STORE
from shared import return_code
from tests.cloud.served import Api, Town


async def shown(api: Api, town: Town, channel: int = 0) -> str:
    """12 digits, made from the device's state with the key that it got in its bundle."""
    app = api.client.app
    assert app is not None
    device = town.device
    async with app[DATABASE].begin() as session:
        now = app[CLOCK].now()
        key = await app[KEY_STORE].return_key(session, town.utility, town.drn, device.epoch, now)
    meter = device.state.meters[channel]
    size = return_code.band(device.balance(channel))
    return return_code.make(key, device.epoch, meter.token_counter, meter.last_tid, meter.last_result, size)
