// JSON to and from our own API. A refusal becomes an Error with the server's sentence.
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

function sentence(body, status) {
  const detail = body?.detail;
  if (typeof detail === "string") return detail;
  if (Array.isArray(detail) && detail[0]?.msg) return detail[0].msg;
  return `HTTP ${status}`;
}

export async function send(method, url, body) {
  const headers = { Accept: "application/json", "X-Requested-With": "optria" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const hasJson = response.status !== 204 && (response.headers.get("content-type") || "").includes("json");
  const answer = hasJson ? await response.json() : null;
  if (!response.ok) throw new ApiError(sentence(answer, response.status), response.status);
  return answer;
}
