// The flash chip: it outlives every loss of power, is kept in a file, and can lose power in the middle of a command.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

export const SIZE = 2 * 1024 * 1024;
const ERASED = 0xff;

/** Thrown out of the running chip when its power is gone. */
export class PowerLoss extends Error {}

export class Flash {
  /** `path` keeps the contents between runs; a missing file is a new, erased chip. */
  constructor(path) {
    this.path = path;
    this.bytes = new Uint8Array(SIZE).fill(ERASED);
    if (existsSync(path)) this.bytes.set(readFileSync(path));
    this.identity = createHash("sha256").update(path).digest().subarray(0, 8);
    this.erased = 0;
    this.programmed = 0;
    this.commands = 0;
    this.cutAt = 0;
    this.onTime = () => {};
  }

  /** Lose power at the n-th command from now, 1 being the next, with that one done only in part. */
  cutAfter(commands) {
    this.cutAt = this.commands + commands;
  }

  erase(offset, length) {
    const done = this.begin(length);
    this.bytes.fill(ERASED, offset, offset + done);
    this.erased += length;
    this.onTime((length / 4096) * 45e6); // W25Q16JV: 45 ms for a sector
    this.end(done, length);
  }

  program(offset, data) {
    const done = this.begin(data.length);
    for (let i = 0; i < done; i += 1) this.bytes[offset + i] &= data[i];
    this.programmed += data.length;
    this.onTime((data.length / 256) * 0.4e6); // and 0.4 ms for a page
    this.end(done, data.length);
  }

  begin(length) {
    this.commands += 1;
    return this.commands === this.cutAt ? length >>> 1 : length;
  }

  end(done, length) {
    if (done === length) return;
    this.save();
    throw new PowerLoss(`power was cut at flash command ${this.commands}`);
  }

  save() {
    writeFileSync(this.path, this.bytes);
  }
}
