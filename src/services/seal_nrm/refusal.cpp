#include "services/seal_nrm/refusal.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"

namespace lobo::seal_nrm {
namespace {

constexpr int retry_after_default = 1;
constexpr int retry_after_max = 3600;
constexpr std::size_t quoted_bytes_max = 256;  // of the core's text that we pass on
constexpr std::size_t core_faults_max = 16;

/// Text of the core, short enough to stand in ours.
std::string quote(const json::Value* value) {
  if (value == nullptr || value->text() == nullptr) return {};
  std::string text = value->text()->substr(0, quoted_bytes_max);
  while (!text.empty() && !is_utf8(text)) text.pop_back();  // Not in the middle of a character.
  return text;
}

int retry_after_of(const http::Response& response) {
  const auto header = response.headers.find("retry-after");
  const auto seconds = header ? parse_decimal(*header) : std::nullopt;
  return seconds ? static_cast<int>(std::clamp<std::uint64_t>(*seconds, 1, retry_after_max))
                 : retry_after_default;
}

/// Members of AsSessionWithQoSSubscription, or of a media component, that come from uniQosReq and
/// nowhere else.
bool is_about_quality(std::string_view pointer) {
  constexpr std::string_view component = "/ascReqData/medComponents/1";
  if (pointer.starts_with(component)) pointer.remove_prefix(component.size());
  const auto name = pointer.substr(0, pointer.find('/', 1));
  for (const std::string_view ours :
       {"/qosReference",  "/altQoSReferences", "/tscQosReq",       "/flowInfo",
        "/pduSetQosDl",   "/pduSetQosUl",      "/protoDescDl",     "/protoDescUl",
        "/pduSetQos",     "/protoDesc",        "/datBurstSizeInd", "/timetoNextBurstInd",
        "/altSerReqs",    "/marBwDl",          "/marBwUl",         "/mirBwDl",
        "/mirBwUl",       "/desMaxLatency",    "/desMaxLoss",      "/medSubComps",
        "/pduSetProtDesc"})
    if (name == ours) return true;
  return false;
}

}  // namespace

http::Response refusal_response(const Refusal& why) {
  std::string body =
      "{\"title\":" + json::quoted(why.title) + ",\"status\":" + std::to_string(why.status) +
      ",\"detail\":" + json::quoted(why.detail) + ",\"cause\":" + json::quoted(why.cause);
  if (!why.faults.empty()) {
    body += ",\"invalidParams\":[";
    for (const auto& fault : why.faults) {
      if (body.back() != '[') body += ',';
      body += "{\"param\":" + json::quoted(fault.where) +
              ",\"reason\":" + json::quoted(fault.reason) + "}";
    }
    body += ']';
  }
  if (why.acceptable) body += ",\"acceptableServInfo\":" + *why.acceptable;
  body += '}';
  http::Response response{
      why.status, {{"content-type", "application/problem+json"}}, std::move(body)};
  if (why.status == 503 || why.status == 429 || why.retry_after > 0)
    response.headers.add(
        "retry-after", std::to_string(why.retry_after > 0 ? why.retry_after : retry_after_default));
  return response;
}

Refusal core_refusal(const http::Response& response, std::string_view requirement) {
  const auto parsed = json::parse(response.body);
  const json::Value nothing;
  const json::Value& problem = parsed ? *parsed : nothing;
  const std::string cause = quote(problem.find("cause"));
  std::string said = quote(problem.find("detail"));
  if (said.empty()) said = quote(problem.find("title"));

  Refusal out;
  out.detail = "the network answered " + std::to_string(response.status);
  if (!cause.empty()) out.detail += " " + cause;
  if (!said.empty()) out.detail += ": " + said;

  // Its load or a fault of its own: the same request may succeed later.
  if (response.status == 429 || response.status >= 500) {
    if (cause == "PDU_SESSION_NOT_AVAILABLE") {
      auto absent = not_connected_refusal();
      absent.detail = out.detail;
      return absent;
    }
    out.status = 503;
    out.title = "The network cannot take this now";
    out.cause = response.status == 429 ? "NETWORK_CONGESTED" : "NETWORK_UNAVAILABLE";
    out.retry_after = retry_after_of(response);
    return out;
  }
  // Our own credentials, media types or methods: nothing that the application could mend.
  if (response.status == 401 || response.status == 405 || response.status == 411 ||
      response.status == 413 || response.status == 415 || response.status < 400) {
    out.status = 503;
    out.title = "The network does not take requests of this server";
    out.cause = "NETWORK_UNAVAILABLE";
    return out;
  }

  out.status = 403;
  out.title = "Refused by the network";
  out.cause = cause.empty() ? "REQUESTED_SERVICE_NOT_AUTHORIZED" : cause;
  if (const auto* offer = problem.find("acceptableServInfo");
      offer != nullptr && offer->object() != nullptr)
    out.acceptable = json::to_text(*offer);
  if (response.status == 400)
    if (const auto* params = problem.find("invalidParams");
        params != nullptr && params->array() != nullptr)
      for (const auto& param : *params->array()) {
        const std::string where = quote(param.find("param"));
        if (!is_about_quality(where) || out.faults.size() == core_faults_max) continue;
        out.faults.push_back(
            {Errc::not_allowed, std::string(requirement),
             "the network does not take " + where + ": " + quote(param.find("reason"))});
      }
  if (!out.faults.empty()) {
    out.status = 400;
    out.title = "Not as the network wants it";
    out.cause = "OPTIONAL_IE_INCORRECT";
  } else if (response.status == 404) {
    // The core names neither UE nor session by the address that it told us itself.
    out.cause = cause.empty() ? "UE_NOT_CONNECTED" : cause;
  }
  return out;
}

Refusal unreachable_refusal(const Result<http::Response>& response) {
  if (response) return core_refusal(*response, {});
  if (response.error().code == Errc::timeout)
    return {504, "No answer in time", "TIMED_OUT_REQUEST",
            "the network did not answer in time; what it may have granted is released"};
  return {503, "The network cannot be reached", "NETWORK_UNAVAILABLE",
          "the network cannot be reached: " + response.error().detail};
}

Refusal allocation_refusal(std::string_view event) {
  return {403, "Refused by the network", std::string(event),
          "the network accepted the request and then could not keep it: " + std::string(event)};
}

Refusal address_refusal(int status, std::string_view cause) {
  const std::string said = cause.empty() ? std::string() : " (" + std::string(cause) + ")";
  if (status == 404)
    return {404,
            "UE not known to the network",
            "USER_NOT_FOUND",
            "the network does not know this UE" + said,
            {{Errc::not_found, "/valTgtUe", "the network does not know this UE"}}};
  if (status >= 400 && status < 500 && status != 429 && status != 401)
    return {403, "Refused by the network", "UE_ADDRESS_NOT_PERMITTED",
            "the network does not tell where this UE is" + said};
  return {503, "The network cannot be reached", "NETWORK_UNAVAILABLE",
          "the network could not be asked where this UE is" + said};
}

Refusal not_connected_refusal() {
  return {403, "UE not connected", "UE_NOT_CONNECTED",
          "the UE has no connection in the network now"};
}
Refusal other_ue_refusal() {
  return {403, "UE address out of date", "UE_ADDRESS_NOT_VALID",
          "the network knows another UE under the address that is configured"};
}
Refusal unnamed_refusal() {
  return {503, "Not usable", "NETWORK_UNAVAILABLE",
          "the network accepted without naming what it made"};
}
Refusal late_refusal() {
  return {504, "No answer in time", "TIMED_OUT_REQUEST",
          "the network did not confirm in time; what it may have granted is released"};
}
Refusal release_late_refusal() {
  return {504, "No answer in time", "TIMED_OUT_REQUEST",
          "the network has not released it yet; this goes on by itself, DELETE may be sent again"};
}
Refusal deleted_refusal() {
  return {409, "Conflict with the present state", "RESOURCE_DELETED",
          "the resource is being released"};
}
Refusal no_paths_refusal() {
  return {501, "Not configured", "RELIABLE_PATHS_NOT_CONFIGURED",
          "this server was told of no PDU sessions over which the paths could go"};
}

Refusal unsettled_refusal() {
  return {.status = 409,
          .title = "Conflict with the present state",
          .cause = "RESOURCE_NOT_SETTLED",
          .detail = "the resource that this Idempotency-Key made is not settled; ask again",
          .retry_after = retry_after_default};
}
Refusal no_nef_refusal(std::string_view what) {
  return {501, "Not with this core", std::string(no_nef_cause),
          std::string(what) + ": this is for a NEF to do, and only a PCF is configured"};
}
Refusal interrupted_refusal() {
  return {503, "Interrupted", "SYSTEM_FAILURE", "the request was interrupted; ask again"};
}

Refusal group_unsettled_refusal() {
  return {503,
          "Group not known now",
          "GROUP_MANAGEMENT_UNAVAILABLE",
          "the group management server does not tell who belongs to the group",
          {{Errc::unavailable, "/valGroupId", "cannot be looked up now"}}};
}

http::Response unknown_ue_response(std::string_view pointer) {
  return refusal_response({404,
                           "UE not known",
                           "USER_NOT_FOUND",
                           "no such VAL UE or user is known to this requester",
                           {{Errc::not_found, std::string(pointer), "is not known"}}});
}

}  // namespace lobo::seal_nrm
