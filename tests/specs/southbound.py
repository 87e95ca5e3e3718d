#!/usr/bin/env python3
"""Every member, required list and enumeration of our southbound documents exists in an official file.

The documents are subsets: what we neither send nor read is left out. Whatever is there must be the
standard's, of Release 18 or 19: the name, whether it is required, its kind, and the conditions on
which members stand together. Without the official files nothing is compared, and that is said.
"""

import functools
import os
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECS = pathlib.Path(os.environ.get("LOBO_SPECS", ROOT.parent / "shared" / "specs"))
SKIPPED = 77

OFFICIAL = {
    "as_session_with_qos": ("3gpp-rel18/TS29122_AsSessionWithQoS.yaml",
                            "3gpp-rel19/3gpp-ts29122-assessionwithqos.yml",
                            "3gpp-rel18/TS29122_CommonData.yaml", "3gpp-rel18/TS29514_Npcf_PolicyAuthorization.yaml",
                            "3gpp-rel18/TS29512_Npcf_SMPolicyControl.yaml", "3gpp-rel18/TS29571_CommonData.yaml",
                            "3gpp-rel19/3gpp-ts29571-commondata.yml"),
    "monitoring_event": ("3gpp-rel18/TS29122_MonitoringEvent.yaml", "3gpp-rel18/TS29122_CommonData.yaml"),
    "ue_address": ("3gpp-rel18/TS29522_UEAddress.yaml", "3gpp-rel19/3gpp-ts29522-ueaddress.yml",
                   "3gpp-rel18/TS29571_CommonData.yaml"),
    "policy_authorization": ("3gpp-rel18/TS29514_Npcf_PolicyAuthorization.yaml",),
    "bsf": ("3gpp-rel18/TS29521_Nbsf_Management.yaml", "3gpp-rel18/TS29510_Nnrf_NFManagement.yaml"),
    "analytics_exposure": ("3gpp-rel19/3gpp-ts29522-analyticsexposure.yml",
                           "3gpp-rel19/3gpp-ts29520-nnwdaf-eventssubscription.yml",
                           "3gpp-rel18/TS29523_Npcf_EventExposure.yaml", "3gpp-rel18/TS29508_Nsmf_EventExposure.yaml",
                           "3gpp-rel18/TS29571_CommonData.yaml"),
    "applying_bdt_policy": ("3gpp-rel18/TS29522_ApplyingBdtPolicy.yaml",
                            "3gpp-rel19/3gpp-ts29522-applyingbdtpolicy.yml"),
    "group_management": ("3gpp-rel18/TS29549_SS_GroupManagement.yaml",
                         "3gpp-rel18/TS29549_SS_UserProfileRetrieval.yaml"),
    "service_parameter": ("3gpp-rel18/TS29522_ServiceParameter.yaml",
                          "3gpp-rel19/3gpp-ts29522-serviceparameter.yml", "3gpp-rel18/TS29571_CommonData.yaml"),
    "ue_id": ("3gpp-rel18/TS29522_UEId.yaml", "3gpp-rel18/TS29571_CommonData.yaml"),
}
# Names that are ours: lists that the official files write inline, and types of one scalar.
OURS = {"AsSessionWithQoSSubscriptions", "MonitoringEventSubscriptions", "IpAddrs", "DurationMilliSec",
        "AppliedBdtPolicies", "AnalyticsExposureSubscs", "VALGroupDocuments", "ServiceParameterDatas"}
# Another API of TS 29.522 has the same names, and a name is given once here.
RENAMED = {
    "ReadAllAnalyticsSubscriptions": "ReadAllSubscriptions",
    "CreateAnalyticsSubscription": "CreateNewSubscription",
    "ReadAnalyticsSubscription": "ReadAnSubscription",
    "UpdateAnalyticsSubscription": "FullyUpdateAnSubscription",
    "DeleteAnalyticsSubscription": "DeleteAnSubscription",
    "ReadAllServiceParameters": "ReadAllSubscriptions",
    "CreateServiceParameter": "CreateAnSubscription",
    "ReadServiceParameter": "ReadAnSubscription",
    "ReplaceServiceParameter": "FullyUpdateAnSubscription",
    "ModifyServiceParameter": "PartialUpdateAnSubscription",
    "DeleteServiceParameter": "DeleteAnSubscription",
}
# Where the releases differ, or a subset cannot keep the whole condition.
ALLOWED = {
    ("TrafficDescriptorComponents", "conditions"): "of the ways to describe traffic three are served",
    ("TscQosRequirementRm", "conditions"): "a patch may name both where it takes one away",
}
# Members of Release 19 in documents of which only an older official file is at hand; TS 29.122 of
# that release has them under the same names.
OF_RELEASE_19 = {
    "MediaComponent": {"pduSetQosDl", "pduSetQosUl", "protoDescDl", "protoDescUl", "datBurstSizeInd",
                       "timetoNextBurstInd"},
    "MediaComponentRm": {"pduSetQosDl", "pduSetQosUl", "protoDescDl", "protoDescUl", "datBurstSizeInd",
                         "timetoNextBurstInd"},
}


@functools.lru_cache(maxsize=None)
def load(path):
    with open(path, encoding="utf-8") as stream:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def candidates(document, name):
    for file in OFFICIAL[document]:
        schema = load(SPECS / file).get("components", {}).get("schemas", {}).get(name)
        if schema is not None:
            yield schema


def enum_of(schema):
    parts = schema.get("anyOf") or [schema]
    return next((set(part["enum"]) for part in parts if isinstance(part, dict) and "enum" in part), set())


def conditions(schema):
    return {key: sorted(map(repr, schema[key])) if isinstance(schema[key], list) else repr(schema[key])
            for key in ("oneOf", "anyOf", "not") if key in schema and "enum" not in repr(schema[key])}


def compare(document, name, ours):
    """Faults of one schema of ours."""
    theirs = list(candidates(document, name))
    if not theirs:
        yield f"{document}: no official file has the schema {name}"
        return
    members = set().union(*(schema.get("properties", {}) for schema in theirs))
    for member in ours.get("properties", {}):
        if member not in members | OF_RELEASE_19.get(name, set()):
            yield f"{document}: {name}/{member} is in no official file"
    required = [set(schema.get("required", [])) for schema in theirs]
    if set(ours.get("required", [])) not in required:
        yield f"{document}: {name} requires {sorted(ours.get('required', []))}, official {list(map(sorted, required))}"
    values = set().union(*map(enum_of, theirs))
    if not enum_of(ours) <= values:
        yield f"{document}: {name} has the values {sorted(enum_of(ours) - values)} of no official file"
    if (name, "conditions") not in ALLOWED and conditions(ours) not in [conditions(schema) for schema in theirs]:
        yield f"{document}: {name} has other conditions than {[conditions(schema) for schema in theirs]}"
    kinds = {schema.get("type") for schema in theirs}
    if ours.get("type") not in kinds | {None} and "properties" not in ours:
        yield f"{document}: {name} is {ours.get('type')}, official {kinds}"


def compare_operations(document):
    ours = load(ROOT / "api" / f"{document}.yaml")
    official = load(SPECS / OFFICIAL[document][0])
    base = official["servers"][0]["url"].removeprefix("{apiRoot}")
    if ours["servers"][0]["url"] != base:
        yield f"{document}: served below {ours['servers'][0]['url']}, official {base}"
    for path, item in ours["paths"].items():
        theirs = official["paths"].get(path, {})
        for method, operation in item.items():
            if method == "parameters":
                continue
            other = theirs.get(method)
            if other is None:
                yield f"{document}: {method} {path} is in no official file"
                continue
            if RENAMED.get(operation["operationId"], operation["operationId"]) != other["operationId"]:
                yield f"{document}: {operation['operationId']}, official {other['operationId']}"
            unknown = set(operation["responses"]) - set(other["responses"])
            if unknown:
                yield f"{document}: {method} {path} answers {sorted(unknown)}, which no official file lists"
            media = lambda one: set(one.get("requestBody", {}).get("content", {}))
            if media(operation) != media(other):
                yield f"{document}: {method} {path} takes {media(operation)}, official {media(other)}"


def main():
    if not SPECS.is_dir():
        print(f"SKIP: no official files at {SPECS}; {len(OFFICIAL)} documents are not compared")
        return SKIPPED
    faults, schemas = [], 0
    for document in OFFICIAL:
        faults += compare_operations(document)
        for name, schema in load(ROOT / "api" / f"{document}.yaml")["components"]["schemas"].items():
            if name not in OURS:
                schemas += 1
                faults += compare(document, name, schema)
    print("\n".join(faults) or f"{schemas} schemas of {len(OFFICIAL)} documents are the standard's")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
