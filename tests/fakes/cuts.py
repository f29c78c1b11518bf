"""Cuts the power after every single byte that some work writes, and audits what is left after the restart."""

from shared.slices import finish
from tests.fakes.auditor import audit, never_back, progress
from tests.fakes.flash import PowerCut
from tests.fakes.house import START_S, House


def prepared(meters=1):
    """A gateway in the middle of its life: some credit, some consumption, two checkpoints."""
    house = House(meters)
    house.type(house.token(20))
    house.step()
    house.flow(50)
    finish(house.gateway.core.store.checkpoint_steps(START_S, 0, 1))
    house.type(house.token(3))
    finish(house.gateway.core.store.checkpoint_steps(START_S, 0, 1))
    house.flow(30)
    return house


def cut_everywhere(prepare, work, check=None):
    """Run work(house) with a cut after each byte it writes; returns how many cuts there were.

    check(house, done) looks at the gateway after the restart; done: work had returned.
    """
    cut = 0
    while True:
        house = prepare()
        before = progress(house)
        house.flash.cut_after = house.flash.written + cut
        done = False
        try:
            work(house)
            done = house.flash.written < house.flash.cut_after
        except PowerCut:
            pass
        house.reboot()
        audit(house)
        assert never_back(before, progress(house)), (cut, before, progress(house))
        if check is not None:
            check(house, done)
            audit(house)
        if done:
            return cut
        cut += 1


def copies_of(house):
    """A function that gives a fresh gateway on a copy of this one's flash, each time."""
    flash = house.flash

    def prepare():
        copy = House(len(house.valves), flash.after_reboot())
        copy.sold = house.sold
        return copy

    return prepare
