"""Background services end when the process is to end, at whatever moment that comes."""

import asyncio

import pytest
from aiohttp import web

from cloud import services
from cloud.commands.dispatcher import Dispatcher


class Idle(Dispatcher):
    """Wakes, and finds nothing to do."""

    async def round(self) -> None:
        """Nothing is due."""


@pytest.mark.parametrize("ticks", range(6))
async def test_a_dispatcher_that_is_woken_and_cancelled_at_once_ends(ticks: int) -> None:
    looks = asyncio.Event()
    task = asyncio.create_task(Idle(None, None, None, None, looks).run())  # type: ignore[arg-type]
    await asyncio.sleep(0.01)

    looks.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=5)

    assert task.cancelled()


async def test_a_service_whose_library_forgets_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(services, "_CANCEL_AGAIN_S", 0.01)
    asked = 0

    async def forgets_twice() -> None:
        nonlocal asked
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                asked += 1
                if asked == 3:
                    raise

    context = services.running("forgets", lambda _app: forgets_twice())(web.Application())
    await anext(context)
    await asyncio.sleep(0)
    with pytest.raises(StopAsyncIteration):
        await anext(context)

    assert asked == 3
