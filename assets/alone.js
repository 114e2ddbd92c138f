// What a terminal keeps for the time when the box cannot be reached: its list's tickets and rules, and the scans that wait to be told.
// Everything lies in IndexedDB and is there again after a reload, a closed lid or a power cut.

const VERSION = 1;
// What the addresses of this page's space begin with.
const space = /^\/m\/\d+/.exec(location.pathname)?.[0] ?? "";

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export class Store {
  /** Opens the store of one event's list. */
  static async open(event, list) {
    const request = indexedDB.open(`huiguan${space.replaceAll("/", "-")}-${event}-${list}`, VERSION);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("taken");
      request.result.createObjectStore("queue", { autoIncrement: true });
    };
    return new Store(await asked(request));
  }

  constructor(base) {
    this.base = base;
  }

  /** Runs `use` with a table in a transaction of its own; done when it is on disk. */
  async within(table, use) {
    const change = this.base.transaction(table, "readwrite", { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      change.oncomplete = () => resolve();
      change.onabort = () => reject(change.error);
    });
    const result = await use(change.objectStore(table));
    await done;
    return result;
  }

  async snapshot() {
    return this.within("taken", (table) => asked(table.get("snapshot")));
  }

  async keep(snapshot) {
    await this.within("taken", (table) => asked(table.put(snapshot, "snapshot")));
  }

  /** Adds to what waits; answers its number. */
  async wait(item) {
    return this.within("queue", (table) => asked(table.add(item)));
  }

  /** What waits, in its order, each with its number. */
  async waiting() {
    return this.within("queue", async (table) => {
      const keys = await asked(table.getAllKeys());
      const items = await asked(table.getAll());
      return items.map((item, at) => ({ key: keys[at], ...item }));
    });
  }

  async done(keys) {
    if (keys.length > 0) await this.within("queue", (table) => Promise.all(keys.map((key) => asked(table.delete(key)))));
  }
}

/** The tickets of a snapshot with where they stand, for quick looks. */
export class Tickets {
  constructor(snapshot) {
    this.snapshot = snapshot;
    this.byCode = new Map();
    this.byTicket = new Map();
    for (const row of snapshot.tickets) {
      row.standing = { entries: row.i ?? [], exit: row.u ?? null };
      for (const code of row.c) this.byCode.set(code, row);
      this.byTicket.set(row.t, row);
    }
  }

  /** Where tickets stand now, by what the box tells. */
  turn(changes) {
    for (const [ticket, entries, exit] of changes) {
      const row = this.byTicket.get(ticket);
      if (!row) continue;
      row.standing = { entries, exit };
      [row.i, row.u] = [entries, exit];
    }
  }
}
