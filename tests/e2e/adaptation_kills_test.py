"""kill -9 again and again while adaptations are made, changed and released: what was acknowledged is kept, each UE of
it has one reservation, and nothing else is held."""

import collections
import json
import os
import random
import threading
import uuid

import harness
from adaptation_test import Adaptation, UES

KILLS = int(os.environ.get("LOBO_KILLS", "6"))
API = "/ss-nra/v1/network-resource-adaptations"
UES_MAX = 24
HELD_MAX = 4


class Load(threading.Thread):
    """An application: one request at a time, until the server is gone. A create without an answer is asked again
    under its key in the next life."""

    def __init__(self, url, rng, books):
        super().__init__(daemon=True)
        self.url, self.rng, self.books = url, rng, books
        self.answered = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.turn()
            except OSError:  # urllib's errors are some of these: the server is gone
                return
            self.answered += 1

    def turn(self):
        if self.books.unanswered:
            return self.create(*self.books.unanswered[0])
        held = sorted(self.books.held)
        chosen = self.rng.choice(held) if held else None
        kind = self.rng.randrange(4)
        if chosen is None or (kind < 2 and len(held) < HELD_MAX):
            ues = self.rng.sample(range(UES), self.rng.randint(1, UES_MAX))
            self.books.unanswered.append((str(uuid.uuid4()), [f"m{n}" for n in sorted(ues)]))
            return self.create(*self.books.unanswered[0])
        if kind == 2 and chosen not in self.books.leaving:
            ues = [f"m{n}" for n in sorted(self.rng.sample(range(UES), self.rng.randint(1, UES_MAX)))]
            perhaps = self.books.perhaps.setdefault(chosen, [])
            perhaps.append(ues)
            answer = harness.ask(f"{self.url}{API}/{chosen}", "PATCH", {"content-type": "application/merge-patch+json"},
                                 {"valUeIds": [{"valUeId": ue} for ue in ues]})
            if answer.status == 200:
                self.books.held[chosen] = ues
                perhaps.clear()
                return None
            perhaps.pop()  # Refused. A change before it, whose answer a kill took, may still be at work.
            if answer.status != 409:
                self.books.wrong.append(f"PATCH {chosen}: {answer.status} {answer.text}")
            return None
        return self.release(chosen)

    def release(self, chosen):
        self.books.leaving.add(chosen)
        answer = harness.ask(f"{self.url}{API}/{chosen}", "DELETE")
        if answer.status in (204, 404):
            self.books.leaving.discard(chosen)
            self.books.held.pop(chosen)
        return None

    def create(self, key, ues):
        answer = harness.ask(self.url + API, "POST", {"idempotency-key": key},
                             {"valUeIds": [{"valUeId": ue} for ue in ues], "uniQosReq": "xr-silver",
                              "notifUri": "http://127.0.0.1:9/x"})
        if answer.status == 201:
            self.books.held[answer.headers["location"].rsplit("/", 1)[1]] = ues
        if answer.status not in (201, 409, 503, 504):
            self.books.wrong.append(f"POST: {answer.status} {answer.text}")
        if answer.status not in (409, 503):
            self.books.unanswered.pop(0)


class Books:
    def __init__(self):
        self.held = {}        # id -> UEs, as it was acknowledged
        self.perhaps = {}     # id -> UEs of each change whose answer did not arrive
        self.leaving = set()  # ids of which a release was asked and not answered
        self.wrong = []       # answers that should not be
        self.unanswered = []  # (key, UEs) of the create whose answer did not arrive


class Kills(Adaptation):
    NETWORK = Adaptation.NETWORK.replace("2 Gbps", "90 Gbps") + "  behaviour: {allocation_delay: 1ms}\n"

    def test_what_was_acknowledged_outlives_them_and_nothing_else_is_held(self):
        rng = random.Random(7)
        books = Books()
        self.start_server()
        port = self.url.rsplit(":", 1)[1]
        for kill in range(KILLS + 1):
            load = Load(self.url, rng, books)
            load.start()
            aim = rng.randint(0, 5)
            self.until(lambda: load.answered >= aim or not load.is_alive(), True)
            if kill == KILLS:
                break
            self.server.signal(harness.SIGKILL)
            self.server.wait()
            load.join(harness.PATIENCE)
            self.start_server(port=port)
        load.stopping.set()
        load.join(harness.PATIENCE)
        closing = Load(self.url, rng, books)

        def settled():
            if books.unanswered:
                closing.create(*books.unanswered[0])
            for identity in sorted(books.leaving):  # Asked for once; whether it was heard is not known.
                closing.release(identity)
            return not books.unanswered and not books.leaving

        self.until(settled, True, patience=60)
        self.compare(books)

    def compare(self, books):
        """The three books: what was acknowledged, what the server says, what the core holds."""
        def listed():
            return {one["adaptationId"] for one in json.loads(self.adaptation("list", "-o", "json"))}

        self.assertEqual(books.wrong, [])
        self.until(lambda: listed() - set(books.held), set(), patience=60)
        self.assertEqual(set(books.held) - listed(), set(), "acknowledged and lost")
        wanted = collections.Counter()
        for identity in listed():
            either = [sorted(ues) for ues in (books.held[identity], *books.perhaps.get(identity, []))]

            def members(one=identity):
                shown = json.loads(self.adaptation("get", one, "-o", "json"))["adaptation"]
                return sorted(result["valTgtUe"]["valUeId"] for result in shown["ueResults"])

            self.until(lambda agreed=either, now=members: now() in agreed, True, patience=60)
            wanted.update(members())
        self.until(lambda: collections.Counter(one["ue"] for one in self.reservations()), wanted, patience=60)
        for identity in listed():  # What is in doubt after a kill is looked for twice, ten seconds apart.
            self.until(lambda one=identity: self.ask("DELETE", f"{API}/{one}").status in (204, 404), True, patience=60)
        self.until(self.at_core, [], patience=60)
        self.assertEqual(listed(), set())


# Those of the class that this one is made from are tested where they stand.
for name in [name for name in dir(Adaptation) if name.startswith("test_")]:
    setattr(Kills, name, None)
del Adaptation

if __name__ == "__main__":
    harness.main()
