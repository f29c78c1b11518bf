"""A customer's life at an emulated board that may lose its power anywhere, and what the customer must find after."""

import re

from tests.board.emulated import EmulatedBoard

PULSE_ML = 1000
_JOURNAL_EVERY_ML = 10_000
_TURN_MS = 250  # within which the meter's task picks up pulses, a write of the flash included
_PULSE_MS = 12  # closed, and open
_KEY_MS = 80
_SHOWN_MS = 10_000
LOST_AT_MOST_ML = _JOURNAL_EVERY_ML + _TURN_MS // (2 * _PULSE_MS) * PULSE_ML  # of a register, when power goes
_AMOUNT = re.compile(r"(Left|OWED) +(\d+)\.(\d{3}) m3")


class Life:
    """One customer, who buys tokens, types each until it is USED, and lets water flow.

    What is asserted here: a token that was seen ACCEPTED is in, none is taken twice, and no balance is off by more than
    what a register may lose.
    """

    def __init__(self, board: EmulatedBoard, volume_ml: int) -> None:
        self._board = board
        self._volume_ml = volume_ml  # of each token
        self._left_ml = 0  # as the display said last, and what the customer saw taken since
        self._flowed_ml = (0, 0)  # at least and at most, since then
        self.taken: bool | None = False  # whether the last token is in; None: the power went before the answer

    async def live(self, digits: str) -> bool:
        """From power-on: look at the balance, type the token, let it all flow. Tells whether the token was USED."""
        answer = ""
        left_ml = await self._balance_ml()
        if left_ml is not None:
            self._check_balance(left_ml)
            answer = await self._type(digits)
        if answer:
            await self._flow(self._left_ml // PULSE_ML + 3)
        return answer == "USED"

    async def _type(self, digits: str) -> str:
        for key in digits:
            await self._board.do("key", key=key, ms=_KEY_MS)
        answer = await self._shown("ACCEPTED", "USED")
        if answer == "ACCEPTED":
            assert self.taken is not True, "a token is ACCEPTED a second time"
            self._left_ml += self._volume_ml
        elif answer:
            assert self.taken is not False, "a token that was never taken is USED"
        self.taken = True if answer else self.taken or None
        return answer

    async def _flow(self, pulses: int) -> None:
        state = await self._board.do("pulses", channel=0, count=pulses, closed_ms=_PULSE_MS, open_ms=_PULSE_MS)
        hidden_ml = self._flowed_ml[1]  # of what had flowed before; it may not have been seen to this day
        self._flowed_ml = (pulses * PULSE_ML if state["on"] else 0, pulses * PULSE_ML + hidden_ml)

    def _check_balance(self, left_ml: int) -> None:
        """The balance after a start against what was there before; of a token without an answer it tells the fate."""
        least_ml = self._left_ml - self._flowed_ml[1]
        most_ml = self._left_ml - self._flowed_ml[0] + LOST_AT_MOST_ML
        if self.taken is None:
            self.taken = left_ml > most_ml
            least_ml, most_ml = (limit + self._volume_ml * self.taken for limit in (least_ml, most_ml))
        assert least_ml <= left_ml <= most_ml, f"{left_ml} ml are left, not {least_ml} to {most_ml}"
        self._left_ml = left_ml
        # One notice has room on the display: NO CREDIT hides what is OWED.
        hidden_ml = left_ml - least_ml if left_ml == 0 else 0
        self._flowed_ml = (0, hidden_ml)

    async def _balance_ml(self) -> int | None:
        """What the display says is left, less what is owed; None if the power goes before."""
        await self._shown(" m3")
        rows = "\n".join((await self._board.do("wait", ms=100))["rows"])  # all of them are drawn by then
        amounts_ml = {name: int(units + litres) * 1000 for name, units, litres in _AMOUNT.findall(rows)}
        return amounts_ml["Left"] - amounts_ml.get("OWED", 0) if rows else None

    async def _shown(self, *texts: str) -> str:
        """The first of the texts that is seen; "" if the power goes before."""
        state = await self._board.do("state")
        end_ms = state["now_ms"] + _SHOWN_MS
        while state["on"]:
            rows = "\n".join(state["rows"])
            found = next((text for text in texts if text in rows), "")
            if found:
                return found
            assert state["now_ms"] < end_ms, f"none of {texts} is on the display: {state['rows']}"
            state = await self._board.do("wait", ms=50)
        return ""
