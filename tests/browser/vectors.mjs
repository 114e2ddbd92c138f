// Runs the door's vectors, which tests/vectors.rs makes by the box's rules, through the terminal's own module.

import { readFileSync } from "node:fs";
import { decide, digitsOf, hashed, sound } from "../../assets/door.js";

const { vectors, codes } = JSON.parse(readFileSync(0, "utf8"));
const canonical = (value) => JSON.stringify(value, (_, part) => (part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part));

let wrong = 0;
for (const [at, vector] of vectors.entries()) {
  const said = decide(vector.pass, vector.standing, vector.door, vector.attempt, vector.zone);
  if (canonical(said) === canonical(vector.said)) continue;
  wrong += 1;
  if (wrong <= 3) console.error(`vector ${at}: the terminal says ${canonical(said)}\n${canonical(vector)}`);
}
for (const [text, digits, hash] of codes) {
  const read = digitsOf(text);
  const right = read.length === 12 && !sound(read) ? "" : read;
  if (right === digits && hashed("盐/1/", text) === hash) continue;
  wrong += 1;
  console.error(`“${text}”: read as ${right}, hashed as ${hashed("盐/1/", text)}; the box says ${digits}, ${hash}`);
}
if (wrong > 0) process.exit(1);
console.log(`${vectors.length} decisions and ${codes.length} codes are the same`);
