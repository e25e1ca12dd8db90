// JSON to and from our own API. A refusal becomes an Error with the server's sentence.
export class ApiError extends Error {
  constructor(message, status, fields = []) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

function sentence(body, status) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail) && detail[0]?.msg) return detail[0].msg;
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

export async function send(method, url, body) {
  const headers = { Accept: "application/json", "X-Requested-With": "optria" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const hasJson = response.status !== 204 && (response.headers.get("content-type") || "").includes("json");
  const answer = hasJson ? await response.json() : null;
  if (!response.ok) throw new ApiError(sentence(answer, response.status), response.status, refusedFields(answer));
  return answer;
}
