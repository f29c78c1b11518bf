// An RP2040 with what the library lacks: a ring oscillator with random bits, a watchdog that resets the chip,
// UARTs that take their time, outputs that read back, and a USB endpoint that completes only what the host has sent.

import { randomBytes } from "node:crypto";
import { ConsoleLogger, GPIOPinState, LogLevel, RP2040, USBCDC } from "rp2040js";
import { install } from "./bootrom.mjs";
import { paceStateMachines, paceTransfers } from "./pace.mjs";
import { addSecondCore } from "./second_core.mjs";
import { Uart } from "./uarts.mjs";

export const NS_PER_CYCLE = 8; // 125 MHz
const VECTORS = 0x10000100; // of the loader, behind the 256 bytes of the second stage, which a ROM would run first
const [XOR, SET, CLEAR] = [1, 2, 3];
const ROSC_STATUS = 0x18;
const ROSC_RANDOM_BIT = 0x1c;
const ROSC_STABLE = 0x80001000;
const SSI_DATA = 0x60;
const FLASH_READ_IDENTITY = 0x4b; // W25Q16JV: four bytes of nothing, then eight of the number

/** Registers that are kept and do nothing. */
class Registers {
  constructor() {
    this.values = new Map();
  }

  readUint32(offset) {
    return this.values.get(offset) ?? 0;
  }

  writeUint32Atomic(offset, value, kind) {
    const old = this.readUint32(offset);
    const written = kind === XOR ? old ^ value : kind === SET ? old | value : kind === CLEAR ? old & ~value : value;
    this.values.set(offset, written >>> 0);
  }
}

class RingOscillator extends Registers {
  constructor() {
    super();
    this.bits = [];
  }

  readUint32(offset) {
    if (offset === ROSC_STATUS) return ROSC_STABLE;
    if (offset !== ROSC_RANDOM_BIT) return super.readUint32(offset);
    if (!this.bits.length) this.bits = [...randomBytes(256)];
    return this.bits.pop() & 1;
  }
}

/** The flash tells its number when it is asked over the serial port that otherwise reads code. */
function answerIdentity(chip, identity) {
  const port = chip.peripherals[0x18000];
  const [read, write] = [port.readUint32.bind(port), port.writeUint32.bind(port)];
  let answer = [];
  port.readUint32 = (offset) => (offset === SSI_DATA && answer.length ? answer.shift() : read(offset));
  port.writeUint32 = (offset, value) => {
    if (offset === SSI_DATA && value === FLASH_READ_IDENTITY && !answer.length) answer = [0, 0, 0, 0, 0, ...identity];
    else write(offset, value);
  };
}

/** A pad sees its own output, and a pin that drives nothing is pulled, unless something outside joins it to ground. */
function readBack(chip) {
  for (const pin of chip.gpio) {
    pin.grounded = false;
    pin.settle = () => {
      const { value } = pin;
      const high = value === GPIOPinState.High || (value !== GPIOPinState.Low && pin.pullupEnabled);
      const level = high && !pin.grounded;
      if (level !== pin.rawInputValue) pin.setInputValue(level);
    };
    pin.addListener(pin.settle);
  }
}

/** The library ends each OUT transfer at once, also with nothing to give, which wakes the chip for ever. */
function serialPort(chip) {
  const port = new USBCDC(chip.usbCtrl);
  const waiting = [];
  let room = 0;
  const give = () => {
    if (!room || !waiting.length) return;
    const data = Uint8Array.from(waiting.splice(0, room));
    room = 0;
    chip.usbCtrl.endpointReadDone(port.outEndpoint, data);
  };
  chip.usbCtrl.onEndpointRead = (endpoint, size) => {
    if (endpoint !== port.outEndpoint) return;
    room = size;
    give();
  };
  port.send = (bytes) => {
    waiting.push(...bytes);
    give();
  };
  return port;
}

/** Returns a chip that is about to start what is in `flash`; `onReset(reason)` is called when its watchdog says so. */
export function start(flash, { reason = 0, scratch, onReset, onSerial }) {
  const chip = new RP2040();
  chip.logger = new ConsoleLogger(LogLevel.Error);
  chip.peripherals[0x40060] = new RingOscillator();
  chip.peripherals[0x40018] = new Registers(); // pads of the flash
  chip.peripherals[0x40064] = new Registers(); // voltage
  chip.flash = flash.bytes;
  chip.flashView = new DataView(flash.bytes.buffer);
  chip.flash16 = new Uint16Array(flash.bytes.buffer);
  flash.onTime = (ns) => chip.clock.tick(ns);
  install(chip, flash);
  answerIdentity(chip, flash.identity);
  chip.uarts = chip.uart.map((uart) => new Uart(uart, chip.clock));
  addSecondCore(chip);
  readBack(chip);
  paceStateMachines(chip);
  paceTransfers(chip);
  const watchdog = chip.peripherals[0x40058];
  watchdog.reason = reason;
  if (scratch) watchdog.scratchData.set(scratch);
  watchdog.onWatchdogTrigger = () => {
    watchdog.timer.enable = false; // or it would run out again and again, in no time
    onReset(watchdog.reason, watchdog.scratchData);
  };
  chip.serial = serialPort(chip);
  chip.serial.onSerialData = onSerial;
  chip.core.VTOR = VECTORS;
  chip.core.SP = chip.readUint32(VECTORS);
  chip.core.PC = chip.readUint32(VECTORS + 4) & ~1;
  return chip;
}
