// What a gateway's board has around the chip, by its map: keypad, display, valves with end switches, pulse contacts, lid.

import { I2CMode } from "rp2040js";
import { Expander } from "./expander.mjs";
import { Lcd } from "./lcd.mjs";

const TRAVEL_NS = 2e9; // of a motor valve from end to end
const ARRIVED = 1e-6; // so near to an end is at it: less than a step of the clock would last for ever
const FIRST_EXPANDED = 100; // the numbers of a map from here on are lines of expanders
const FIRST_EXPANDER = 0x20;

/** A contact joins a pin to ground while it is closed. */
class Contact {
  constructor(pin) {
    this.pin = pin;
  }

  set(closed) {
    this.pin.grounded = closed;
    this.pin.settle();
  }
}

/** Keys join a row to a column; a row that the chip pulls low pulls the column of a pressed key. */
class Keypad {
  constructor(rows, columns, keys) {
    this.rows = rows;
    this.columns = columns;
    this.keys = keys;
    this.down = new Set();
    this.onPress = () => {};
    for (const row of rows) row.addListener(() => this.settle());
  }

  press(key, down) {
    if (!this.keys.includes(key)) throw new Error(`there is no key ${key}`);
    if (down) this.onPress();
    if (down) this.down.add(key);
    else this.down.delete(key);
    this.settle();
  }

  settle() {
    this.columns.forEach((column, c) => {
      column.grounded = this.rows.some((row, r) => this.down.has(this.keys[r * this.columns.length + c]) && isLow(row));
      column.settle();
    });
  }
}

const isLow = (pin) => pin.outputEnable && !pin.outputValue;
const isHigh = (pin) => pin.outputEnable && pin.outputValue;

/** A motor valve: it moves while just one line is high; 0 is closed, 1 open. */
export class Valve {
  constructor(clock, [opens, closes, opened, closed], position) {
    this.clock = clock;
    this.lines = { opens, closes };
    this.ends = [new Contact(closed), new Contact(opened)];
    this.position = position;
    this.since = clock.nanos;
    this.direction = 0;
    this.motions = 0;
    this.drivenAt = this.restedAt = 0;
    this.arrival = clock.createAlarm(() => this.move());
    for (const line of [opens, closes]) line.addListener(() => this.move());
    this.move(); // an expander may have kept a line high over a reset of the chip
  }

  move() {
    const now = this.clock.nanos;
    this.position += (this.direction * (now - this.since)) / TRAVEL_NS;
    if (this.position < ARRIVED) this.position = 0;
    if (this.position > 1 - ARRIVED) this.position = 1;
    this.since = now;
    const direction = Number(isHigh(this.lines.opens)) - Number(isHigh(this.lines.closes));
    if (direction && direction !== this.direction) {
      this.motions += 1;
      this.drivenAt = now;
    }
    if (!direction && this.direction) this.restedAt = now;
    this.direction = direction;
    const left = direction > 0 ? 1 - this.position : this.position;
    if (direction && left > 0) this.arrival.schedule(left * TRAVEL_NS);
    else this.arrival.cancel();
    this.settle();
  }

  settle() {
    this.ends[0].set(this.position === 0);
    this.ends[1].set(this.position === 1);
  }
}

/** Everything that is wired to a chip by a board map. `positions` of valves outlive a loss of power, `expanders` a reset. */
export class Parts {
  constructor(chip, map, positions, expanders) {
    const pin = (number) => (number < FIRST_EXPANDED ? chip.gpio[number] : expanded(expanders, number - FIRST_EXPANDED));
    for (const expander of expanders.values()) expander.unwire();
    this.clock = chip.clock;
    this.lcd = new Lcd(map.LCD_COLUMNS, map.LCD_ROWS);
    this.keypad = new Keypad(map.KEYPAD_ROWS.map(pin), map.KEYPAD_COLS.map(pin), map.KEYPAD_KEYS);
    this.pressedAt = this.changedAt = this.failedAt = 0;
    this.keypad.onPress = () => (this.pressedAt = this.clock.nanos);
    this.lcd.onChange = () => (this.changedAt = this.clock.nanos);
    this.pulses = map.PULSE_PINS.map((number) => new Contact(pin(number)));
    this.lid = new Contact(pin(map.TAMPER_PIN));
    this.lid.set(true);
    this.supply = map.POWER_FAIL_PIN >= 0 ? new Contact(pin(map.POWER_FAIL_PIN)) : null; // closed while it fails
    this.valves = map.VALVE_OPEN_PINS.map((_, i) => {
      const names = ["VALVE_OPEN_PINS", "VALVE_CLOSE_PINS", "VALVE_OPENED_PINS", "VALVE_CLOSED_PINS"];
      return new Valve(chip.clock, names.map((name) => pin(map[name][i])), positions[i] ?? 0);
    });
    connect(chip.i2c[map.LCD_I2C_ID], new Map([[map.LCD_I2C_ADDRESS, this.lcd], ...expanders]));
  }

  /** Its supervisor says so while the supply fails. */
  failSupply(failing) {
    this.supply.set(failing);
    if (failing) this.failedAt = this.clock.nanos;
  }

  /** When something was last done or seen, in milliseconds of the chip since it started. */
  seen() {
    const ms = (ns) => Number((ns / 1e6).toFixed(3));
    const [key, display, supply] = [this.pressedAt, this.changedAt, this.failedAt].map(ms);
    const [valves, rested] = ["drivenAt", "restedAt"].map((name) => this.valves.map((valve) => ms(valve[name])));
    return { key, display, supply, valves, rested };
  }

  positions() {
    for (const valve of this.valves) valve.move();
    return this.valves.map((valve) => Number(valve.position.toFixed(3)));
  }
}

/** The line of an expander, which is made when it is first named. */
function expanded(expanders, index) {
  const address = FIRST_EXPANDER + (index >> 4);
  if (!expanders.has(address)) expanders.set(address, new Expander());
  return expanders.get(address).lines[index & 15];
}

/** Puts devices on a bus, by address. */
function connect(bus, devices) {
  let device = null;
  bus.onConnect = (address, mode) => {
    device = devices.get(address) ?? null;
    device?.connect?.(mode === I2CMode.Read);
    bus.completeConnect(device !== null);
  };
  bus.onWriteByte = (byte) => {
    device?.write(byte);
    bus.completeWrite(device !== null);
  };
  bus.onReadByte = () => bus.completeRead(device?.read?.() ?? 0xff);
  bus.onStop = () => bus.completeStop();
}
