// The flash chip: it outlives every loss of power, is kept in a file, and can lose power in the middle of a command.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const ERASED = 0xff;
const ERASE_NS = 45e6; // of a sector of 4096 bytes; W25Q16JV, typically
const PROGRAM_NS = 0.4e6; // of a page of 256
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
    this.cutIn = 0; // so many commands of a kind from now; 0 or less: never
    this.cutKind = "";
    this.noise = noise(0);
    this.onTime = () => {};
    this.left = () => Infinity; // nanoseconds until a supply that fails is gone
  }

  /**
   * Lose power at the n-th command from now, 1 being the next, with that one torn as `seed` says; 0: never.
   * With a `kind`, "erase" or "program", only commands of this kind are counted.
   */
  cutAfter(commands, seed = 0, kind = "") {
    if (!["", "erase", "program"].includes(kind)) throw new Error(`no flash command is called ${kind}`);
    this.cutIn = commands;
    this.cutKind = kind;
    this.noise = noise(seed);
  }

  erase(offset, length) {
    const ns = (length / 4096) * ERASE_NS;
    const done = this.begin("erase", length, ns);
    this.bytes.fill(ERASED, offset, offset + done);
    for (let i = done; i < Math.min(length, done + TORN_BYTES); i += 1) this.bytes[offset + i] |= this.noise();
    this.erased += length;
    this.onTime((done / length) * ns);
    this.end(done, length, "erase");
  }

  program(offset, data) {
    const ns = (data.length / 256) * PROGRAM_NS;
    const done = this.begin("program", data.length, ns);
    for (let i = 0; i < done; i += 1) this.bytes[offset + i] &= data[i];
    if (done < data.length) this.bytes[offset + done] &= data[done] | this.noise();
    this.programmed += data.length;
    this.onTime((done / data.length) * ns);
    this.end(done, data.length, "program");
  }

  /** How many bytes of a command are done before the power is gone. */
  begin(command, length, ns) {
    this.commands += 1;
    const counts = this.cutKind === "" || this.cutKind === command;
    if (counts && (this.cutIn -= 1) === 0) return this.noise() % length;
    return Math.min(length, Math.floor((length * Math.max(0, this.left())) / ns));
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
