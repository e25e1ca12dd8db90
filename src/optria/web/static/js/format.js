// Numbers and ages as people read them. The server's filters follow the same rules.
const THIN = "\u2009";
const NARROW = "\u00a0";

export function formatValue(value, decimals) {
  if (value === null || !Number.isFinite(value)) return "";
  const places = decimals ?? fourFigures(value);
  const [whole, part] = Math.abs(value).toFixed(places).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  const digits = part ? `${grouped}.${part}` : grouped;
  return value < 0 && /[1-9]/.test(digits) ? `\u2212${digits}` : digits;
}

function fourFigures(value) {
  const size = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return Math.min(3, Math.max(0, 3 - size));
}

export function formatAge(seconds) {
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)}${NARROW}s`;
  if (s < 60) return `${Math.floor(s)}${NARROW}s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes}${NARROW}m${NARROW}${Math.floor(s % 60)}${NARROW}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}${NARROW}h${NARROW}${String(minutes % 60).padStart(2, "0")}${NARROW}m`;
  return new Date(Date.now() - s * 1000).toISOString().slice(0, 10);
}
