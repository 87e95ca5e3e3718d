#!/usr/bin/env python3
"""Compares the schemas of api/ with the official OpenAPI files: names, required, types, constraints.

Every difference is either a fault or stands in the table below with its reason. Without the official
files nothing is compared, and the number of comparisons left out is printed.
"""

import functools
import os
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECS = pathlib.Path(os.environ.get("LOBO_SPECS", ROOT.parent / "shared" / "specs"))
SKIPPED = 77

# document -> (official file, schemas that must be equal)
NRA = "3gpp-rel18/TS29549_SS_NetworkResourceAdaptation.yaml"
NRM = "3gpp-rel18/TS29549_SS_NetworkResourceMonitoring.yaml"
COMMON_18 = "3gpp-rel18/TS29571_CommonData.yaml"
COMMON_19 = "3gpp-rel19/3gpp-ts29571-commondata.yml"
EXPOSURE = "3gpp-rel18/TS29122_CommonData.yaml"
PAIRS = [
    ("ss_nra", "UnicastSubscription", NRA), ("ss_nra", "UserPlaneNotification", NRA),
    ("ss_nra", "NrmEventNotification", NRA), ("ss_nra", "NrmEvent", NRA), ("ss_nra", "DeliveryMode", NRA),
    *(("ss_nrm", name, NRM) for name in (
        "MonitoringSubscription", "MonitoringReport", "MeasurementData", "MeasurementPeriod", "ReportingRequirements",
        "FailureReport", "MeasurementRequirements", "ReportingThreshold", "MonitoringSubscriptionPatch",
        "MeasurementDataType", "TerminationMode", "FailureReason", "ThresholdHandlingMode")),
    ("common", "ValTargetUe", "3gpp-rel18/TS29549_SS_UserProfileRetrieval.yaml"),
    ("common", "WebsockNotifConfig", EXPOSURE), ("common", "TestNotification", EXPOSURE),
    ("common", "ProblemDetails", EXPOSURE), ("common", "InvalidParam", EXPOSURE), ("common", "TimeWindow", EXPOSURE),
    ("common", "Snssai", COMMON_18), ("common", "SupportedFeatures", COMMON_18), ("common", "BitRate", COMMON_18),
    ("common", "MacAddr48", COMMON_18), ("common", "PacketDelBudget", COMMON_18), ("common", "PacketErrRate", COMMON_18),
    ("common", "Gpsi", COMMON_18), ("common", "DateTime", COMMON_18), ("common", "Bytes", COMMON_18),
    ("common", "Uint32", COMMON_18), ("common", "ExtPacketDelBudget", COMMON_18),
    ("common", "PduSetQosPara", COMMON_19), ("common", "PduSetHandlingInfo", COMMON_19),
    ("common", "ProtocolDescription", COMMON_19), ("common", "MediaTransportProto", COMMON_19),
    ("common", "RtpHeaderExtInfo", COMMON_19), ("common", "RtpHeaderExtType", COMMON_19),
    ("common", "RtpPayloadInfo", COMMON_19), ("common", "RtpPayloadFormat", COMMON_19),
    ("common", "MriTransferMethod", COMMON_19),
]

SDD = "3gpp-rel18/TS29548_SDD_"
SEALDD = [
    ("sdd_transmission", "Transmission", ("TransReq", "TransResp", "QosInfo", "ValServBdw", "ValUsersBdw", "ConnStatusSubsc",
                                          "ConnStatusNotif", "ConnStatusReport", "ConnEstabData", "ConnStatusEvent",
                                          "TransType")),
    ("sdd_tqm", "TransmissionQualityMeasurement", (
        "TransQualMeasSubsc", "TransQualMeasReq", "TransQualMeasSubscPatch", "TransQualMeasNotif", "TransQualMeasReport",
        "TransQualMeasCriteria", "TransQualMeasData", "HistTransQualMeasReports", "MeasurementId", "RepGranularity")),
    ("sdd_policy", "PolicyConfiguration", ("PolicyConfig", "PolicyConfigPatch", "SealddPolicy", "QualGuarPolicy",
                                           "QualOptimPolicy", "BdwCtrlPolicy")),
    ("sdd_context", "DDContext", ("DdContext", "TranspLayerContext", "DdContextPushReq", "DdContextResp", "SddUuContext",
                                  "SddSContext")),
    ("sdd_storage", "DataStorage", (
        "DataStorage", "DataStoragePatch", "ReservRespData", "AccessCtrlPolicy", "DataMngtSubsc", "DataMngtNotif",
        "DataAccessStats", "DataMngtStats", "DataDelSubsc", "DataDelSubscPatch", "DataDelNotif", "DataDelReq", "EntityName",
        "DataAccessRight", "DataMngtEvent")),
]
PAIRS += [(document, name, f"{SDD}{file}.yaml") for document, file, names in SEALDD for name in names]
PAIRS += [("oam_files", name, "3gpp-rel18/TS28532_FileDataReportingMnS.yaml") for name in ("FileInfo", "FileDataType")]
PAIRS += [("sync_types", "ConnInfo", f"{SDD}Transmission.yaml")]

COMPARED = {name for _, name, _ in PAIRS}

# (schema, what is left out of the comparison) -> why
EXTENSION = "extension, only where negotiated"
ALLOWED = {
    ("UnicastSubscription", "properties/uniQosState"): EXTENSION,
    ("NrmEventNotification", "properties/uniSubId"): EXTENSION,
    ("NrmEventNotification", "properties/seq"): EXTENSION,
    ("NrmEventNotification", "properties/appliedQosRef"): EXTENSION,
    ("NrmEventNotification", "properties/cause"): EXTENSION,
    ("NrmEvent", "enum"): "the extension events",
    **{("MonitoringSubscription", f"properties/{name}"): EXTENSION
       for name in ("valServiceId", "profileId", "profile", "perUeRep", "monState")},
    ("MonitoringSubscription", "oneOf"): "checked by hand, so that the refusal names the member",
    **{("MonitoringReport", f"properties/{name}"): EXTENSION
       for name in ("subscriptionId", "seq", "terminationCause", "profileId", "ueReports", "measuredFrom", "gapSec")},
    ("MonitoringReport", "required"): "a notice of termination without data, only where negotiated",
    ("MonitoringReport", "anyOf"): "the same",
    ("MonitoringSubscriptionPatch", "properties/profileId"): EXTENSION,
    ("MonitoringSubscriptionPatch", "properties/perUeRep"): EXTENSION,
    ("MeasurementRequirements", "properties/aggrWindowSec"): EXTENSION,
    **{(name, f"properties/{member}/minimum"): "a time is not below zero"
       for name, member in (("MeasurementPeriod", "measDuration"), ("ReportingRequirements", "expirationTimer"),
                            ("ReportingRequirements", "reportingPeriod"))},
}
# What TS 29.548 V1.0.0 says and cannot mean, and how it is settled (docs/spec-map.md).
DEFECT = "a defect of the alpha file, settled"
ALLOWED |= {
    ("SealddPolicy", "anyOf"): DEFECT,
    ("QosInfo", "anyOf"): DEFECT, ("QosInfo", "allOf"): DEFECT,
    **{(name, "properties/measConds/items/properties/locArea"): "refused: no location is known here"
       for name in ("TransQualMeasSubsc", "TransQualMeasSubscPatch")},
    ("TransQualMeasSubsc", "properties/reqs/nullable"): DEFECT,
    ("TransQualMeasSubscPatch", "properties/reqs/nullable"): DEFECT,
    **{(name, f"properties/{member}"): "read-only there; a date-time all the same" for name, member in (
        ("TransQualMeasSubsc", "subsExpTime"), ("PolicyConfig", "expTime"), ("DataDelSubsc", "expTime"))},
    **{("TransQualMeasCriteria", f"properties/{bound}{what}"): "a null takes a criterion away, which a merge patch has done"
       for bound in ("min", "max") for what in ("BitRate", "Jitter", "Latency", "PackLossRate")},
    ("HistTransQualMeasReports", "properties/reports/minItems"): "zero says nothing",
    ("DdContextResp", "properties/endPoint"): "nullable there; an endpoint that is none is left out",
    ("SddUuContext", "properties/valServEndPoint"): "nullable there, and required: an endpoint that is none has no address",
    ("DataAccessStats", "properties/detAccessStats/additionalProperties"): "the same type by another name",
    ("DataMngtStats", "properties/detMngtStats/additionalProperties"): "the same type by another name",
    ("FileInfo", "properties/fileCompression"): "no file is compressed",
    ("ConnInfo", "properties/ipv6Addr"): "format ipv6 is that pattern",
    **{(name, f"properties/{member}"): EXTENSION for name, members in {
        "TransResp": ("connection", "token", "sddFlowIds"), "TransQualMeasReq": ("kPercentile",),
        "TransQualMeasData": ("more",), "TransQualMeasReport": ("reqKey", "appTrafficIds", "criteria"),
        "TransQualMeasNotif": ("subscriptionId", "seq"), "PolicyConfig": ("thresholds", "actionsTaken"),
        "PolicyConfigPatch": ("thresholds",), "DdContext": ("connection",), "DdContextResp": ("relocation",),
    }.items() for member in members},
}
# Pointers of official members whose text is checked less strictly there than here.
STRICTER = ("format",)  # uri, ipv4, ipv6: the official types are plain strings or patterns of the same set
PROSE = ("description", "title", "example", "deprecated", "externalDocs", "default", "readOnly", "writeOnly")

OPERATIONS = [("ss_nra", NRA, path) for path in ("/unicast-subscriptions", "/unicast-subscriptions/{uniSubId}")]
OPERATIONS += [("sdd_transmission", f"{SDD}Transmission.yaml", path) for path in ("/{transType}/request-trans",
                                                                                   "/subscriptions")]
OPERATIONS += [("sdd_tqm", f"{SDD}TransmissionQualityMeasurement.yaml", path)
               for path in ("/subscriptions", "/subscriptions/{subscriptionId}", "/reports")]
OPERATIONS += [("sdd_policy", f"{SDD}PolicyConfiguration.yaml", path)
               for path in ("/configurations", "/configurations/{configId}")]
OPERATIONS += [("sdd_storage", f"{SDD}DataStorage.yaml", path)
               for path in ("/storages", "/storages/{storageId}", "/subscriptions", "/subscriptions/{subscriptionId}",
                            "/request-del")]
OPERATIONS += [("ss_nrm", NRM, path) for path in ("/subscriptions", "/subscriptions/{subscriptionId}")]
# Statuses about a body, listed for an operation that takes none.
WITHOUT_BODY = {"ReadUnicastMonitoringSubscription": {"411", "413", "415"}}
OUR_OPERATIONS = ("ListUnicastMonitoringSubscriptions", "ListUnicastSubscriptions", "ModifyUnicastSubscription")


@functools.lru_cache(maxsize=None)
def load(path):
    with open(path, encoding="utf-8") as stream:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def resolve(schema, path):
    """The schema behind references, and the file in which it stands."""
    for _ in range(20):
        if not isinstance(schema, dict) or "$ref" not in schema:
            return schema, path
        file, pointer = schema["$ref"].split("#")
        path = official(path.parent, file) if file else path
        schema = load(path)
        for token in pointer.strip("/").split("/"):
            schema = schema[token]
    raise ValueError("more than 20 references in a row")


def official(folder, file):
    """Rel-19 files have another manner of naming."""
    if (folder / file).exists():
        return folder / file
    lowered = "3gpp-" + file.lower().replace("_", "-").replace(".yaml", ".yml")
    return folder / lowered


def facts(schema, path, depth=0):
    """What a schema says, flattened: pointer -> value. Names of referred types do not count."""
    name = schema.get("$ref", "").rsplit("/", 1)[-1] if isinstance(schema, dict) else ""
    if depth > 0 and name in COMPARED:
        return {"same_as": name}  # it has a comparison of its own
    schema, path = resolve(schema, path)
    if not isinstance(schema, dict) or depth > 6:
        return {}
    found = {}
    merged = {key: value for key, value in schema.items() if key not in PROSE}
    if len(merged.get("allOf", [])) == 1 and set(merged) == {"allOf"}:
        return facts(merged["allOf"][0], path, depth)
    for key, value in merged.items():
        if key == "properties":
            for name, sub in value.items():
                found[f"properties/{name}"] = True
                for pointer, fact in facts(sub, path, depth + 1).items():
                    found[f"properties/{name}/{pointer}"] = fact
        elif key == "items":
            for pointer, fact in facts(value, path, depth + 1).items():
                found[f"items/{pointer}"] = fact
        elif key == "required":
            found["required"] = tuple(sorted(value))
        elif key == "anyOf" and any(isinstance(v, dict) and "enum" in v for v in value):
            found["enum"] = tuple(next(v["enum"] for v in value if "enum" in v))
        elif key in ("oneOf", "anyOf", "allOf", "not"):
            found[key] = repr(conditions(value))
        elif isinstance(value, list):
            found[key] = tuple(value)
        else:
            found[key] = value
    return found


def conditions(node):
    if isinstance(node, list):
        return sorted((conditions(one) for one in node), key=repr)
    if isinstance(node, dict):
        return sorted(((key, conditions(value)) for key, value in node.items() if key not in PROSE), key=repr)
    return node


def is_excused(schema, pointer):
    return any(name == schema and (pointer == left or pointer.startswith(left + "/")) for name, left in ALLOWED)


def compare_schema(ours, theirs, name):
    for pointer in sorted(set(ours) | set(theirs)):
        last = pointer.rsplit("/", 1)[-1]
        if is_excused(name, pointer) or last in STRICTER:
            continue
        if last == "pattern" and pointer not in ours and pointer.rsplit("pattern", 1)[0] + "format" in ours:
            continue
        if ours.get(pointer) != theirs.get(pointer):
            yield f"{name}/{pointer}: ours {ours.get(pointer)!r}, official {theirs.get(pointer)!r}"


def compare_operations(document, official_file, path):
    our_item, their_item = load(ROOT / "api" / f"{document}.yaml")["paths"][path], load(SPECS / official_file)["paths"][path]
    for method, operation in their_item.items():
        if method == "parameters":
            continue
        ours = our_item.get(method)
        if ours is None or ours["operationId"] != operation["operationId"]:
            yield f"{path} {method}: {operation['operationId']} is not there"
            continue
        missing = set(map(str, operation["responses"])) - set(map(str, ours["responses"]))
        missing -= WITHOUT_BODY.get(operation["operationId"], set())
        if missing:
            yield f"{operation['operationId']}: statuses {sorted(missing)} are not declared"
        if set(operation.get("requestBody", {}).get("content", {})) != set(ours.get("requestBody", {}).get("content", {})):
            yield f"{operation['operationId']}: another content type"
    for method, operation in our_item.items():
        if method != "parameters" and method not in their_item and operation["operationId"] not in OUR_OPERATIONS:
            yield f"{path} {method}: not official and not a declared extension"


def main():
    checks = len(PAIRS) + len(OPERATIONS)
    if not SPECS.is_dir():
        print(f"SKIP: {checks} comparisons left out, there are no official OpenAPI files at {SPECS}")
        return SKIPPED
    faults, facts_seen = [], 0
    for document, name, file in PAIRS:
        ours = ROOT / "api" / f"{document}.yaml"
        our_facts = facts(load(ours)["components"]["schemas"][name], ours)
        their_facts = facts(load(SPECS / file)["components"]["schemas"][name], SPECS / file)
        facts_seen += len(their_facts)
        faults += compare_schema(our_facts, their_facts, name)
    for document, file, path in OPERATIONS:
        faults += compare_operations(document, file, path)
    print("\n".join(faults))
    print(f"{checks} comparisons, {facts_seen} official facts, {len(ALLOWED)} declared differences, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
