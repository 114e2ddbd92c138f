// The rules of the door, for a terminal that is alone: the same decisions as `src/domain/checkin` makes on the box. Both are held to
// the same vectors by tests/vectors.rs. Nothing here knows of pages, networks or clocks.

const MINUTE = 60_000;
const DAY = 86_400_000;

/** An instant as the wall clock of a zone shows it. */
export function local(at, zone) {
  const parts = Object.fromEntries(formatter(zone).formatToParts(new Date(at)).map((part) => [part.type, part.value]));
  const [year, month, day, hour, minute] = ["year", "month", "day", "hour", "minute"].map((part) => Number(parts[part]));
  const date = Math.floor(Date.UTC(year, month - 1, day) / DAY);
  // 1970-01-01 was a Thursday, the fourth day of its week.
  return { date, minute: hour * 60 + minute, hour, weekday: ((((date + 3) % 7) + 7) % 7) + 1 };
}

const formatters = new Map();
function formatter(zone) {
  if (!formatters.has(zone)) {
    formatters.set(zone, new Intl.DateTimeFormat("en-US", {
      timeZone: zone, hourCycle: "h23", era: undefined, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    }));
  }
  return formatters.get(zone);
}

/** The day that a shift began on, when shifts change at an hour. */
const shift = (at, hour, zone) => {
  const seen = local(at, zone);
  return seen.hour < hour ? seen.date - 1 : seen.date;
};

const later = (a, b) => a[0] - b[0] || a[1] - b[1];
/** The latest entry that counts. */
export const last = (standing) => standing.entries.reduce((best, entry) => (best && later(best, entry) > 0 ? best : entry), null);

/** Inside at that moment: the latest entry is behind the latest exit, and the hour at which everybody counts as gone did not strike since. */
export function inside(standing, at, hour, zone) {
  const entry = last(standing);
  if (!entry || (standing.exit && later(entry, standing.exit) < 0)) return false;
  return hour === null || hour === undefined || shift(entry[0], hour, zone) === shift(at, hour, zone);
}

const compare = { at_most: (value, bound) => value <= bound, at_least: (value, bound) => value >= bound };
const among = (how, found) => found === (how === "is");

/** Each condition: whether it holds, and how long until time alone makes it hold. */
const TESTS = {
  kind: ([how, ids], facts) => among(how, ids.includes(facts.kind)),
  group: ([how, ids], facts) => among(how, facts.group !== null && ids.includes(facts.group)),
  gate: ([how, ids], facts) => among(how, facts.gate !== null && ids.includes(facts.gate)),
  time: ([side, bound], facts) => (side === "before" ? facts.at < bound : facts.at >= bound),
  clock: ({ from, to }, facts) => {
    const { minute } = facts.local();
    return from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  },
  weekday: (days, facts) => days.includes(facts.local().weekday),
  entries: ([how, bound], facts) => compare[how](facts.standing.entries.length, bound),
  entries_today: ([how, bound], facts) =>
    compare[how](facts.standing.entries.filter(([at]) => local(at, facts.zone).date === facts.local().date).length, bound),
  entries_since: ([since, how, bound], facts) => compare[how](facts.standing.entries.filter(([at]) => at >= since).length, bound),
  since_last: ([how, bound], facts) => {
    const entry = last(facts.standing);
    return entry ? compare[how](Math.floor(Math.max(0, facts.at - entry[0]) / MINUTE), bound) : how === "at_least";
  },
};

const WAITS = {
  time: ([side, bound], facts) => (side === "after" ? bound - facts.at : Infinity),
  clock: ({ from }, facts) => ((((from - facts.local().minute) % 1440) + 1440) % 1440) * MINUTE,
  weekday: (days, facts) => Math.min(...days.map((day) => (((day - facts.local().weekday) % 7) + 7) % 7)) * DAY,
  since_last: ([how, bound], facts) => {
    if (how !== "at_least") return Infinity;
    const entry = last(facts.standing);
    return entry ? bound * MINUTE - (facts.at - entry[0]) : 0;
  },
};

/** Null when a rule holds, else the nearest condition that does not, with how long until it does. */
export function failed(rule, facts) {
  if (rule.all) {
    for (const part of rule.all) {
      const found = failed(part, facts);
      if (found) return found;
    }
    return null;
  }
  if (rule.any) {
    let nearest = { test: null, wait: Infinity };
    for (const part of rule.any) {
      const found = failed(part, facts);
      if (!found) return null;
      if (nearest.test === null || found.wait < nearest.wait) nearest = found;
    }
    return nearest;
  }
  const [name, value] = Object.entries(rule.is)[0];
  if (TESTS[name](value, facts)) return null;
  return { test: rule.is, wait: WAITS[name]?.(value, facts) ?? Infinity };
}

const refused = (reason, more = {}) => ({ verdict: "refused", reason, ...more });
const ADMITTED = { verdict: "admitted" };

/**
 * May the holder of this ticket pass? `pass`: {event, kind, group, barred, collected} or null; `standing`: {entries: [[at, scan]], exit};
 * `door`: as the box sends it; `attempt`: {direction, at, gate, answered, inside, force}; `zone`: an IANA name.
 */
export function decide(pass, standing, door, attempt, zone) {
  if (!pass) return refused("unknown");
  if (pass.event !== door.event) return refused("wrong_event");
  if (door.kinds.length > 0 && !door.kinds.includes(pass.kind)) return refused("wrong_list");
  if (door.withdrawn) return refused("canceled");
  if (pass.barred) return refused(pass.barred);
  if (door.collected && !pass.collected && !attempt.force) return refused("not_collected");
  const isInside = () => inside(standing, attempt.at, door.exit_hour, zone);
  if (attempt.direction === "exit") return attempt.force || isInside() ? ADMITTED : refused("not_in");
  if (attempt.force) return ADMITTED;
  if (!door.entries || attempt.at < door.entries[0]) return refused("not_yet");
  if (attempt.at >= door.entries[1]) return refused("too_late");
  let seen;
  const facts = {
    kind: pass.kind, group: pass.group ?? null, gate: attempt.gate ?? null, standing, at: attempt.at, zone,
    local: () => (seen ??= local(attempt.at, zone)),
  };
  const broken = door.rules ? failed(door.rules, facts) : null;
  if (broken) return refused("rule", { failed: broken.test });
  const open = door.questions.filter((question) => question.required && !attempt.answered.includes(question.id)).map((question) => question.id);
  if (open.length > 0) return { verdict: "incomplete", open };
  const today = () => standing.entries.some(([at]) => local(at, zone).date === facts.local().date);
  const again = {
    once: () => standing.entries.length > 0, once_per_day: today, after_exit: isInside, unlimited: () => false,
  }[door.multi]();
  if (again) return refused("already_in");
  if (door.capacity !== null && door.capacity !== undefined && attempt.inside >= door.capacity && !isInside()) return refused("event_full");
  return ADMITTED;
}

const DAMM = ["0317598642", "7092154863", "4206871359", "1750983426", "6123045978", "3674209581", "5869720134", "8945362017", "9438617205", "2581436790"];
export const DIGITS = 12;
export const ATTEND = 8;
/** Whether a ticket number's check digit is right. */
export const sound = (digits) => [...digits].reduce((state, digit) => DAMM[state][digit], 0) == 0;

/** Half-width characters of what was typed, whatever layout or input method made them. */
export const half = (typed) => typed.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0)).replace(/　/g, " ");

/** The digits of a scanned code, as the box reads them; empty for what no ticket carries. */
export function digitsOf(code) {
  const tail = half(code).trim().split(/[/#=]/).pop();
  const digits = tail.replace(/[ \r\n\t-]/g, "");
  return /^\d*$/.test(digits) && (digits.length === DIGITS || digits.length === ATTEND) ? digits : "";
}

/** The codes in a burst: line ends part them, and so does length when two came without one. */
export function codes(burst) {
  return half(burst).split(/[\r\n\t]+/).flatMap((part) => {
    const plain = part.trim();
    const digits = plain.replace(/[ -]/g, "");
    if (!/^\d+$/.test(digits)) return plain ? [plain.slice(0, 200)] : [];
    if (digits.length > DIGITS && digits.length % DIGITS === 0) return digits.match(new RegExp(`.{${DIGITS}}`, "g"));
    return [digits];
  });
}

const K = [];
const primes = (function* () {
  for (let n = 2; ; n += 1) if (![...Array(n).keys()].some((d) => d > 1 && d * d <= n && n % d === 0)) yield n;
})();
const fraction = (x) => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
const START = [];
for (let n = 0; n < 64; n += 1) {
  const prime = primes.next().value;
  K.push(fraction(Math.cbrt(prime)));
  if (n < 8) START.push(fraction(Math.sqrt(prime)));
}

/** SHA-256 (FIPS 180-4) of a text. The browser has its own only on pages that came encrypted, which a hall's network need not be. */
export function sha256(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const bits = bytes.length * 8;
  bytes.push(0x80);
  while (bytes.length % 64 !== 56) bytes.push(0);
  for (let shift = 56; shift >= 0; shift -= 8) bytes.push(Math.floor(bits / 2 ** shift) & 255);
  const hash = [...START];
  const turn = (x, n) => (x >>> n) | (x << (32 - n));
  for (let at = 0; at < bytes.length; at += 64) {
    const w = [];
    for (let t = 0; t < 64; t += 1) {
      if (t < 16) w.push((bytes[at + 4 * t] << 24) | (bytes[at + 4 * t + 1] << 16) | (bytes[at + 4 * t + 2] << 8) | bytes[at + 4 * t + 3]);
      else {
        const [a, b] = [w[t - 15], w[t - 2]];
        w.push((w[t - 16] + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3)) + w[t - 7] + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10))) | 0);
      }
    }
    let [a, b, c, d, e, f, g, h] = hash;
    for (let t = 0; t < 64; t += 1) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[t] + w[t]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, n) => (hash[n] = (hash[n] + word) | 0));
  }
  return hash.flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 255));
}

/** What a terminal keeps of a code: see `service::checkin::hash`. */
export const hashed = (salt, code) => btoa(String.fromCharCode(...sha256(salt + code).slice(0, 15)));
