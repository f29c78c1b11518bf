// State machines and DMA timers that run by the chip's clock. The library runs state machines as fast as the host does
// and never divides their clock; of a DMA timer it takes the inverse. Machines are brought up to date before a pin changes
// and before the chip looks at them, so idle ones cost nothing. What a program drives or raises is therefore seen only
// then; for programs that count what comes in, that is exact.

const NS_PER_CYCLE = 8;
const DMA_TIMER_0 = 0x3b;
const LONGEST_LOOP = 4; // steps of one that waits for a pin

/** How long a step of a machine takes. */
const stepNs = (machine) => NS_PER_CYCLE * ((machine.clockDivInt || 65536) + machine.clockDivFrac / 256);

class Pace {
  constructor(clock, pio) {
    this.clock = clock;
    this.pio = pio;
    this.since = pio.machines.map(() => clock.nanos);
  }

  catchUp() {
    this.pio.machines.forEach((machine, i) => {
      const ns = stepNs(machine);
      const steps = Math.floor((this.clock.nanos - this.since[i]) / ns);
      if (machine.enabled) run(machine, steps);
      this.since[i] += steps * ns;
    });
    this.pio.checkChangedPins();
  }
}

/** Run for so many steps. A machine that is found where it was a few steps before goes round, and need not be watched. */
function run(machine, steps) {
  const end = machine.cycles + steps;
  while (machine.cycles < end && !stalls(machine)) {
    const [before, began] = [stateOf(machine), machine.cycles];
    for (let i = 0; i < LONGEST_LOOP && machine.cycles < end && !machine.waiting; i += 1) {
      machine.step();
      if (stateOf(machine) !== before) continue;
      const round = machine.cycles - began;
      machine.cycles += Math.floor((end - machine.cycles) / round) * round;
      break;
    }
  }
  if (machine.cycles < end) machine.cycles = end;
}

const stateOf = ({ pc, x, y, inputShiftReg, outputShiftReg, rxFIFO, txFIFO }) =>
  [pc, x, y, inputShiftReg, outputShiftReg, rxFIFO.itemCount, txFIFO.itemCount].join();

function stalls(machine) {
  if (machine.waiting) machine.checkWait();
  return machine.waiting;
}

/** Takes over the state machines of a chip. */
export function paceStateMachines(chip) {
  const paces = chip.pio.map((pio) => new Pace(chip.clock, pio));
  for (const pace of paces) {
    const { pio } = pace;
    pio.run = () => {};
    for (const name of ["readUint32", "writeUint32"]) {
      const plain = pio[name].bind(pio);
      pio[name] = (...values) => {
        pace.catchUp();
        return plain(...values);
      };
    }
  }
  for (const pin of chip.gpio) {
    const plain = pin.setInputValue.bind(pin);
    pin.setInputValue = (value) => {
      for (const pace of paces) pace.catchUp();
      plain(value);
    };
  }
}

/** A DMA timer asks for X transfers in Y cycles of the system clock (RP2040 data sheet, 2.5.7). */
export function paceTransfers({ dma }) {
  dma.getTimer = (request) => {
    const timer = [dma.timer0, dma.timer1, dma.timer2, dma.timer3][request - DMA_TIMER_0];
    return timer >>> 16 ? ((timer & 0xffff) / (timer >>> 16)) * (NS_PER_CYCLE / 1000) : 0; // microseconds
  };
}
