// The soft float table of the boot ROM (RP2040 data sheet, 2.8.3.2), in its order. Registers in, registers out.

const box = new DataView(new ArrayBuffer(8));
const getFloat = (bits) => (box.setUint32(0, bits, true), box.getFloat32(0, true));
const putFloat = (value) => (box.setFloat32(0, value, true), box.getUint32(0, true));

const WORD = [-(2n ** 31n), 2n ** 31n - 1n, 32];
const UWORD = [0n, 2n ** 32n - 1n, 32];
const LONG = [-(2n ** 63n), 2n ** 63n - 1n, 64];
const ULONG = [0n, 2n ** 64n - 1n, 64];

function putLong(r, bits) {
  r[0] = Number(bits & 0xffffffffn);
  r[1] = Number(bits >> 32n);
}

function getLong(r, signed) {
  const bits = (BigInt(r[1]) << 32n) | BigInt(r[0]);
  return Number(signed ? BigInt.asIntN(64, bits) : bits);
}

function saturated(value, [least, most]) {
  if (Number.isNaN(value)) return 0n;
  if (value <= Number(least)) return least;
  return value >= Number(most) ? most : BigInt(value);
}

/** A conversion to an integer rounds down; a fixed-point one takes the places of its fraction in r1. */
function toInteger(range, fixed) {
  return (r) => {
    const scale = fixed ? 2 ** (r[1] | 0) : 1;
    const bits = BigInt.asUintN(range[2], saturated(Math.floor(getFloat(r[0]) * scale), range));
    if (range[2] === 64) putLong(r, bits);
    else r[0] = Number(bits);
  };
}

const one = (operation) => (r) => (r[0] = putFloat(operation(getFloat(r[0]))));
const two = (operation) => (r) => (r[0] = putFloat(operation(getFloat(r[0]), getFloat(r[1]))));
const order = (a, b) => (a < b ? -1 : Number(a > b));
const compare = (r) => (r[0] = order(getFloat(r[0]), getFloat(r[1])));

function compareInFlags(r, core) {
  const [a, b] = [getFloat(r[0]), getFloat(r[1])];
  core.Z = a === b;
  core.C = a >= b;
  core.N = a < b;
  core.V = false;
}

function sineAndCosine(r) {
  const angle = getFloat(r[0]);
  r[0] = putFloat(Math.sin(angle));
  r[1] = putFloat(Math.cos(angle));
}

function toDouble(r) {
  box.setFloat64(0, getFloat(r[0]), true);
  [r[0], r[1]] = [box.getUint32(0, true), box.getUint32(4, true)];
}

export const FLOATS = [
  two((a, b) => a + b),
  two((a, b) => a - b),
  two((a, b) => a * b),
  two((a, b) => a / b),
  compare,
  compareInFlags,
  one(Math.sqrt),
  toInteger(WORD, false),
  toInteger(WORD, true),
  toInteger(UWORD, false),
  toInteger(UWORD, true),
  (r) => (r[0] = putFloat(r[0] | 0)),
  (r) => (r[0] = putFloat((r[0] | 0) / 2 ** (r[1] | 0))),
  (r) => (r[0] = putFloat(r[0])),
  (r) => (r[0] = putFloat(r[0] / 2 ** (r[1] | 0))),
  one(Math.cos),
  one(Math.sin),
  one(Math.tan),
  sineAndCosine,
  one(Math.exp),
  one(Math.log),
  compare,
  two(Math.atan2),
  (r) => (r[0] = putFloat(getLong(r, true))),
  (r) => (r[0] = putFloat(getLong(r, true) / 2 ** (r[2] | 0))),
  (r) => (r[0] = putFloat(getLong(r, false))),
  (r) => (r[0] = putFloat(getLong(r, false) / 2 ** (r[2] | 0))),
  toInteger(LONG, false),
  toInteger(LONG, true),
  toInteger(ULONG, false),
  toInteger(ULONG, true),
  toDouble,
];

/** MicroPython computes with single precision here, so no firmware of ours may call one of these. */
export const DOUBLES = FLOATS.map((_, i) => () => {
  throw new Error(`the firmware called function ${i} of the double table, which is not there`);
});
