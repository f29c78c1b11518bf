// The flash chip: it outlives every loss of power, is kept in a file, and can lose power in the middle of a command.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const ERASED = 0xff;
const TORN_BYTES = 256; // whose bits may hold or not, where a command was cut short

/** Thrown out of the running chip when its power is gone. */
export class PowerLoss extends Error {}

/** Random numbers of 32 bits from a seed (xorshift). */
function noise(seed) {
  let x = Math.imul(seed + 1, 0x9e3779b1) || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

export class Flash {
  /** `path` keeps the contents between runs; a missing file is a new, erased chip of `size` bytes that `image` is put on. */
  constructor(path, size, image) {
    this.path = path;
    this.bytes = new Uint8Array(size).fill(ERASED);
    this.bytes.set(existsSync(path) ? readFileSync(path) : image);
    this.identity = createHash("sha256").update(path).digest().subarray(0, 8);
    this.erased = 0;
    this.programmed = 0;
    this.commands = 0;
    this.cutAt = 0;
    this.onTime = () => {};
  }

  /** Lose power at the n-th command from now, 1 being the next, with that one torn as `seed` says; 0: never. */
  cutAfter(commands, seed = 0) {
    this.cutAt = commands ? this.commands + commands : 0;
    this.noise = noise(seed);
  }

  erase(offset, length) {
    const done = this.begin(length);
    this.bytes.fill(ERASED, offset, offset + done);
    for (let i = done; i < Math.min(length, done + TORN_BYTES); i += 1) this.bytes[offset + i] |= this.noise();
    this.erased += length;
    this.onTime((done / 4096) * 45e6); // W25Q16JV: 45 ms for a sector
    this.end(done, length, "erase");
  }

  program(offset, data) {
    const done = this.begin(data.length);
    for (let i = 0; i < done; i += 1) this.bytes[offset + i] &= data[i];
    if (done < data.length) this.bytes[offset + done] &= data[done] | this.noise();
    this.programmed += data.length;
    this.onTime((done / 256) * 0.4e6); // and 0.4 ms for a page
    this.end(done, data.length, "program");
  }

  begin(length) {
    this.commands += 1;
    return this.commands === this.cutAt ? this.noise() % length : length;
  }

  end(done, length, command) {
    if (done === length) return;
    this.save();
    throw new PowerLoss(`power was cut in flash command ${this.commands}, ${command}`);
  }

  save() {
    writeFileSync(this.path, this.bytes);
  }
}
