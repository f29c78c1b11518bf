// The gateways: display, keypad, pipes. Everything shown comes from the simulated world, nothing is guessed here.

import { byId, h, litres, send, svg, time } from "./dom.js";

const KEYS = "123456789*0#";
const cards = new Map();
let meters = []; // as the cloud lists them
let latest = []; // the devices as they were last told
let active = 0; // the gateway that the computer's keyboard types on

export function typeToken(meter, token) {
  const siblings = meters.filter((other) => other.gateway_id === meter.gateway_id);
  const choice = siblings.length > 1 ? "0" + (meter.channel + 1) : ""; // any key wakes the panel, then the meter's number
  return send("press", { gateway: meter.gateway_id, keys: choice + token });
}

export function showMeters(list) {
  meters = list;
  for (const card of cards.values()) card.pipes = null; // the channels may have changed
  showDevices(latest);
}

export function showDevices(devices) {
  latest = devices;
  for (const device of devices) {
    if (!cards.has(device.id)) cards.set(device.id, makeCard(device));
    update(cards.get(device.id), device);
  }
  active ||= devices.length ? devices[0].id : 0;
  showEvents(devices);
}

let eventsShown = "";

function showEvents(devices) {
  const events = devices.flatMap((device) => device.events.map(([at, what]) => ({ at, what, where: device.name })));
  events.sort((a, b) => b.at - a.at);
  const text = JSON.stringify(events);
  if (text === eventsShown) return;
  eventsShown = text;
  byId("events").replaceChildren(...events.map((event) => h("div", { className: "row" },
    h("span", {}, time(event.at)), h("span", {}, event.what), h("span", {}, event.where))));
}

function makeCard(device) {
  const card = { device, cells: [], pipes: null };
  card.led = h("span", { className: "led", title: "LED" });
  card.told = h("small", {});
  card.lid = h("button", { className: "small", type: "button", onclick: () => send("lid", { gateway: device.id, open: !card.device.lid_open }) }, "Lid");
  card.power = h("button", { className: "small", type: "button", onclick: () => send("power", { gateway: device.id, on: !card.device.on }) });
  card.glass = h("div", { className: "glass" });
  card.display = h("div", { className: "lcd", role: "img" }, card.glass);
  card.plumbing = h("div", { className: "pipes" });
  card.keys = new Map(Array.from(KEYS, (key) => [key, makeKey(device.id, key)]));
  card.root = h("article", { className: "device", onpointerdown: () => { active = device.id; } },
    h("header", {}, card.led, h("strong", {}, device.name), card.told, card.lid, card.power),
    h("div", { className: "front" }, card.display, h("div", { className: "keypad" }, ...card.keys.values())),
    card.plumbing);
  byId("devices").append(card.root);
  return card;
}

function makeKey(gateway, key) {
  const sign = "*#".includes(key) ? " sign" : "";
  return h("button", { className: "key" + sign, type: "button", onclick: () => send("press", { gateway, keys: key }) }, key);
}

function update(card, device) {
  card.device = device;
  card.root.classList.toggle("off", !device.on);
  card.led.classList.toggle("on", device.led);
  card.told.textContent = device.on ? `gateway ${device.id} · start ${device.boots}` : `gateway ${device.id} · no power`;
  card.lid.textContent = device.lid_open ? "Lid is open" : "Open lid";
  card.lid.setAttribute("aria-pressed", device.lid_open);
  card.power.hidden = !device.switchable;
  card.power.textContent = device.on ? "Cut power" : "Power on";
  showText(card, device);
  showPipes(card, device);
}

function showText(card, device) {
  const [rows, columns] = [device.lines.length, device.lines[0].length];
  if (card.cells.length !== rows * columns) {
    card.cells = Array.from({ length: rows * columns }, () => h("i"));
    card.glass.style.gridTemplateColumns = `repeat(${columns}, auto)`;
    card.glass.classList.toggle("wide", columns < 20);
    card.glass.replaceChildren(...card.cells);
  }
  const text = device.lines.join("");
  card.glass.classList.toggle("lit", device.backlight);
  card.display.setAttribute("aria-label", "Display: " + device.lines.map((line) => line.trim()).join(", "));
  card.cells.forEach((cell, index) => {
    if (cell.textContent !== text[index]) cell.textContent = text[index];
  });
}

function showPipes(card, device) {
  if (card.pipes === null) {
    const channels = meters.filter((meter) => meter.gateway_id === device.id).map((meter) => meter.channel).sort();
    card.pipes = channels.map((channel) => makePipe(card, channel));
    card.plumbing.replaceChildren(...card.pipes.map((pipe) => pipe.root));
  }
  for (const pipe of card.pipes) updatePipe(pipe, device.pipes[pipe.channel]);
}

function makePipe(card, channel) {
  const gateway = card.device.id;
  const gate = svg("line", { class: "gate", x1: 30, y1: 13, x2: 44, y2: 13 });
  const drawing = svg("svg", { viewBox: "0 0 74 26", "aria-hidden": "true" },
    svg("rect", { class: "wall", x: 0, y: 8, width: 74, height: 10, rx: 2 }),
    svg("line", { class: "water", x1: 1, y1: 13, x2: 73, y2: 13 }),
    svg("circle", { class: "body", cx: 37, cy: 13, r: 11 }), gate);
  const pipe = { channel, gate, state: h("b"), drawn: h("small"), rate: h("output"), sliding: false };
  pipe.tap = h("input", { type: "range", min: 0, max: 500, step: 10, ariaLabel: `Tap of meter ${channel + 1}` });
  pipe.tap.addEventListener("input", () => {
    pipe.rate.textContent = rate(Number(pipe.tap.value));
    send("tap", { gateway, channel, ml_per_s: Number(pipe.tap.value) });
  });
  pipe.tap.addEventListener("pointerdown", () => { pipe.sliding = true; });
  pipe.tap.addEventListener("pointerup", () => { pipe.sliding = false; });
  pipe.jam = h("button", { className: "small", type: "button", title: "Jam the valve, or free it", onclick: () => send("jam", { gateway, channel, jammed: !pipe.jammed }) }, "Jam");
  const draw = h("button", { className: "small", type: "button", title: "Draw 100 litres at once", onclick: () => send("flow", { gateway, channel, volume_ml: 100000 }) }, "100 l");
  pipe.root = h("div", { className: "pipe" }, h("span", { className: "badge", title: `Meter ${channel + 1}` }, String(channel + 1)),
    drawing, h("div", { className: "state" }, pipe.state, pipe.drawn), pipe.tap, pipe.rate, draw, pipe.jam);
  return pipe;
}

function updatePipe(pipe, seen) {
  pipe.jammed = seen.jammed;
  pipe.state.textContent = seen.valve.replace(" (jammed)", "");
  pipe.drawn.textContent = litres(seen.delivered_ml - (seen.delivered_ml % 1000));
  pipe.drawn.title = `${seen.pulses} pulses since the world began`;
  pipe.jam.setAttribute("aria-pressed", seen.jammed);
  pipe.gate.style.transform = `rotate(${90 - (seen.position * 90) / 1000}deg)`;
  pipe.root.classList.toggle("open", seen.position === 1000);
  pipe.root.classList.toggle("closed", seen.position === 0);
  pipe.root.classList.toggle("flowing", seen.position > 0 && seen.tap_ml_per_s > 0);
  if (!pipe.sliding) {
    pipe.tap.value = seen.tap_ml_per_s;
    pipe.rate.textContent = rate(seen.tap_ml_per_s);
  }
}

const rate = (mlPerS) => (mlPerS ? ((mlPerS * 60) / 1000).toFixed(1) + " l/min" : "tap shut");

// The computer's own keys type on the gateway that was touched last, unless a field has the focus.
document.addEventListener("keydown", (event) => {
  const card = cards.get(active);
  if (!card || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input")) return;
  const key = event.key === "Backspace" ? "*" : event.key;
  if (!card.keys.has(key) || event.repeat) return;
  event.preventDefault();
  const button = card.keys.get(key);
  button.classList.add("down");
  setTimeout(() => button.classList.remove("down"), 120);
  send("press", { gateway: active, keys: key });
});
