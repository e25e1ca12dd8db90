import assert from "node:assert/strict";
import { test } from "node:test";
import { gapsOf, isInGap } from "../../frontend/js/gaps.js";

const signal = { times_ms: [1, 2, 3, 10, 11, 12, 20], values: [1, 2, null, 3, null, null, 4] };

test("a gap reaches from the last value before it to the first after it", () => {
  assert.deepEqual(gapsOf(signal), [[2, 10], [10, 20]]);
});

test("silence before the first value and after the last is no gap", () => {
  assert.deepEqual(gapsOf({ times_ms: [1, 2, 3], values: [null, 5, null] }), []);
  assert.deepEqual(gapsOf({ times_ms: [], values: [] }), []);
});

test("a time is in a gap strictly between two values", () => {
  assert.equal(isInGap(signal, 5), true);
  assert.equal(isInGap(signal, 10), false);
  assert.equal(isInGap(signal, 1.5), false);
});
