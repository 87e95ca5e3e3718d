#include "wire/http/problem.hpp"

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/http/message.hpp"
#include "wire/http/status.hpp"

namespace lobo::http {
namespace {

/// Text may quote what a peer sent: bytes that are not UTF-8 are replaced as a whole.
void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view digits = "0123456789abcdef";
  if (!is_utf8(text)) text = "(not UTF-8)";
  out += '"';
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (u < 0x20) {
      out += "\\u00";
      out += digits[u >> 4U];
      out += digits[u & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, value);
}

/// A fault in the query has its own causes.
std::string_view cause_of(const Error& error, std::string_view otherwise) {
  if (error.faults.empty() || !error.faults.front().where.starts_with("query:")) return otherwise;
  return error.code == Errc::missing ? "MANDATORY_QUERY_PARAM_MISSING" : "INVALID_QUERY_PARAM";
}

Response with_body(int status, std::string body) {
  Response response{status, {{"content-type", "application/problem+json"}}, std::move(body)};
  if (status == 429 || status == 503)
    response.headers.add("retry-after", std::to_string(retry_after_seconds));
  if (status == 401) response.headers.add("www-authenticate", "Bearer");
  return response;
}

}  // namespace

ProblemKind problem_kind(Errc code) {
  switch (code) {
    case Errc::malformed: return {400, "Malformed request", "INVALID_MSG_FORMAT"};
    case Errc::missing: return {400, "Missing member", "MANDATORY_IE_MISSING"};
    case Errc::wrong_type: return {400, "Member of a wrong type", "MANDATORY_IE_INCORRECT"};
    case Errc::out_of_range: return {400, "Member out of range", "MANDATORY_IE_INCORRECT"};
    case Errc::pattern: return {400, "Member of a wrong form", "MANDATORY_IE_INCORRECT"};
    case Errc::not_allowed: return {400, "Member or value not allowed", "OPTIONAL_IE_INCORRECT"};
    case Errc::duplicate: return {400, "Duplicate", "INVALID_MSG_FORMAT"};
    case Errc::unauthenticated: return {401, "Not authenticated", "UNAUTHORIZED"};
    case Errc::forbidden: return {403, "Not permitted", "OPERATION_PROHIBITED"};
    case Errc::not_found: return {404, "Not found", "CONTEXT_NOT_FOUND"};
    case Errc::method_unknown: return {405, "Method not allowed", "METHOD_NOT_ALLOWED"};
    case Errc::not_acceptable: return {406, "No acceptable representation", "NOT_ACCEPTABLE"};
    case Errc::media_type: return {415, "Media type not supported", "UNSUPPORTED_MEDIA_TYPE"};
    case Errc::conflict:
      return {409, "Conflict with the present state", "MODIFICATION_NOT_ALLOWED"};
    case Errc::precondition: return {412, "Precondition failed", "PRECONDITION_FAILED"};
    case Errc::too_large: return {413, "Too large", "PAYLOAD_TOO_LARGE"};
    case Errc::too_many: return {429, "Too many", "NF_CONGESTION_RISK"};
    case Errc::refused: return {403, "Refused by the network", "REQUESTED_SERVICE_NOT_AUTHORIZED"};
    // What of ours cannot take it: the store, a full table. The network's absence has causes of
    // its own, given by who asked it.
    case Errc::unavailable: return {503, "Not available", "INSUFFICIENT_RESOURCES"};
    case Errc::timeout: return {504, "No answer in time", "TIMED_OUT_REQUEST"};
    case Errc::internal: return {500, "Internal error", "SYSTEM_FAILURE"};
  }
  std::abort();
}

Response problem(const Error& error, std::string_view instance) {
  const auto kind = problem_kind(error.code);
  std::string body = "{\"title\":";
  append_json_string(body, kind.title);
  body += ",\"status\":" + std::to_string(kind.status);
  if (!error.detail.empty()) append_member(body, "detail", error.detail);
  if (!instance.empty()) append_member(body, "instance", instance);
  append_member(body, "cause", cause_of(error, kind.cause));
  if (!error.faults.empty()) {
    body += ",\"invalidParams\":[";
    for (const auto& fault : error.faults) {
      if (body.back() != '[') body += ',';
      body += "{\"param\":";
      append_json_string(body, fault.where);
      if (!fault.reason.empty()) append_member(body, "reason", fault.reason);
      body += '}';
    }
    body += ']';
  }
  body += '}';
  return with_body(kind.status, std::move(body));
}

Response problem(int status, std::string_view detail) {
  std::string body = "{\"title\":";
  append_json_string(body, reason_phrase(status));
  body += ",\"status\":" + std::to_string(status);
  if (!detail.empty()) append_member(body, "detail", detail);
  append_member(body, "cause", status >= 500 ? "SYSTEM_FAILURE" : "INVALID_MSG_FORMAT");
  body += '}';
  return with_body(status, std::move(body));
}

}  // namespace lobo::http
