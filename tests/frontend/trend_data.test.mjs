import assert from "node:assert/strict";
import { test } from "node:test";
import { servicesOf } from "../../frontend/js/trend_data.js";

test("only maintenance that lasts is a band; the work of an order and a deed of a moment are marks", () => {
  const marks = [
    { kind: "maintenance", from: 10, until: 20 },
    { kind: "maintenance", from: 30, until: null },
    { kind: "order", from: 40, until: 50 },
    { kind: "anchor", from: 60, until: null },
  ];
  assert.deepEqual(servicesOf(marks), [[10, 20]]);
});
