// A motor valve arrives, whenever it starts: arithmetic in fractions must not leave it just before its end for ever.

import assert from "node:assert";
import { test } from "node:test";
import { SimulationClock } from "./node_modules/rp2040js/dist/esm/clock/simulation-clock.js";
import { Valve } from "./parts.mjs";

/** A pin that is an output when it is told so; what it says of the valve's ends is kept. */
function pin() {
  const listeners = [];
  return {
    outputEnable: true,
    outputValue: false,
    addListener: (listener) => listeners.push(listener),
    settle() {},
    drive(high) {
      this.outputValue = high;
      for (const listener of listeners) listener();
    },
  };
}

test("a valve that starts at any nanosecond arrives and stays", () => {
  for (let start = 1; start < 2e9; start += 1234567.3) {
    const clock = new SimulationClock();
    const [opens, closes, opened, closed] = [pin(), pin(), pin(), pin()];
    const valve = new Valve(clock, [opens, closes, opened, closed], 0);
    clock.tick(start);
    opens.drive(true);
    clock.tick(333333333.3);
    opens.drive(false);
    clock.tick(77777.7);
    opens.drive(true);
    clock.tick(3e9);
    assert.equal(valve.position, 1);
    assert.ok(opened.grounded);
  }
});
