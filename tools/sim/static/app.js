// The page listens to its server: "devices" many times a second, "cloud" when the cloud knows more.

import { byId } from "./dom.js";
import { showCloud } from "./cloud.js";
import { showDevices } from "./devices.js";

const link = byId("link");

function tell(tone, text) {
  link.className = "chip " + tone;
  link.textContent = text;
  link.title = text;
}

const events = new EventSource("/events");
events.addEventListener("devices", (event) => showDevices(JSON.parse(event.data)));
events.addEventListener("cloud", (event) => {
  const state = JSON.parse(event.data);
  if (state.problems.length) tell("bad", state.problems[0]);
  else tell("good", "cloud answers");
  showCloud(state);
});
events.onerror = () => tell("bad", "the bench has stopped");
