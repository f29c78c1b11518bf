// An MCP23017 on I2C (IOCON.BANK = 0): sixteen lines that parts are wired to like the chip's own pins. It outlives a reset
// of the chip, not a loss of power.

const [DIRECTION, PULL_UP, LEVELS, OUTPUTS, END] = [0x00, 0x0c, 0x12, 0x14, 0x16];

/** One line, with the part of the chip's pins that contacts and valves use. */
class Line {
  constructor(expander, bit) {
    this.expander = expander;
    this.bit = bit;
    this.grounded = false;
    this.listeners = [];
  }

  of(register) {
    return Boolean((this.expander.registers[register + (this.bit >> 3)] >> (this.bit & 7)) & 1);
  }

  get outputEnable() {
    return !this.of(DIRECTION);
  }

  get outputValue() {
    return this.of(OUTPUTS);
  }

  get level() {
    return this.outputEnable ? this.outputValue : this.of(PULL_UP) && !this.grounded;
  }

  addListener(listener) {
    this.listeners.push(listener);
  }

  settle() {} // it is looked at when it is read
}

export class Expander {
  constructor() {
    this.registers = new Uint8Array(END).fill(0xff, DIRECTION, DIRECTION + 2);
    this.unwire();
  }

  /** What hung on it goes; what it holds stays. */
  unwire() {
    this.lines = Array.from({ length: 16 }, (_, bit) => new Line(this, bit));
    this.register = null;
  }

  connect(reads) {
    if (!reads) this.register = null;
  }

  write(byte) {
    if (this.register === null) {
      this.register = byte;
      return;
    }
    const levels = this.register >= LEVELS && this.register < OUTPUTS; // what is written there goes to the latch
    this.registers[levels ? this.register + OUTPUTS - LEVELS : this.register] = byte;
    this.register = (this.register + 1) % END;
    for (const line of this.lines) for (const listener of line.listeners) listener();
  }

  read() {
    const at = this.register ?? 0;
    this.register = (at + 1) % END;
    if (at < LEVELS || at >= OUTPUTS) return this.registers[at];
    const first = 8 * (at - LEVELS);
    return this.lines.slice(first, first + 8).reduce((bits, line, i) => bits | (Number(line.level) << i), 0);
  }
}
