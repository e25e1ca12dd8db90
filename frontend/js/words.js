// Translated sentences of the scripts, from <meta name="optria-words">.
const words = JSON.parse(document.querySelector('meta[name="optria-words"]')?.content || "{}");

export function say(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/%\((\w+)\)s/g, (all, name) => values[name] ?? all);
}
