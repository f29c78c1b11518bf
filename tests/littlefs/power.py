"""Takes the power of a flash chip at its commands: the world is copied there, the copy starts again and is audited."""

from firmware import enrol, settings
from tests.fakes.auditor import audit, never_back, progress
from tests.fakes.chip import ChipFlash, unplug
from tests.fakes.house import House, identity
from tests.littlefs.day import METERS, opened

JOURNAL_ML = 10000
PULSE_ML = 1000
_AGAIN_EVERY = 8  # of so many starts one loses its power, too


class Lcg:
    """Random numbers that every interpreter agrees on."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % limit


class Cuts:
    """Cuts at every `every`th command of the day's chip, one in four before it began, else torn; `every` 0: both."""

    def __init__(self, day, every: int, seed: int) -> None:
        self.day = day
        self.every = every
        self.random = Lcg(seed)
        self.commands = 0
        self.cuts = 0
        self.torn = 0
        self.again = 0  # cuts in the start after a cut
        self.lost_ml = 0  # the most that a cut took of a register
        self.credited = []  # of the copies of this step
        day.flash.chip.before = self._before

    def _before(self, sector, offset, data):
        self.commands += 1
        command = (sector, offset, bytes(data))
        if not self.every:
            self._cut(None)
            self._cut(command)
        elif self.commands % self.every == 0:
            self._cut(command if self.cuts % 4 else None)

    def _cut(self, command):
        self.cuts += 1
        chip = self.day.flash.chip.copy()
        if command is not None:
            self.torn += 1
            chip.tear(command[0], command[1], command[2], self.random.below)
        house = self._start_again(chip, "/fork")
        if self.day.house is not None:
            self._compare(self.day.house, house)
        self._try_the_sale(house)
        unplug("/fork")

    def _start_again(self, chip, place):
        """The gateway on a chip after a cut: enrolled if it was not yet, and audited."""
        if self.cuts % _AGAIN_EVERY == 0 and place == "/fork":
            self._cut_the_start(chip.copy())
        flash = ChipFlash(chip, place)
        if settings.load(flash) is None:
            assert self.day.house is None, "the enrolment is lost"
            settings.offer_identity(flash, identity())
            enrol.store_bundle(flash, opened())
        house = House(METERS, flash)
        audit(house)
        return house

    def _cut_the_start(self, chip):
        """Lose the power again while the gateway starts, at a command that is drawn."""
        at = 1 + self.random.below(6)
        seen = [0]

        def before(sector, offset, data):
            seen[0] += 1
            if seen[0] == at:
                self.again += 1
                torn = chip.copy()
                torn.tear(sector, offset, data, self.random.below)
                self._start_again(torn, "/again")
                unplug("/again")

        chip.before = before
        flash = ChipFlash(chip, "/start")
        if settings.load(flash) is not None:
            House(METERS, flash).step(2)
        unplug("/start")

    def _compare(self, before, after):
        """Nothing that the gateway knew at the cut went back; of its registers it lost what it may."""
        known, kept = progress(before), progress(after)
        assert never_back(known, kept), (known, kept)
        for channel, register in before.gateway.core.registers.items():
            lost_ml = register.volume_ml - after.gateway.core.registers[channel].volume_ml
            assert 0 <= lost_ml < JOURNAL_ML + PULSE_ML, lost_ml
            self.lost_ml = max(self.lost_ml, lost_ml)
        self.credited.append([after.meter(channel).credited for channel in range(METERS)])

    def _try_the_sale(self, house):
        """The token that was under way is taken now, or was taken then."""
        if not self.day.sale:
            return
        before = self.day.house.meter().credited
        code = house.type(self.day.sale)
        taken = house.meter().credited - before
        assert (code in (1, 10)) and taken >= 0, code
        assert house.type(self.day.sale) == 10 and house.meter().credited - before == taken
        self.credited.append([house.meter(channel).credited for channel in range(METERS)])

    def step(self, work) -> None:
        """One step of the day: what was loaded in a copy lies between what it was before the step and after it."""
        least = self._loaded()
        work()
        most = self._loaded()
        for credited in self.credited:
            for channel in range(METERS):
                assert least[channel] <= credited[channel] <= most[channel], (least, credited, most)
        self.credited = []

    def _loaded(self):
        if self.day.house is None:
            return [0] * METERS
        return [self.day.house.meter(channel).credited for channel in range(METERS)]
