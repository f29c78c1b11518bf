// What the cloud knows: balances, sales, ledger entries with their verdicts, messages, cases; and the form that sells.

import { byId, cubicMetres, groups, h, litres, money, send, time } from "./dom.js";
import { showMeters, typeToken } from "./devices.js";

const VERDICT_TONES = { explained: "good", pending: "warn", unexplained: "bad", contradicted: "bad" };
const STATE_TONES = { explained: "good", delivered: "good", sent: "good", closed: "good", vended: "warn", queued: "warn", failed: "bad", dead: "bad", open: "bad" };

const HIDDEN_TOKEN = "•••• •••• •••• •••• ••••"; // the customer got it; here it is not shown
let meters = [];
let chosen = ""; // DRN
const seen = new Map(); // list -> keys of the rows that were shown before

export function showCloud(state) {
  const places = (list) => JSON.stringify(list.map((meter) => [meter.gateway_id, meter.channel]));
  const moved = places(state.meters) !== places(meters);
  meters = state.meters;
  if (moved) showMeters(meters);
  if (!meters.some((meter) => meter.drn === chosen)) chosen = meters.length ? meters[0].drn : "";
  showMeterCards();
  showPrice();
  list("vends", state.vends, (vend) => vend.id, vendRow, "Nothing sold yet. Choose a meter above and sell.");
  const entries = Object.entries(state.entries).flatMap(([gateway, rows]) => rows.map((row) => ({ ...row, gateway: Number(gateway) })));
  entries.sort((a, b) => (b.arrived_at ?? b.time_s) - (a.arrived_at ?? a.time_s) || b.sequence - a.sequence);
  list("entries", entries, (entry) => `${entry.gateway}/${entry.epoch}/${entry.sequence}`, entryRow, "No entry has arrived yet.");
  list("messages", state.messages, (message) => message.id, messageRow, "No message was sent yet.");
  list("cases", state.cases, (item) => item.id, caseRow, "No case: everything is explained.");
}

function showMeterCards() {
  byId("meters").replaceChildren(...meters.map((meter) => h("button", {
    className: "meter", type: "button", ariaPressed: String(meter.drn === chosen),
    onclick: () => { chosen = meter.drn; showMeterCards(); showPrice(); },
  },
  h("span", { className: "who" }, h("span", {}, meter.customer), h("small", {}, `${meter.gateway_id}·${meter.channel + 1}`)),
  h("p", { className: "balance" + (meter.balance_ml > 0 ? "" : " empty") }, cubicMetres(meter.balance_ml), h("small", {}, " m³ left")),
  h("span", { className: "more" }, h("span", {}, meter.drn), h("span", {}, `register ${cubicMetres(meter.register_ml)}`)))));
}

function volumeMl() {
  return Math.round(Number(byId("volume").value) * 1e6);
}

function showPrice() {
  const meter = meters.find((each) => each.drn === chosen);
  byId("sell-meter").textContent = meter ? meter.customer : "choose a meter";
  byId("sell-button").disabled = !meter || !(volumeMl() > 0);
  byId("price").textContent = meter && volumeMl() > 0
    ? " · " + money(Math.ceil((volumeMl() * meter.price_minor_per_m3) / 1e6), meter.currency) : "";
}

function list(name, items, keyOf, makeRow, empty) {
  const known = seen.get(name);
  const keys = items.map((item) => String(keyOf(item)));
  byId(name).replaceChildren(...(items.length ? items.map((item, index) => {
    const row = makeRow(item);
    row.classList.add("row");
    row.classList.toggle("fresh", known !== undefined && !known.has(keys[index]));
    return row;
  }) : [h("p", { className: "nothing" }, empty)]));
  byId(name + "-count").textContent = items.length || "";
  seen.set(name, new Set([...(known ?? []), ...keys]));
}

const words = (name) => String(name).replaceAll("_", " ");
const line = (...children) => h("div", { className: "line" }, ...children);
const quiet = (...children) => h("div", { className: "quiet" }, ...children);
const tag = (text, tone, title = "") => h("span", { className: "tag " + (tone ?? ""), title }, text);

function typeButton(vend) {
  const meter = meters.find((each) => each.drn === vend.drn);
  const button = h("button", { className: "small", type: "button", title: "Press these keys on the gateway" }, "Type it in");
  button.onclick = async () => {
    button.disabled = true;
    await typeToken(meter, vend.token);
    button.disabled = false;
  };
  return meter && vend.token ? button : null;
}

function vendRow(vend) {
  const meter = meters.find((each) => each.drn === vend.drn);
  const waits = vend.state !== "explained" && vend.delivery === "keypad";
  return h("div", {},
    line(h("b", {}, `${cubicMetres(vend.volume_ml)} m³ to ${meter ? meter.customer : vend.drn}`), tag(vend.state, STATE_TONES[vend.state])),
    line(h("span", { className: "token" }, vend.token ? groups(vend.token) : "token not shown"), waits ? typeButton(vend) : null),
    quiet(`${time(vend.created_at)} · ${money(vend.amount_minor, vend.currency)} ${vend.tender_kind} · ${vend.delivery}`));
}

function entryRow(entry) {
  const change = entry.delta_ml ?? entry.delta ?? 0;
  const balance = entry.balance_ml ?? entry.balance;
  const verdict = entry.verdict ? tag(entry.verdict, VERDICT_TONES[entry.verdict], entry.reason ?? "") : null;
  const place = entry.channel === 255 || entry.channel === null ? "gateway" : `meter ${entry.channel + 1}`;
  return h("div", {},
    line(h("span", {}, h("b", {}, String(entry.kind_name ?? entry.kind)), ` · ${place}`),
      h("span", { className: "number " + (change > 0 ? "plus" : "") }, change ? (change > 0 ? "+" : "−") + litres(Math.abs(change)) : "", " ", verdict)),
    quiet(`${entry.gateway} / ${entry.epoch} / ${entry.sequence} · ${time(entry.time_s)}`, !entry.pot || balance === undefined ? "" : ` · balance ${cubicMetres(balance)}`),
    entry.verdict && entry.reason ? quiet(entry.reason) : null);
}

function messageRow(message) {
  return h("div", {}, line(h("b", {}, words(message.kind)), tag(message.state, STATE_TONES[message.state], message.last_error ?? "")),
    quiet(message.text.replace("{token}", HIDDEN_TOKEN)), quiet(`${time(message.created_at)} · ${message.address}`));
}

function caseRow(item) {
  return h("div", {}, line(h("b", {}, words(item.kind)), tag(item.state, STATE_TONES[item.state])), quiet(item.detail ?? item.reason ?? ""),
    quiet(`${time(item.opened_at)} · gateway ${item.gateway_id}${item.sequence ? " · entry " + item.sequence : ""}`));
}

async function sell(event) {
  event.preventDefault();
  const button = byId("sell-button");
  const delivery = document.querySelector("input[name=delivery]:checked").value;
  button.disabled = true;
  const receipt = await send("sell", { drn: chosen, volume_ml: volumeMl(), delivery });
  showPrice();
  if (!receipt) return;
  const box = byId("receipt");
  const sold = `Sold ${cubicMetres(receipt.volume_ml)} m³.`;
  box.replaceChildren(...(delivery === "keypad"
    ? [sold, ...receipt.tokens.map((token) => h("span", { className: "token" }, groups(token.digits))), typeButton(receipt)].filter(Boolean)
    : [`${sold} The gateway gets it inside a signed command.`]));
  box.hidden = false;
}

byId("sell").addEventListener("submit", sell);
byId("volume").addEventListener("input", showPrice);
for (const preset of document.querySelectorAll(".preset")) {
  preset.addEventListener("click", () => { byId("volume").value = preset.dataset.m3; showPrice(); });
}
