"""Checks a published draw from its description in docs/draw.md alone. python3 tests/draw.py FILE; prints what it found, ends with 1 on any problem."""

import hashlib
import json
import struct
import sys


def sha256(data):
    return hashlib.sha256(data).digest()


def framed(label, *parts):
    data = label.encode() + b"\0"
    for part in parts:
        part = part.encode() if isinstance(part, str) else part
        data += struct.pack(">I", len(part)) + part
    return sha256(data)


def quarter(state, a, b, c, d):
    """The quarter round of RFC 8439."""
    for (x, y, z, turn) in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        state[x] = (state[x] + state[y]) & 0xFFFFFFFF
        state[z] ^= state[x]
        state[z] = ((state[z] << turn) | (state[z] >> (32 - turn))) & 0xFFFFFFFF


def block(key, counter):
    first = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key)) + [counter, 0, 0, 0]
    state = list(first)
    for _ in range(10):
        for columns in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            quarter(state, *columns)
        for diagonals in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(state, *diagonals)
    return [(a + b) & 0xFFFFFFFF for a, b in zip(state, first)]


def words(key):
    counter = 0
    while True:
        yield from block(key, counter)
        counter += 1


def below(stream, end):
    whole = (1 << 32) // end * end
    while True:
        word = next(stream)
        if word < whole:
            return word % end


def pick(seed, count, wanted):
    stream, order = words(seed), list(range(count))
    wanted = min(wanted, count)
    for i in range(wanted):
        j = i + below(stream, count - i)
        order[i], order[j] = order[j], order[i]
    return order[:wanted]


class Check:
    def __init__(self, file):
        self.file = file
        self.problems = []
        self.winners = []
        self.shown = b""
        self.turn = 0
        self.waiting = None
        self.held = {}
        self.at = 0

    def demand(self, holds, what):
        if not holds:
            self.problems.append(f"line {self.at}: {what}")

    def entries(self, list_hash, count):
        data = bytes.fromhex(self.file["lists"].get(list_hash, ""))
        entries = [data[at : at + 32] for at in range(0, len(data), 32)]
        self.demand(len(entries) == count and count > 0, "count")
        self.demand(all(a < b for a, b in zip(entries, entries[1:])), "order of the list")
        self.demand(sha256(data).hex() == list_hash, "hash of the list")
        return entries

    def free(self, round_, place):
        return not self.held.get((round_, place))

    def tell(self, said):
        self.demand(self.waiting and self.waiting["turn"] == said["turn"], "no list waits for this turn")
        secret = bytes.fromhex(said["secret"])
        self.demand(sha256(secret) == self.shown, "secret")
        self.shown = secret
        return secret

    def open(self, said):
        self.demand(said["method"] == 1, "method")
        self.shown = bytes.fromhex(said["commitment"])

    def freeze(self, said):
        self.demand(self.waiting is None and said["turn"] == self.turn + 1, "turn")
        self.demand(said["mode"] in ("people", "table", "table_people", "random"), "mode")
        self.turn = said["turn"]
        places, quantity = said["places"], said["quantity"]
        self.demand(places and len(set(places)) == len(places), "places")
        for place in places:
            self.demand(place >= 1 and (quantity == 0 or place <= quantity), "quantity")
            self.demand(self.free(said["round"], place), "somebody holds this prize")
        self.waiting = dict(said, entries=self.entries(said["list"], said["count"]))

    def draw(self, said):
        secret = self.tell(said)
        waiting, self.waiting = self.waiting, None
        self.demand(said["taps"] or said["called"], "no public value")
        parts = [said["called"]]
        for number, value in said["taps"]:
            parts += [number, bytes.fromhex(value)]
        public = framed("huiguan-draw-public-1", *parts)
        self.demand(public.hex() == said["public"], "public value")
        if waiting is None:
            return
        seed = framed("huiguan-draw-seed-1", secret, public, bytes.fromhex(waiting["list"]), struct.pack(">I", said["turn"]))
        self.demand(seed.hex() == said["seed"], "seed")
        picked = pick(seed, len(waiting["entries"]), len(waiting["places"]))
        self.demand(len(picked) == len(said["winners"]), "number of winners")
        for winner, index, place in zip(said["winners"], picked, waiting["places"]):
            self.demand(winner["index"] == index and winner["place"] == place, "winner")
            entry = framed("huiguan-draw-entry-1", bytes.fromhex(winner["salt"]), winner["text"])
            self.demand(entry == waiting["entries"][winner["index"]], "entry")
            parts = winner["text"].split(",")
            holders = {"table_people": parts[1:], "table": parts[:1]}.get(waiting["mode"], [winner["text"]])
            self.held[(waiting["round"], place)] = set(holders)
            self.winners.append((said["turn"], place, winner["text"]))

    def cancel(self, said):
        self.tell(said)
        self.waiting = None

    def assign(self, said):
        self.demand(self.waiting is None, "assigned while a list waits")
        for winner in said["winners"]:
            self.demand(self.free(said["round"], winner["place"]), "somebody holds this prize")
            self.held.setdefault((said["round"], winner["place"]), set()).add(winner["text"])
            self.winners.append((0, winner["place"], winner["text"]))

    def void(self, said):
        holders = self.held.get((said["round"], said["place"]), set())
        self.demand(said["text"] in holders, "void of somebody who does not hold the prize")
        holders.discard(said["text"])

    def all(self):
        self.demand(self.file["format"] == "huiguan-draw-1", "format")
        previous = bytes(32)
        for self.at, line in enumerate(self.file["lines"]):
            previous = framed("huiguan-draw-line-1", previous, line["body"])
            self.demand(previous.hex() == line["hash"], "chain")
            said = json.loads(line["body"])
            self.demand(said["seq"] == self.at, "number")
            self.demand((said["act"] == "open") == (self.at == 0), "open")
            {"open": self.open, "freeze": self.freeze, "draw": self.draw, "cancel": self.cancel, "assign": self.assign, "void": self.void}[said["act"]](said)
        self.demand(previous.hex() == self.file["head"], "head")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        check = Check(json.load(file))
    check.all()
    for turn, place, text in check.winners:
        print(f"{turn} {place} {text}")
    for problem in check.problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if check.problems else 0)


main()
