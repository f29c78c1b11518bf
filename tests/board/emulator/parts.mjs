// What a gateway's board has around the chip, by its map: keypad, display, valves with end switches, pulse contacts, lid.

import { Lcd } from "./lcd.mjs";

const TRAVEL_NS = 2e9; // of a motor valve from end to end

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
    for (const row of rows) row.addListener(() => this.settle());
  }

  press(key, down) {
    if (!this.keys.includes(key)) throw new Error(`there is no key ${key}`);
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
class Valve {
  constructor(clock, [opens, closes, opened, closed], position) {
    this.clock = clock;
    this.lines = { opens, closes };
    this.ends = [new Contact(closed), new Contact(opened)];
    this.position = position;
    this.since = clock.nanos;
    this.direction = 0;
    this.motions = 0;
    this.arrival = clock.createAlarm(() => this.move());
    for (const line of [opens, closes]) line.addListener(() => this.move());
    this.settle();
  }

  move() {
    const now = this.clock.nanos;
    this.position += (this.direction * (now - this.since)) / TRAVEL_NS;
    this.position = Math.min(1, Math.max(0, this.position));
    this.since = now;
    const direction = Number(isHigh(this.lines.opens)) - Number(isHigh(this.lines.closes));
    if (direction && direction !== this.direction) this.motions += 1;
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

/** Everything that is wired to a chip by a board map; `valves` are the positions that outlive a loss of power. */
export class Parts {
  constructor(chip, map, positions) {
    const pin = (number) => chip.gpio[number];
    this.clock = chip.clock;
    this.lcd = new Lcd(map.LCD_COLUMNS, map.LCD_ROWS);
    this.keypad = new Keypad(map.KEYPAD_ROWS.map(pin), map.KEYPAD_COLS.map(pin), map.KEYPAD_KEYS);
    this.pulses = map.PULSE_PINS.map((number) => new Contact(pin(number)));
    this.lid = new Contact(pin(map.TAMPER_PIN));
    this.lid.set(true);
    this.valves = map.VALVE_OPEN_PINS.map((_, i) => {
      const names = ["VALVE_OPEN_PINS", "VALVE_CLOSE_PINS", "VALVE_OPENED_PINS", "VALVE_CLOSED_PINS"];
      return new Valve(chip.clock, names.map((name) => pin(map[name][i])), positions[i] ?? 0);
    });
    connectDisplay(chip.i2c[map.LCD_I2C_ID], map.LCD_I2C_ADDRESS, this.lcd);
  }

  positions() {
    return this.valves.map((valve) => Number(valve.position.toFixed(3)));
  }
}

function connectDisplay(bus, address, lcd) {
  let chosen = false;
  bus.onConnect = (wanted) => {
    chosen = wanted === address;
    bus.completeConnect(chosen);
  };
  bus.onWriteByte = (byte) => {
    if (chosen) lcd.write(byte);
    bus.completeWrite(chosen);
  };
  bus.onReadByte = () => bus.completeRead(0xff);
  bus.onStop = () => bus.completeStop();
}
