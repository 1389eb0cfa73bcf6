// The figures of a call, as a list of terms.

import { make } from "./dom.js";
import { millis } from "./time.js";

/** A `dl` of what call.json says in numbers; what was not measured is left out. */
export function figures(call) {
  const turns = call.turn_taking ?? {};
  const rtp = call.rtp ?? {};
  const way = call.rtp ?? call.webrtc ?? {}; // over SIP or from a browser
  const lost = (call.lost?.caller ?? 0) + (call.lost?.bot ?? 0);
  const rows = [
    ["Answers of the bot", turns.responses],
    ["Response gap", spread(turns.response_gap_ms)],
    ["Times the bot was cut off", turns.cuts],
    ["Until it was silent", spread(turns.stop_latency_ms)],
    ["Step of the engine", spread(call.steps?.ms)],
    ["Underruns", call.playout?.underruns],
    ["Packets lost", way.received === undefined ? undefined : `${way.lost} of ${way.received + way.lost}`],
    ["Jitter, mean", rtp.jitter_ms && millis(rtp.jitter_ms.mean)],
    ["Round trip", rtp.round_trip_ms && millis(rtp.round_trip_ms)],
    ["Listening quality (MOS)", rtp.mos],
    ["Not recorded", lost ? `${(lost / 16000).toFixed(2)} s` : undefined],
    ["Codec", call.facts?.codec],
    ["Engine", call.engine],
    ["Persona", call.persona],
    ["Seed", call.seed],
    ["Name", call.call_id],
  ];
  return make("dl", { class: "figures" }, ...rows
    .filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, String(value)))));
}

// One answer has no spread.
function spread(values) {
  if (!values) return undefined;
  const middle = millis(values.p50);
  return values.max === values.p50 ? middle : `${middle} (p90 ${millis(values.p90)}, most ${millis(values.max)})`;
}
