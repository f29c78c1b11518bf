"""The copper of the simulated board: pads, the contacts that join them, and the level each one reads.

A contact joins two pads, or a pad and GROUND. What a pad reads follows from what it is joined to, over any number of
contacts; so a keypad with three keys down shows its ghost, as a real one does.
"""

IN = 0
OUT = 1
OPEN_DRAIN = 2
PULL_UP = 1
PULL_DOWN = 2
IRQ_RISING = 1
IRQ_FALLING = 2
GROUND = 255


class Pad:
    """One pin of the chip."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.mode = IN
        self.pull = 0
        self.latch = 0  # what an output drives
        self.joined = []  # numbers of the pads, or GROUND, that contacts join it to
        self.handler = None
        self.handler_argument = None
        self.trigger = 0
        self.watched = False  # the world wants to hear of changes
        self.strobes_left = 0  # report when it was driven low this many times

    def drives_low(self) -> bool:
        """Whether the pad itself pulls its net to ground."""
        return self.mode != IN and self.latch == 0


class Copper:
    """All pads and contacts; on_output(number, level) and on_strobed(number) tell the world what it asked to hear."""

    def __init__(self) -> None:
        self.pads = {}
        self.on_output = None
        self.on_strobed = None

    def pad(self, number: int) -> Pad:
        """The pad of that number, made when first named."""
        if number not in self.pads:
            self.pads[number] = Pad(number)
        return self.pads[number]

    def level(self, pad: Pad) -> int:
        """What the pad reads: 0 if anything on its net pulls down, else 1 if anything drives or pulls up."""
        high = False
        for number in self._net(pad):
            if number == GROUND or self.pads[number].drives_low():
                return 0
            other = self.pads[number]
            high = high or other.pull == PULL_UP or (other.mode == OUT and other.latch == 1)
        return 1 if high else 0

    def drive(self, pad: Pad, latch: int) -> None:
        """Set what an output drives, tell the world if it listens, and raise the edges this makes elsewhere."""
        changed = pad.latch != latch
        inputs = self._listening(pad) if changed and pad.joined else ()
        pad.latch = latch
        self._raise_edges(inputs)
        if pad.watched and changed and self.on_output is not None:
            self.on_output(pad.number, latch)
        if latch == 0 and pad.strobes_left:
            pad.strobes_left -= 1
            if pad.strobes_left == 0 and self.on_strobed is not None:
                self.on_strobed(pad.number)

    def contact(self, a: int, b: int, closed: bool) -> None:
        """Close or open the contact between two pads, or a pad and GROUND, and raise the edges this makes."""
        pad = self.pad(a)
        inputs = self._listening(pad) if b == GROUND else self._listening(pad) + self._listening(self.pad(b))
        if closed and b not in pad.joined:
            pad.joined.append(b)
            if b != GROUND:
                self.pad(b).joined.append(a)
        elif not closed and b in pad.joined:
            pad.joined.remove(b)
            if b != GROUND:
                self.pad(b).joined.remove(a)
        self._raise_edges(inputs)

    def _net(self, pad: Pad) -> list:
        net = [pad.number]
        for number in net:  # grows while it is walked
            if number != GROUND:
                for other in self.pads[number].joined:
                    if other not in net:
                        net.append(other)
        return net

    def _listening(self, pad: Pad) -> list:
        """The pads on the net of pad that have an interrupt handler, with their level now."""
        if not pad.joined:
            return [(pad, self.level(pad))] if pad.handler is not None else []
        pads = [self.pads[number] for number in self._net(pad) if number != GROUND]
        return [(other, self.level(other)) for other in pads if other.handler is not None]

    def _raise_edges(self, before: list) -> None:
        for pad, old in before:
            new = self.level(pad)
            if new != old and pad.trigger & (IRQ_RISING if new else IRQ_FALLING):
                pad.handler(pad.handler_argument)
