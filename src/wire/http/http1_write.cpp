#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "wire/http/chars.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"
#include "wire/http/status.hpp"
#include "wire/http/url.hpp"

namespace lobo::http::h1 {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

bool is_valid(const Header& field) { return is_token(field.name) && is_field_value(field.value); }

}  // namespace

bool is_connection_field(std::string_view name) {
  switch (name.size()) {
    case 7: return name == "upgrade";
    case 10: return name == "connection" || name == "keep-alive";
    case 14: return name == "content-length";
    case 16: return name == "proxy-connection";
    case 17: return name == "transfer-encoding";
    default: return false;
  }
}

void append_response(std::string& out, const Response& response, const WriteResponse& how) {
  const bool bodiless = has_no_body(response.status);
  out.reserve(out.size() + 256 + response.body.size());
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  for (const auto& field : response.headers)
    if (!is_connection_field(field.name) && is_valid(field))
      append_field(out, field.name, field.value);
  if (!how.date.empty()) append_field(out, "date", how.date);
  if (how.close) append_field(out, "connection", "close");
  if (how.framing == Framing::chunked) {
    append_field(out, "transfer-encoding", "chunked");
  } else if (!bodiless && how.framing != Framing::until_close) {
    out += "content-length: ";
    append_number(out, response.body.size());
    out += "\r\n";
  }
  out += "\r\n";
  if (!bodiless && !how.omit_body) out += response.body;
}

void append_chunk(std::string& out, std::string_view bytes) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16);
  out.append(digits.data(), end.ptr);
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

Result<void> append_request(std::string& out, const Request& request) {
  if (!is_token(request.method)) return fail(Errc::malformed, "the method is no token");
  if (!parse_authority(request.authority))
    return fail(Errc::malformed, "the authority names no host");
  if (!request.target.starts_with('/') && request.target != "*")
    return fail(Errc::malformed, "the target is no path");
  if (!is_target_text(request.target))
    return fail(Errc::malformed, "the target has a character that may not be there");
  for (const auto& field : request.headers)
    if (!is_valid(field))
      return fail(Errc::malformed, "header field '" + field.name + "' is not valid");

  out += request.method;
  out += ' ';
  out += request.target;
  out += " HTTP/1.1\r\n";
  append_field(out, "host", request.authority);
  for (const auto& field : request.headers)
    if (!is_connection_field(field.name) && field.name != "host" && field.name != "expect")
      append_field(out, field.name, field.value);
  // RFC 9110 clause 8.6: a length is told wherever the method gives a body a meaning.
  const bool tells_length = !request.body.empty() || request.method == "POST" ||
                            request.method == "PUT" || request.method == "PATCH";
  if (tells_length) {
    out += "content-length: ";
    append_number(out, request.body.size());
    out += "\r\n";
  }
  out += "\r\n";
  out += request.body;
  return {};
}

}  // namespace lobo::http::h1
