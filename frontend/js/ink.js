// The colours and the type of the page, for what is drawn on a canvas.
export const FONT = '11px "IBM Plex Sans Variable", "IBM Plex Sans Arabic", sans-serif';

// The ink of a state that a value is in (trend_data.js).
export const INKS = { normal: "trend", outside: "ink", minor: "minorink", major: "majorink", critical: "critink" };

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--c-${name}`).trim();
