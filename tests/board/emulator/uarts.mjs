// A UART that takes its time: FIFOs of 32 bytes that fill and drain at the baud rate, with the interrupts that go with it.
// What comes from outside waits until the receiver has room, as behind a modem with RTS and CTS; so no byte is lost.

const RX_FULL = 1 << 6;
const TX_FULL = 1 << 5;
const TX_EMPTY = 1 << 7;
const RX_EMPTY = 1 << 4;
const BUSY = 1 << 3;
const [RX_INTERRUPT, TX_INTERRUPT, RX_TIMEOUT] = [1 << 4, 1 << 5, 1 << 6];
const FIFO_LEVELS = 0x34; // UARTIFLS
const LEVELS = [4, 8, 16, 24, 28]; // bytes, of 32
const SILENCE_BITS = 32;
const BITS_OF_BYTE = 10;
const DEPTH = 32;

export class Uart {
  /** Gives `uart` of the library what it lacks. */
  constructor(uart, clock) {
    this.uart = uart;
    this.waiting = []; // chunks from outside, and how much of the first has gone in
    this.gone = 0;
    this.toSend = []; // in the transmitter's FIFO
    this.sent = []; // since it was last taken
    this.levels = 0x12; // both half full, as after a reset
    this.arrival = clock.createAlarm(() => this.receive());
    this.departure = clock.createAlarm(() => this.transmit());
    this.silence = clock.createAlarm(() => this.timeOut());
    this.onBits = (alarm, bits) => alarm.schedule((bits * 1e9) / (uart.baudRate || 115200));
    this.replace();
  }

  replace() {
    const { uart } = this;
    const [read, write] = [uart.readUint32.bind(uart), uart.writeUint32.bind(uart)];
    uart.checkInterrupts = () =>
      uart.rp2040.setInterrupt(uart.irq, Boolean(uart.interruptStatus & uart.interruptMask));
    Object.defineProperty(uart, "flags", { get: () => this.flags() });
    uart.onByte = (byte) => this.put(byte);
    uart.readUint32 = (offset) => {
      const value = offset === FIFO_LEVELS ? this.levels : read(offset);
      if (offset === 0) this.taken();
      return value;
    };
    uart.writeUint32 = (offset, value) => {
      if (offset === FIFO_LEVELS) this.levels = value;
      else write(offset, value);
    };
  }

  flags() {
    const { rxFIFO } = this.uart;
    const receiver = (rxFIFO.full ? RX_FULL : 0) | (rxFIFO.empty ? RX_EMPTY : 0);
    return receiver | (this.toSend.length ? BUSY : TX_EMPTY) | (this.toSend.length >= DEPTH ? TX_FULL : 0);
  }

  /** Bytes from outside, in order behind those that wait. */
  feed(bytes) {
    this.waiting.push(bytes);
    if (!this.arrival.pending) this.expect();
  }

  expect() {
    this.arrival.pending = this.waiting.length > 0 && !this.uart.rxFIFO.full;
    if (this.arrival.pending) this.onBits(this.arrival, BITS_OF_BYTE);
  }

  receive() {
    const { uart } = this;
    uart.rxFIFO.push(this.waiting[0][this.gone]);
    this.gone += 1;
    if (this.gone === this.waiting[0].length) [this.waiting, this.gone] = [this.waiting.slice(1), 0];
    if (uart.rxFIFO.itemCount >= LEVELS[(this.levels >> 3) & 7]) uart.interruptStatus |= RX_INTERRUPT;
    uart.checkInterrupts();
    this.onBits(this.silence, SILENCE_BITS);
    this.expect();
  }

  /** The chip has read a byte. */
  taken() {
    const { uart } = this;
    if (uart.rxFIFO.itemCount < LEVELS[(this.levels >> 3) & 7]) uart.interruptStatus &= ~RX_INTERRUPT;
    if (uart.rxFIFO.empty) uart.interruptStatus &= ~RX_TIMEOUT;
    uart.checkInterrupts();
    if (!this.arrival.pending) this.expect();
  }

  /** MicroPython reads when its receiver has been silent for 32 bits, as much as when its FIFO fills. */
  timeOut() {
    const { uart } = this;
    if (uart.rxFIFO.empty) return;
    uart.interruptStatus |= RX_TIMEOUT;
    uart.checkInterrupts();
  }

  put(byte) {
    this.toSend.push(byte);
    if (this.toSend.length === 1) this.onBits(this.departure, BITS_OF_BYTE);
  }

  transmit() {
    const { uart } = this;
    this.sent.push(this.toSend.shift());
    if (this.toSend.length === LEVELS[this.levels & 7]) uart.interruptStatus |= TX_INTERRUPT;
    uart.checkInterrupts();
    if (this.toSend.length) this.onBits(this.departure, BITS_OF_BYTE);
  }

  /** What the chip has sent since this was last asked. */
  take() {
    return this.sent.length ? Buffer.from(this.sent.splice(0)) : null;
  }
}
