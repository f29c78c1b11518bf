// Runs a board and serves it on TCP: its REPL, its UARTs as they are, and a control channel of JSON lines.
// usage: node main.mjs FLASH_FILE MAP_JSON IMAGE_BIN; prints one line of JSON with the ports.
// It has no power until the control channel gives it some, and ends with its standard input, so that it outlives nobody.
// IMAGE_BIN is put on a new flash, whose file is missing; one that is there keeps what it has, updates included.

import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { Board } from "./board.mjs";
import { answer } from "./control.mjs";
import { Flash } from "./flash.mjs";

const [flashPath, mapPath, imagePath] = process.argv.slice(2);

/** A socket that carries bytes both ways; who connects last has it. */
function port(onBytes) {
  let peer = null;
  const server = createServer({ noDelay: true }, (socket) => {
    peer = socket;
    socket.on("data", onBytes);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => (peer = peer === socket ? null : peer));
  });
  server.give = (bytes) => peer?.write(Buffer.from(bytes));
  server.drop = () => peer?.destroy();
  return server;
}

const listening = (server) =>
  new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

const map = JSON.parse(readFileSync(mapPath, "utf8"));
const flash = new Flash(flashPath, map.FLASH_CHIP_BYTES, readFileSync(imagePath));
const repl = port((bytes) => board.chip?.serial.send(bytes));
const uarts = [0, 1].map((i) => port((bytes) => board.chip?.uarts[i].feed(bytes)));
const board = new Board(flash, map, {
  onSerial: (bytes) => repl.give(bytes),
  onUart: (i, bytes) => uarts[i].give(bytes),
  onDark: () => repl.drop(), // USB is gone
});

let line = "";
const control = port((bytes) => {
  const lines = (line + bytes).split("\n");
  line = lines.pop();
  for (const one of lines) answer(board, JSON.parse(one), (reply) => control.give(JSON.stringify(reply) + "\n"));
});

const ports = {
  repl: await listening(repl),
  control: await listening(control),
  uarts: [await listening(uarts[0]), await listening(uarts[1])],
};
console.log(JSON.stringify(ports));
process.stdin.resume().on("end", () => {
  board.powerOff();
  process.exit(0);
});

let ahead_ms = 0; // of the clock on the wall; a chip that has nothing to do is let wait for it
let last_ms = performance.now();
let last_nanos = board.nanos;
function turn() {
  board.run();
  const now_ms = performance.now();
  ahead_ms = Math.max(0, ahead_ms + (board.nanos - last_nanos) / 1e6 / board.speed - (now_ms - last_ms));
  [last_ms, last_nanos] = [now_ms, board.nanos];
  if (ahead_ms > 5 || !board.chip) setTimeout(turn, Math.max(ahead_ms, 5));
  else setImmediate(turn);
}
turn();
