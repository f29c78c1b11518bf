// An HD44780 display behind a PCF8574 on I2C, in 4-bit mode: what is written to the expander ends as rows of text.

const RS = 0x01;
const ENABLE = 0x04;

export class Lcd {
  constructor(columns, rows) {
    this.columns = columns;
    this.starts = [0x00, 0x40, columns, 0x40 + columns].slice(0, rows);
    this.memory = new Uint8Array(0x80).fill(0x20);
    this.address = 0;
    this.port = 0;
    this.onChange = () => {}; // when another character is seen
    this.half = null;
    this.wide = true; // 8-bit mode, as after power-on
  }

  /** One byte of the expander's port; the display takes a nibble when the enable line falls. */
  write(port) {
    if (this.port & ENABLE && !(port & ENABLE)) this.nibble(this.port >> 4, this.port & RS);
    this.port = port;
  }

  nibble(bits, isData) {
    if (this.wide) this.command(bits << 4);
    else if (this.half === null) this.half = bits;
    else {
      const byte = (this.half << 4) | bits;
      this.half = null;
      if (isData) this.put(byte);
      else this.command(byte);
    }
  }

  put(byte) {
    if (this.memory[this.address] !== byte) this.onChange();
    this.memory[this.address] = byte;
    this.address = (this.address + 1) & 0x7f;
  }

  command(byte) {
    if (byte & 0x80) this.address = byte & 0x7f;
    else if (byte & 0x20) this.wide = Boolean(byte & 0x10);
    else if (byte === 0x01) {
      this.memory.fill(0x20);
      this.address = 0;
    }
    this.half = null;
  }

  rows() {
    return this.starts.map((start) => String.fromCharCode(...this.memory.slice(start, start + this.columns)).trimEnd());
  }
}
