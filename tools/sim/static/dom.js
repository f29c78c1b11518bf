// Small helpers: elements without markup in strings, numbers as people read them, and requests to the page's server.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

export function cubicMetres(ml) {
  if (ml === null || ml === undefined) return "–";
  const litres = Math.trunc(ml / 1000);
  return (litres / 1000).toLocaleString("en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
}

export function litres(ml) {
  return (ml / 1000).toLocaleString("en", { maximumFractionDigits: ml % 1000 ? 2 : 0 }) + " l";
}

export function money(minor, currency) {
  return currency + " " + (minor / 100).toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

export function time(seconds) {
  return seconds ? new Date(seconds * 1000).toLocaleTimeString("en-GB") : "";
}

export const groups = (token) => token.replace(/(.{4})(?=.)/g, "$1 ");

let toastTimer = 0;

export function toast(text) {
  const box = byId("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, 6000);
}

export async function send(action, body) {
  let answer;
  try {
    const response = await fetch("/" + action, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    answer = await response.json();
    if (response.ok) return answer;
  } catch {
    answer = { error: "The page's server cannot be reached; is it still running?" };
  }
  toast(answer.error);
  return null;
}
