// A board under power: the chip, its parts, and the passing of time. Flash and valves outlive each loss of power.

import { NS_PER_CYCLE, start } from "./chip.mjs";
import { PowerLoss } from "./flash.mjs";
import { Parts } from "./parts.mjs";

const SLICE_NS = 5e6; // of the board's time, between two looks at the sockets

const IDLE_NS = 1e5;

export class Board {
  constructor(flash, map, { onSerial, onUart, onDark }) {
    this.flash = flash;
    this.map = map;
    this.onSerial = onSerial;
    this.onUart = onUart;
    this.onDark = onDark;
    this.chip = null;
    this.parts = null;
    this.valves = [];
    this.expanders = new Map(); // by address
    this.resets = 0;
    this.lost = "";
    this.seen = {};
    this.goneAt = Infinity; // when a supply that fails is gone
    this.nanosBefore = 0; // of earlier chips, for time goes on over a reset
    this.actions = [];
    this.speed = 1; // how many times faster than the clock on the wall an idle board may be
  }

  get nanos() {
    return this.nanosBefore + (this.chip ? this.chip.clock.nanos : 0);
  }

  powerOn(cause = {}) {
    if (this.chip) return;
    this.lost = "";
    this.goneAt = Infinity;
    this.flash.left = () => this.goneAt - this.nanos;
    const onReset = (reason, scratch) => (this.pendingReset = { reason, scratch: scratch.slice() });
    this.chip = start(this.flash, { ...cause, onReset, onSerial: this.onSerial });
    this.parts = new Parts(this.chip, this.map, this.valves, this.expanders);
    this.pendingReset = null;
    for (const due of this.actions) this.arm(due);
  }

  powerOff() {
    if (!this.chip) return;
    this.stop();
    this.expanders.clear();
    this.onDark();
    for (const { action } of this.actions.splice(0)) action(); // who waits for them is answered
  }

  /** The supply begins to fail, and so many milliseconds later it is gone, whatever the chip is doing then. */
  brownOut(ms) {
    this.parts.failSupply(true);
    this.goneAt = this.nanos + ms * 1e6;
    this.after(ms, () => {
      if (this.chip) throw new PowerLoss("the supply failed");
    });
  }

  /** What a reset and a loss of power have in common. */
  stop() {
    this.nanosBefore += this.chip.clock.nanos;
    this.parts.positions(); // brings moving valves up to date
    this.valves = this.parts.valves.map((valve) => valve.position);
    this.seen = this.parts.seen();
    this.chip = null;
    this.parts = null;
    this.flash.save();
  }

  /** Let something happen after a time of the board, e.g. the end of a key press; at once where no time passes. */
  after(ms, action) {
    if (!this.chip) return action();
    const due = { at: this.nanos + ms * 1e6, action };
    this.actions.push(due);
    return this.arm(due);
  }

  /** An alarm goes off during a flash command, too; a reset takes it to the next chip. */
  arm(due) {
    const alarm = this.chip.clock.createAlarm(() => {
      this.actions.splice(this.actions.indexOf(due), 1);
      due.action();
    });
    alarm.schedule(Math.max(0, due.at - this.nanos));
  }

  /** Run for a slice of instructions. */
  run() {
    if (!this.chip) return;
    try {
      this.runSlice();
      this.chip.uarts.forEach((uart, i) => this.giveUart(i, uart.take()));
    } catch (error) {
      if (!(error instanceof PowerLoss)) throw error;
      this.lost = error.message;
      this.powerOff();
    }
  }

  giveUart(i, bytes) {
    if (bytes) this.onUart(i, bytes);
  }

  runSlice() {
    const { core, clock } = this.chip;
    const end = clock.nanos + SLICE_NS;
    while (clock.nanos < end && !this.pendingReset) {
      if (core.waiting) clock.tick(Math.max(NS_PER_CYCLE, Math.min(clock.nanosToNextAlarm || IDLE_NS, IDLE_NS)));
      else clock.tick(core.executeInstruction() * NS_PER_CYCLE);
    }
    if (this.pendingReset) {
      const cause = this.pendingReset;
      this.stop();
      this.resets += 1;
      this.powerOn(cause);
    }
  }
}
