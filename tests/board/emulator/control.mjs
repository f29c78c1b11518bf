// The control channel: what a hand, the water and the mains do to a board, and what can be seen of it.

const KEY_MS = 150; // down, and then up: an unhurried finger
const PULSE_MS = 30;

const STEPS = {
  state: (board) => ({
    now_ms: Math.floor(board.nanos / 1e6),
    on: board.chip !== null,
    lost: board.lost,
    resets: board.resets,
    rows: board.parts ? board.parts.lcd.rows() : [],
    valves: board.parts ? board.parts.positions() : board.valves,
    motions: board.parts ? board.parts.valves.map((valve) => valve.motions) : [],
    seen_ms: board.parts ? board.parts.seen() : board.seen,
    flash: { commands: board.flash.commands, erased: board.flash.erased, programmed: board.flash.programmed },
  }),
  power(board, { on }) {
    if (on) return board.powerOn();
    board.flash.cutAfter(0); // a cut that has not come yet is not for the next start
    return board.powerOff();
  },
  cut: (board, { commands, seed, kind }) => board.flash.cutAfter(commands, seed, kind),
  supply: (board, { failing }) => board.parts.failSupply(failing),
  speed: (board, { times }) => (board.speed = times),
};

/** Steps that take time of the board; they answer when they are over. */
const ACTS = {
  key(board, { key, ms = KEY_MS }, done) {
    const { keypad } = board.parts;
    keypad.press(key, true);
    board.after(ms, () => {
      if (board.parts?.keypad === keypad) keypad.press(key, false);
      board.after(ms, done);
    });
  },
  /** On a channel, or on several at the same time. */
  pulses(board, { channel, count, closed_ms = PULSE_MS, open_ms = PULSE_MS }, done) {
    const contacts = [channel].flat().map((one) => board.parts.pulses[one]);
    const next = (left) => {
      if (!left) return done();
      for (const contact of contacts) contact.set(true);
      board.after(closed_ms, () => {
        for (const contact of contacts) contact.set(false);
        board.after(open_ms, () => next(board.chip ? left - 1 : 0));
      });
    };
    next(count);
  },
  brown_out(board, { ms }, done) {
    board.brownOut(ms);
    board.after(ms + 1, done); // it is dark by then
  },
  wait: (board, { ms }, done) => board.after(ms, done),
};

/** Carry out one request; `reply` is called once, with what was seen or with an error. */
export function answer(board, request, reply) {
  try {
    const act = ACTS[request.do];
    if (!act) STEPS[request.do](board, request);
    else if (board.chip) return act(board, request, () => reply(STEPS.state(board)));
    return reply(STEPS.state(board)); // nobody can do anything to a board without power
  } catch (error) {
    return reply({ error: String(error.message) });
  }
}
