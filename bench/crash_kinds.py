"""The kinds of resource that the crash test makes: how each is asked for and changed, what was promised with it,
and what the core has to hold for it."""

import urllib.parse

EXTRAS = ("x1", "x2", "x3")  # UEs that all applications have adapted and monitored; their links stay good
GROUP = "crew"
QUALITIES = ("xr-gold", "xr-silver")
MEASURES = {"DL_DELAY": "delay", "RT_DELAY": "delay", "AVG_DATA_RATE": "rate", "AVG_DL_TRAFFIC_VOLUME": "usage",
            "AVG_PLR": "analytics"}
REPORTS_MAX = 6


class Unicast:
    """A promise for the application's own UE."""
    name = "unicast"
    api, item, document, held_max = "/ss-nra/v1/unicast-subscriptions", "uniSubId", "subscription", 20

    def body(self, rng, ue, sink):
        return {"valTgtUe": {"valUeId": ue}, "uniQosReq": rng.choice(QUALITIES), "notifUri": sink,
                "suppFeat": "70000000001"}  # all features but those of the test itself

    def promise(self, document):
        return document["uniQosReq"]

    def change(self, one, rng):
        wanted = next(quality for quality in QUALITIES if quality != (one.perhaps or one.promise))
        return {"uniQosReq": wanted}, wanted

    def ends(self, _body):
        return False


class Adaptation(Unicast):
    """A promise for a list of UEs, or the group."""
    name = "adaptation"
    api, item, document, held_max = "/ss-nra/v1/network-resource-adaptations", "adaptationId", "adaptation", 2

    def body(self, rng, ue, sink):
        body = {"uniQosReq": rng.choice(QUALITIES), "notifUri": sink}
        if rng.random() < 0.4:
            return {**body, "valGroupId": GROUP}
        return {**body, "valUeIds": [{"valUeId": one} for one in (ue, *rng.sample(EXTRAS, rng.randint(1, 3)))]}


class Monitor:
    """Periodic reports; one in three ends by their number."""
    name = "monitor"
    api, item, document, held_max = "/ss-nrm/v1/subscriptions", "subscriptionId", "subscription", 3

    def body(self, rng, ue, sink):
        reporting = {"reportingMode": "PERIODIC", "reportingPeriod": rng.randint(1, 3)}
        if rng.random() < 0.33:
            reporting |= {"repTerminMode": "EVENT_TRIGGERED_NUM_REPORTS_REACHED",
                          "maxNumRep": rng.randint(1, REPORTS_MAX)}
        target = ({"valGroupId": GROUP} if rng.random() < 0.3 else
                  {"valUeIds": [{"valUeId": one} for one in (ue, *rng.sample(EXTRAS, rng.randint(0, 1)))]})
        return {**target, "notifUri": sink, "suppFeat": "1f0000000001", "reportReqs": reporting,
                "measReqs": {"measDataTypes": rng.sample(sorted(MEASURES), 2), "measAggrGranWnd": 1000}}

    def promise(self, document):
        return document["reportReqs"]["reportingPeriod"]

    def change(self, one, rng):
        wanted = next(period for period in (1, 2, 3) if period not in (one.promise, one.perhaps))
        return {"reportReqs": {"reportingMode": "PERIODIC", "reportingPeriod": wanted}}, wanted

    def ends(self, body):
        return "maxNumRep" in body["reportReqs"]


UNICAST, ADAPTATION, MONITOR = Unicast(), Adaptation(), Monitor()
ALL = (UNICAST, ADAPTATION, MONITOR)


def ues_of(document, crew):
    """Whom a listed adaptation or monitor is about."""
    if "valGroupId" in document:
        return set(crew)
    return {one["valUeId"] for one in document["valUeIds"]}


def sources_of(document):
    """The kinds of subscription at the core that a listed monitor needs for each of its UEs."""
    return {MEASURES[one] for one in document["measReqs"]["measDataTypes"]}


def callback_of(uri):
    """What a notification URI of ours is for: the kind of resource, and its identifier."""
    parts = uri.split("/nrm-callbacks/v1/", 1)[-1].split("/")
    return parts[0], urllib.parse.unquote(parts[1]) if len(parts) > 1 else ""
