// JSON to and from our own API. A refusal becomes an Error with the server's sentence.
// Every change carries an Idempotency-Key, so that a request whose answer was lost may be sent again: what was done is
// answered, not done twice.
import { say } from "./words.js";

const RETRY_MS = 400;
const READS = ["GET", "HEAD"];

class ApiError extends Error {
  constructor(message, status, { fields = [], version = null, retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { status, fields, version, retryAfter });
  }
}

// crypto.randomUUID is only there over HTTPS and on this machine.
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sentence(body, status) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  const said = Array.isArray(detail) ? detail[0]?.msg : null;
  if (said) return said[0].toUpperCase() + said.slice(1);
  return `HTTP ${status}`;
}

// [{name, message}] of the fields that were refused; a place inside a list belongs to the list's field.
function refusedFields(body) {
  if (!Array.isArray(body?.detail)) return [];
  return body.detail.map(({ loc, msg }) => {
    const path = (loc ?? []).slice(1);
    const end = path.findIndex((part) => typeof part === "number");
    return { name: (end < 0 ? path : path.slice(0, end)).join("."), message: msg };
  });
}

async function fetched(url, request) {
  const response = await fetch(url, request);
  const hasJson = response.status !== 204 && (response.headers.get("content-type") || "").includes("json");
  return { response, answer: hasJson ? await response.json() : null };
}

// Once more, with the same key, where the network failed; then it is said that the server cannot be reached.
async function reached(url, request) {
  try {
    return await fetched(url, request);
  } catch {
    await new Promise((go) => setTimeout(go, RETRY_MS));
  }
  try {
    return await fetched(url, request);
  } catch {
    throw new ApiError(say("unreachable"), 0);
  }
}

// A platform owner looks into one tenant by the page's own address: what is asked of the API from there is asked of it.
function inTenant(url) {
  const address = new URL(url, location.href);
  const tenant = new URL(location.href).searchParams.get("tenant_id");
  if (tenant && !address.searchParams.has("tenant_id")) address.searchParams.set("tenant_id", tenant);
  return address.pathname + address.search;
}

export async function send(method, url, body, key = newKey()) {
  const headers = { Accept: "application/json", "X-Requested-With": "optria" };
  if (!READS.includes(method)) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const { response, answer } = await reached(inTenant(url), request);
  if (response.ok) return answer;
  const facts = { fields: refusedFields(answer), version: answer?.version ?? null, retryAfter: response.headers.get("retry-after") };
  throw new ApiError(sentence(answer, response.status), response.status, facts);
}
