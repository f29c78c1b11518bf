"""The input that says that power is failing: a supervisor circuit pulls it low while there is charge for a write."""

import asyncio

from firmware.drivers.pulse import listen


class PowerFail:
    """Low is failing. `hard` on chips whose pins have hard interrupts; the handler needs no heap."""

    def __init__(self, pin, hard: bool = False) -> None:
        self._pin = pin
        self._flag = asyncio.ThreadSafeFlag()
        listen(pin, self._fell, pin.IRQ_FALLING, hard)

    def failing(self) -> bool:
        """Whether power is failing now."""
        return not self._pin.value()

    async def wait(self) -> None:
        """Until power begins to fail; one task may wait."""
        await self._flag.wait()

    def _fell(self, _pin) -> None:
        self._flag.set()
