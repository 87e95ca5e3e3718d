"""The load of the crash test: applications that create, change and release resources of all kinds, remember
what was acknowledged to them, and ask again with the same Idempotency-Key where an answer was cut off."""

import collections
import http.client
import http.server
import json
import random
import threading
import uuid

import crash_kinds

FEATURES = "70000000001"  # everything: test notification, events, state, PATCH and list
ANSWER_PATIENCE = 20.0
API = crash_kinds.UNICAST.api


class Gone(Exception):
    """The answer did not arrive: nobody knows what became of the request."""


class Client:
    """One connection, made again when it breaks. Used by one thread."""

    def __init__(self, url):
        self.authority = url.split("//", 1)[1]
        self.connection = None

    def ask(self, method, path, body=None, headers=None):
        """Status, decoded body and headers; Gone where there is no whole answer."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.authority, timeout=ANSWER_PATIENCE)
            octets = None if body is None else json.dumps(body).encode()
            self.connection.request(method, path, octets, {"content-type": "application/json", **(headers or {})}
                                    if octets else headers or {})
            answer = self.connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None, answer.headers
        except (OSError, http.client.HTTPException) as why:
            self.close()
            raise Gone(str(why)) from why

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None


class Sink:
    """Where notifications go: remembers the numbers of each subscription in their order of arrival."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = collections.defaultdict(list)
        self.last_event = {}
        self.ended = collections.defaultdict(dict)  # monitors: the numbers that named a cause, and which
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):  # noqa: N802, the name is the standard library's
                news = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with sink.lock:
                    if "eventNotifs" in news:
                        for event in news["eventNotifs"]:
                            identity = event.get("uniSubId") or news["notifId"].rsplit("/", 1)[1]
                            sink.numbers[identity].append(event["seq"])
                            sink.last_event[identity] = event["event"]
                    else:
                        sink.numbers[news["subscriptionId"]].append(news["seq"])
                        if "terminationCause" in news:
                            sink.ended[news["subscriptionId"]][news["seq"]] = news["terminationCause"]
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_):  # the other end was killed
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Acknowledgements:
    """Counts what was acknowledged, so that kills are aimed by progress and not by the clock."""

    def __init__(self):
        self.changed = threading.Condition()
        self.total = 0
        self.by_what = collections.Counter()
        self.refused = collections.Counter()
        self.cut_off = 0

    def add(self, what):
        with self.changed:
            self.total += 1
            self.by_what[what] += 1
            self.changed.notify_all()

    def refuse(self, what, status):
        with self.changed:
            self.refused[f"{what} {status}"] += 1

    def cut(self):
        with self.changed:
            self.cut_off += 1

    def reach(self, total, patience):
        with self.changed:
            return self.changed.wait_for(lambda: self.total >= total, patience)


class Resource:
    def __init__(self, kind, identity, body, promise):
        self.kind = kind
        self.id = identity
        self.promise = promise
        self.body = body      # as it was asked for
        self.ends = kind.ends(body)  # by itself, and says so
        self.perhaps = None   # a change whose answer did not arrive
        self.leaving = False  # a release was asked and not answered

    def path(self):
        return f"{self.kind.api}/{self.id}"


class Application(threading.Thread):
    """One client with a UE of its own. What it holds is what the server has promised it."""

    def __init__(self, number, ue, stage, seed):
        super().__init__(daemon=True)
        self.rng = random.Random(f"{seed}/{number}")
        self.ue, self.stage = ue, stage
        self.client = Client(stage.url)
        self.control = Client(stage.net_url)
        self.held = {}
        self.pending = collections.deque()  # creates without an answer: (kind, key, body)
        self.was = set()                    # identifiers that were released
        self.degraded = False
        self.wrong = []
        self.life = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            self.stage.up.wait()
            if self.life != self.stage.life:  # the connection ended with the process
                self.client.close()
                self.life = self.stage.life
            try:
                self.turn()
            except Gone:
                self.stage.acks.cut()

    def turn(self):
        roll = self.rng.random()
        leaving = [one for one in self.held.values() if one.leaving]
        if roll < 0.1:
            self.toggle_link()
        elif roll < 0.2 and self.pending:
            self.create_again()
        elif roll < 0.3 and leaving:
            self.release(leaving[0])
        elif len(self.held) < 4 or (roll < 0.65 and self.room(crash_kinds.UNICAST)):
            kind = self.rng.choice((crash_kinds.UNICAST, *crash_kinds.ALL))
            self.create(kind if self.room(kind) else crash_kinds.UNICAST)
        else:
            one = self.held[self.rng.choice(sorted(self.held))]
            if roll < 0.85 or one.leaving:
                self.release(one)
            else:
                self.change(one)

    # -- what is asked --------------------------------------------------------------------------

    def room(self, kind):
        return sum(one.kind is kind for one in self.held.values()) < kind.held_max

    def create(self, kind):
        body = kind.body(self.rng, self.ue, self.stage.sink.url + "/" + self.ue)
        self.pending.append((kind, str(uuid.UUID(int=self.rng.getrandbits(128))), body))
        self.create_again(newest=True)

    def create_again(self, newest=False):
        """Asks for the newest or the oldest that waits; it waits on while nobody knows."""
        if newest:
            self.pending.rotate(1)
        kind, key, body = self.pending.popleft()
        self.pending.append((kind, key, body))
        status, made, headers = self.client.ask("POST", kind.api, body, {"idempotency-key": key})
        if status == 409:  # what the cut-off request left behind is still being cleared away
            return self.stage.acks.refuse("create", status)
        self.pending.pop()
        if status != 201:
            return self.stage.acks.refuse("create", status)
        identity = headers["location"].rsplit("/", 1)[1]
        self.held[identity] = Resource(kind, identity, body, kind.promise(made))
        self.stage.acks.add("create " + kind.name)

    def release(self, one):
        again, one.leaving = one.leaving, True
        status, _, _ = self.client.ask("DELETE", one.path())
        if status not in (204, 404):
            return self.stage.acks.refuse("release", status)
        if status == 404 and not again and not one.ends:
            self.wrong.append(f"{one.id}: acknowledged, and gone when it was to be released")
        del self.held[one.id]
        self.was.add(one.id)
        self.stage.acks.add("release")

    def change(self, one):
        if one.ends:  # How it ends would be changed with the rest.
            return
        before = one.promise, one.perhaps
        body, wanted = one.kind.change(one, self.rng)
        one.promise, one.perhaps = one.perhaps or one.promise, wanted
        status, now, _ = self.client.ask("PATCH", one.path(), body, {"content-type": "application/merge-patch+json"})
        if status == 200:
            one.promise, one.perhaps = one.kind.promise(now), None
            if one.promise != wanted:
                self.wrong.append(f"{one.id}: changed to {wanted}, answered {one.promise}")
            return self.stage.acks.add("change")
        if status < 500:  # refused: all is as it was
            one.promise, one.perhaps = before
        if status == 404:
            self.wrong.append(f"{one.id}: acknowledged, and gone when it was to be changed")
        self.stage.acks.refuse("change", status)

    def toggle_link(self):
        self.degraded = not self.degraded
        path = f"/netsim-control/v1/ues/{self.ue}/" + ("degrade" if self.degraded else "restore")
        self.control.ask("POST", path, {"lossPercent": 5} if self.degraded else None)

    # -- at the end -----------------------------------------------------------------------------

    def finish(self):
        """One round over everything without an answer; True where nothing is left in doubt."""
        for _ in range(len(self.pending)):
            self.create_again()
        for one in [one for one in self.held.values() if one.leaving]:
            self.release(one)
        return not self.pending and not any(one.leaving for one in self.held.values())
