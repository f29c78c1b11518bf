// A board under power: the chip, its parts, and the passing of time. Flash and valves outlive each loss of power.

import { NS_PER_CYCLE, start } from "./chip.mjs";
import { PowerLoss } from "./flash.mjs";
import { Parts } from "./parts.mjs";

const SLICE_NS = 5e6; // of the board's time, between two looks at the sockets

const IDLE_NS = 1e5;

export class Board {
  constructor(flash, map, { onSerial }) {
    this.flash = flash;
    this.map = map;
    this.onSerial = onSerial;
    this.chip = null;
    this.parts = null;
    this.valves = [];
    this.resets = 0;
    this.lost = "";
    this.nanosBefore = 0; // of earlier chips, for time goes on over a reset
    this.actions = [];
    this.speed = 1; // how many times faster than the clock on the wall an idle board may be
  }

  get nanos() {
    return this.nanosBefore + (this.chip ? this.chip.clock.nanos : 0);
  }

  powerOn(cause = {}) {
    this.lost = "";
    const onReset = (reason, scratch) => (this.pendingReset = { reason, scratch: scratch.slice() });
    this.chip = start(this.flash, { ...cause, onReset, onSerial: this.onSerial });
    this.parts = new Parts(this.chip, this.map, this.valves);
    this.pendingReset = null;
  }

  powerOff() {
    if (!this.chip) return;
    this.nanosBefore += this.chip.clock.nanos;
    this.valves = this.parts.valves.map((valve) => valve.position);
    this.chip = null;
    this.parts = null;
    this.flash.save();
    for (const { action } of this.actions.splice(0)) action(); // who waits for them is answered
  }

  /** Let something happen after a time of the board, e.g. the end of a key press; at once where no time passes. */
  after(ms, action) {
    if (!this.chip) return action();
    this.actions.push({ at: this.nanos + ms * 1e6, action });
    return this.actions.sort((a, b) => a.at - b.at);
  }

  /** Run for a slice of instructions. */
  run() {
    if (!this.chip) return;
    try {
      this.runSlice();
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      this.lost = error.message;
      this.powerOff();
    }
  }

  runSlice() {
    const { core, clock } = this.chip;
    const end = clock.nanos + SLICE_NS;
    while (clock.nanos < end && !this.pendingReset) {
      if (core.waiting) clock.tick(Math.max(NS_PER_CYCLE, Math.min(clock.nanosToNextAlarm || IDLE_NS, IDLE_NS)));
      else clock.tick(core.executeInstruction() * NS_PER_CYCLE);
      if (this.actions.length && this.actions[0].at <= this.nanos) this.actions.shift().action();
    }
    if (this.pendingReset) {
      const cause = this.pendingReset;
      this.powerOff();
      this.resets += 1;
      this.powerOn(cause);
    }
  }
}
