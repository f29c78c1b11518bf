// The boot ROM that firmware finds at address 0: the tables of the RP2040's data sheet (2.8.2, 2.8.3), and functions that
// the host carries out. Each is `bkpt #n; bx lr`: the breakpoint calls the host, which reads and sets the registers.

import { DOUBLES, FLOATS } from "./softfloat.mjs";

const FUNCTION_TABLE = 0x100;
const DATA_TABLE = 0x180;
const FLOAT_TABLE = 0x200;
const DOUBLE_TABLE = 0x300;
const CODE = 0x400;
const ROM_END = 0x4000;
const THUMB = 1;
const VERSION = 3; // of the ROM: the soft float table is whole
const BKPT = 0xbe00;
const BX_LR = 0x4770;

function popcount(bits) {
  let count = 0;
  for (let rest = bits; rest; rest &= rest - 1) count += 1;
  return count;
}

function reversed(bits) {
  let result = 0;
  for (let i = 0; i < 32; i += 1) result = (result << 1) | ((bits >>> i) & 1);
  return result >>> 0;
}

/** What the ROM does with memory and flash; each takes the registers r0 to r3 and leaves its result in them. */
function functions(chip, flash) {
  const nothing = () => {};
  const fill = (r) => {
    for (let i = 0; i < r[2]; i += 1) chip.writeUint8(r[0] + i, r[1] & 0xff);
  };
  const copy = (r) => {
    for (let i = 0; i < r[2]; i += 1) chip.writeUint8(r[0] + i, chip.readUint8(r[1] + i));
  };
  const program = (r) => {
    const data = new Uint8Array(r[2]);
    for (let i = 0; i < r[2]; i += 1) data[i] = chip.readUint8(r[1] + i);
    flash.program(r[0], data);
  };
  return {
    P3: (r) => (r[0] = popcount(r[0])),
    R3: (r) => (r[0] = reversed(r[0])),
    L3: (r) => (r[0] = Math.clz32(r[0])),
    T3: (r) => (r[0] = r[0] ? 31 - Math.clz32(r[0] & -r[0]) : 32),
    MS: fill,
    S4: fill,
    MC: copy,
    C4: copy,
    IF: nothing, // connect_internal_flash, and what follows it around each command
    EX: nothing,
    FC: nothing,
    CX: nothing,
    RE: (r) => flash.erase(r[0], r[1]),
    RP: program,
  };
}

/** Lays the ROM out in `chip`; `flash` takes its erase and program calls. */
export function install(chip, flash) {
  const view = new DataView(chip.bootrom.buffer);
  const calls = [];
  let end = CODE;

  const routine = (call) => {
    const at = end;
    view.setUint16(at, BKPT | calls.length, true);
    view.setUint16(at + 2, BX_LR, true);
    calls.push(call);
    end += 4;
    return at | THUMB;
  };
  const table = (at, rows) => {
    const found = new Map();
    for (const [name, pointer] of rows) found.set(name.charCodeAt(0) | (name.charCodeAt(1) << 8), pointer);
    view.setUint16(at + 4 * found.size, 0, true);
    return found;
  };

  const code = table(FUNCTION_TABLE, Object.entries(functions(chip, flash)).map(([name, call]) => [name, routine(call)]));
  const data = table(DATA_TABLE, [["SF", FLOAT_TABLE], ["SD", DOUBLE_TABLE]]);
  FLOATS.forEach((call, i) => view.setUint32(FLOAT_TABLE + 4 * i, routine(call), true));
  DOUBLES.forEach((call, i) => view.setUint32(DOUBLE_TABLE + 4 * i, routine(call), true));
  new Uint8Array(chip.bootrom.buffer).set([0x4d, 0x75, 0x01, VERSION], 0x10); // "Mu", 1
  view.setUint16(0x14, FUNCTION_TABLE, true);
  view.setUint16(0x16, DATA_TABLE, true);
  view.setUint16(0x18, routine((r) => (r[0] = (r[0] === DATA_TABLE ? data : code).get(r[1]) ?? 0)), true);

  chip.onBreak = (number) => {
    const { core } = chip;
    if (core.PC >= ROM_END) throw new Error(`the firmware stopped at a breakpoint, pc ${core.PC.toString(16)}`);
    calls[number](core.registers, core);
  };
}
