"""Lives of a ledger by chance on a flash in RAM: cut at any byte, started at any step, refused at any write."""

import os

from tests.fakes.flash import Flash, PowerCut
from tests.fakes.ledger_life import Lcg, Life

_LIVES = 600 if os.getenv("PENSTOCK_LONG") else 12
_TURNS = 250
_FOLDER_NEAR = 1932  # entries: the next folder begins at 2048


def lives(first_seed, count, *ways):
    """Lives with cuts and refusals as asked; returns how many cuts there were."""
    cuts = 0
    for seed in range(first_seed, first_seed + count):
        random = Lcg(seed)
        life = Life(Flash(), random, _FOLDER_NEAR if seed % 6 == 5 else 0)
        try:
            for _ in range(_TURNS):
                for way in ways:
                    way(life)
                cuts += _turn(life)
            life.start_on(life.flash.after_reboot())
        except BaseException:
            print("seed", seed)
            raise
    return cuts


def _turn(life):
    try:
        life.turn()
        return 0
    except PowerCut:
        life.start_on(life.flash.after_reboot())
        return 1


def cut(life):
    """Now and then the power goes some bytes on, wherever that is."""
    flash = life.flash
    if flash.cut_after is None and life.random.below(12) == 0:
        flash.cut_after = flash.written + life.random.below(1 + (40, 600, 4000)[life.random.below(3)])


def stop(life):
    """Now and then it goes between two steps."""
    if life.random.below(15) == 0:
        life.start_on(life.flash.after_reboot())


def refuse(life):
    """Now and then flash takes but the front of what is written, for some turns."""
    flash = life.flash
    if flash.refuse_after is not None:
        if life.random.below(2):
            flash.refuse_after = None
    elif life.random.below(20) == 0:
        flash.refuse_after = life.random.below(200)


def keep_files(life):
    """Now and then flash does not let go of a file, once."""
    if life.random.below(6) == 0:
        life.flash.remove = _refusing(life.flash)


def _refusing(flash):
    works = flash.__class__.remove

    def refuse(_name):
        flash.remove = lambda name: works(flash, name)
        raise OSError(5)

    return refuse


def leave(life):
    """Now and then what is under way never comes to its end."""
    if life.random.below(30) == 0:
        life.steps = None


def test_a_ledger_that_is_cut_at_any_byte_of_any_step_holds_what_it_had_made_durable():
    assert lives(1000, _LIVES, cut) > _LIVES


def test_a_ledger_that_starts_between_any_two_steps_holds_what_it_had_made_durable():
    lives(3000, _LIVES, stop)


def test_a_ledger_whose_flash_refuses_any_write_and_is_cut_loses_and_doubles_nothing():
    lives(5000, _LIVES, refuse, cut, stop)


def test_a_ledger_whose_flash_keeps_what_is_to_be_removed_names_no_entry_that_is_not_there():
    lives(7000, _LIVES, keep_files, stop, cut)


def test_a_ledger_whose_housekeeping_is_left_in_the_middle_goes_on():
    lives(9000, _LIVES, leave, stop, cut)
