// The clock of a plant: its offset from UTC, and clock times as instants and back.
const MINUTE_MS = 60000;

// "+03", "+05:30"
export function offsetOf(timeZone, date) {
  const parts = new Intl.DateTimeFormat("en", { timeZone, timeZoneName: "longOffset" }).formatToParts(date);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "";
  return name === "GMT" ? "+00" : name.replace("GMT", "").replace(":00", "");
}

export function offsetMs(timeZone, date) {
  const [, sign, hours, minutes] = /([+-\u2212])(\d+):?(\d+)?/.exec(offsetOf(timeZone, date)) ?? ["", "+", "0", "0"];
  return (sign === "+" ? 1 : -1) * (Number(hours) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
}

// A clock time of the plant ("2026-11-22T06:00") as an instant, also on the days on which clocks are changed.
export function instantOf(text, timeZone) {
  const wall = new Date(`${text}Z`).getTime();
  const first = new Date(wall - offsetMs(timeZone, new Date(wall)));
  return new Date(wall - offsetMs(timeZone, first));
}

export function wallOf(instant, timeZone) {
  return new Date(instant.getTime() + offsetMs(timeZone, instant)).toISOString().slice(0, 16);
}
