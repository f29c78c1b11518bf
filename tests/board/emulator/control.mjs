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
    flash: { commands: board.flash.commands, erased: board.flash.erased, programmed: board.flash.programmed },
  }),
  power: (board, { on }) => (on ? board.powerOn() : board.powerOff()),
  speed: (board, { times }) => (board.speed = times),
};

/** Steps that take time of the board; they answer when they are over. */
const ACTS = {
  key(board, { key }, done) {
    const { keypad } = board.parts;
    keypad.press(key, true);
    board.after(KEY_MS, () => {
      if (board.parts?.keypad === keypad) keypad.press(key, false);
      board.after(KEY_MS, done);
    });
  },
  pulses(board, { channel, count }, done) {
    const contact = board.parts.pulses[channel];
    const next = (left) => {
      if (!left) return done();
      contact.set(true);
      board.after(PULSE_MS, () => {
        contact.set(false);
        board.after(PULSE_MS, () => next(board.chip ? left - 1 : 0));
      });
    };
    next(count);
  },
  wait: (board, { ms }, done) => board.after(ms, done),
};

/** Carry out one request; `reply` is called once, with what was seen or with an error. */
export function answer(board, request, reply) {
  try {
    if (!board.chip && request.do !== "power") return reply(STEPS.state(board));
    const act = ACTS[request.do];
    if (act) return act(board, request, () => reply(STEPS.state(board)));
    STEPS[request.do]?.(board, request);
    reply(STEPS.state(board));
  } catch (error) {
    reply({ error: String(error.message) });
  }
}
