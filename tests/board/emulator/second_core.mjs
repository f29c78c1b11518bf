// The second core, which waits in its boot ROM and is never given a program: its mailboxes, and the zero that it leaves for
// the first core when it comes out of reset (RP2040 data sheet 2.3.1.4, 2.8.2).

const [STATUS, WRITE, READ] = [0x50, 0x54, 0x58];
const [VALID, READY, READ_ON_EMPTY] = [1, 2, 8];
const FORCE_OFF = 0x04; // PSM
const SECOND_CORE = 1 << 16;

/** Gives `chip` a second core that sleeps. */
export function addSecondCore(chip) {
  const { sio } = chip;
  const power = chip.peripherals[0x40010];
  const mail = [];
  let tooOften = 0;

  const [readSio, writeSio] = [sio.readUint32.bind(sio), sio.writeUint32.bind(sio)];
  sio.readUint32 = (offset) => {
    if (offset === STATUS) return (mail.length ? VALID : 0) | READY | tooOften;
    if (offset !== READ) return readSio(offset);
    if (!mail.length) tooOften = READ_ON_EMPTY;
    return mail.shift() ?? 0;
  };
  sio.writeUint32 = (offset, value) => {
    if (offset === STATUS) tooOften = 0;
    else if (offset !== WRITE) writeSio(offset, value);
  };

  const writePower = power.writeUint32.bind(power);
  power.writeUint32 = (offset, value) => {
    const wasOff = power.frceOff & SECOND_CORE;
    writePower(offset, value);
    if (offset === FORCE_OFF && wasOff && !(power.frceOff & SECOND_CORE)) mail.splice(0, mail.length, 0);
  };
}
