"""The input that says that power is failing: a supervisor circuit pulls it low while there is charge for a write."""

import asyncio

from firmware.drivers.pulse import listen


class PowerFail:
    """Low is failing. `hard` on chips whose pins have hard interrupts; the handler needs no heap."""

    def __init__(self, pin, hard: bool = False) -> None:
        self._pin = pin
        self._hard = hard
        self._flag = asyncio.ThreadSafeFlag()
        self._has_fallen = False
        self._on_fall = self._fell
        self._listen()

    def failing(self) -> bool:
        """Whether power is failing now."""
        return not self._pin.value()

    def has_failed(self) -> bool:
        """Whether power is failing, or began to since this was asked last: a dip may be over before anybody looks."""
        self._flag.clear()
        fallen, self._has_fallen = self._has_fallen, False
        return fallen or self.failing()

    async def wait(self) -> None:
        """Until power begins to fail; one task may wait, and does so anew every few seconds.

        It listens anew each time: a port takes a handler off for good that found no room on the stack.
        """
        self._listen()
        if not self.has_failed():
            await self._flag.wait()
            self._has_fallen = False

    def _listen(self) -> None:
        listen(self._pin, self._on_fall, self._pin.IRQ_FALLING, self._hard)

    def _fell(self, _pin) -> None:
        self._has_fallen = True
        self._flag.set()
