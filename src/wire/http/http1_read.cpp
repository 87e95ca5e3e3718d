#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "wire/http/chars.hpp"
#include "wire/http/http1.hpp"
#include "wire/http/message.hpp"
#include "wire/http/status.hpp"
#include "wire/http/url.hpp"

namespace lobo::http::h1 {
namespace {

tl::unexpected<Refusal> refuse(int status, std::string_view why) {
  return tl::unexpected<Refusal>(Refusal{status, why});
}

/// Room made at once for the fields of a message; most bring fewer.
inline constexpr std::size_t fields_expected = 8;

/// What the fields say about the message as a whole.
struct Facts {
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;
  bool keep_alive = false;
  bool expects_continue = false;
  bool expects_other = false;
  std::size_t hosts = 0;
};

std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Parsed<void> note_length(std::string_view value, Facts& facts) {
  // 18 digits cannot overflow; one field only: two equal ones are a sign of a confused sender.
  if (facts.content_length) return refuse(400, "Content-Length is given twice");
  if (value.empty() || value.size() > 18) return refuse(400, "Content-Length is no length");
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!is_digit(c)) return refuse(400, "Content-Length is no length");
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  facts.content_length = length;
  return {};
}

void note_connection(std::string_view value, Facts& facts) {
  for (const auto option : split(value, ',')) {
    if (equal_ignoring_case(trim_ows(option), "close")) facts.close = true;
    if (equal_ignoring_case(trim_ows(option), "keep-alive")) facts.keep_alive = true;
  }
}

Parsed<void> note(std::string_view name, std::string_view value, Facts& facts) {
  // Told apart by length first: almost every field is none of these.
  switch (name.size()) {
    case 4:
      if (name == "host") ++facts.hosts;
      break;
    case 6:
      if (name != "expect") break;
      if (equal_ignoring_case(value, "100-continue"))
        facts.expects_continue = true;
      else
        facts.expects_other = true;
      break;
    case 10:
      if (name == "connection") note_connection(value, facts);
      break;
    case 14:
      if (name == "content-length") return note_length(value, facts);
      break;
    case 17:
      if (name != "transfer-encoding") break;
      if (facts.chunked) return refuse(400, "Transfer-Encoding is given twice");
      if (!equal_ignoring_case(value, "chunked"))
        return refuse(501, "a transfer coding other than chunked");
      facts.chunked = true;
      break;
    default: break;
  }
  return {};
}

/// One "name: value" line without its CRLF.
Parsed<void> parse_field(std::string_view line, Headers& headers, Facts& facts) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a folded header field");
  const auto colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos)
    return refuse(400, "a header field name that is no token");
  std::string name(line.substr(0, colon));
  for (char& c : name) {
    c = token_char(c);
    if (c == 0) return refuse(400, "a header field name that is no token");
  }
  const auto value = trim_ows(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(400, "a header field with a control character");
  if (auto noted = note(name, value, facts); !noted) return noted;
  headers.add(std::move(name), std::string(value));
  return {};
}

Parsed<void> parse_fields(std::string_view lines, std::size_t fields_max, Headers& headers,
                          Facts& facts) {
  std::size_t count = 0;
  headers.reserve(std::min(fields_max, fields_expected));
  while (lines.size() > 2) {
    const auto end = lines.find("\r\n");
    const auto line = lines.substr(0, end);
    if (++count > fields_max) return refuse(431, "too many header fields");
    if (auto parsed = parse_field(line, headers, facts); !parsed) return parsed;
    lines.remove_prefix(end + 2);
  }
  if (facts.chunked && facts.content_length)
    return refuse(400, "both Content-Length and Transfer-Encoding");
  return {};
}

/// "HTTP/1.0" -> 0, "HTTP/1.1" -> 1.
Parsed<int> minor_version(std::string_view text) {
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                      text[6] == '.' && is_digit(text[7]);
  if (!shaped) return refuse(400, "no HTTP version");
  if (text[5] != '1') return refuse(505, "an HTTP version other than 1.0, 1.1 or 2");
  return text[7] == '0' ? 0 : 1;
}

/// Origin form, absolute form, or "*" (RFC 9112 clause 3.2); CONNECT's form is not served.
Parsed<void> take_target(std::string_view target, Request& request) {
  if (!is_target_text(target))
    return refuse(400, "a character that may not be in a request target");
  if (target.starts_with('/') || (target == "*" && request.method == "OPTIONS")) {
    request.target = target;
    return {};
  }
  if (request.method == "CONNECT") return refuse(501, "CONNECT is not served");
  auto url = parse_url(target);
  if (!url) return refuse(400, "the request target is neither a path nor an http URI");
  request.target = std::move(url->target);
  request.authority = url->authority();
  return {};
}

Parsed<int> take_request_line(std::string_view line, const HeadLimits& limits, Request& request) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "no request line");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(method)) return refuse(400, "a method that is no token");
  if (target.empty()) return refuse(400, "no request target");
  if (target.size() > limits.target_bytes_max) return refuse(414, "the request target is too long");
  const auto minor = minor_version(line.substr(last + 1));
  if (!minor) return minor;
  request.method = method;
  if (auto taken = take_target(target, request); !taken) return tl::unexpected(taken.error());
  return minor;
}

}  // namespace

Parsed<std::size_t> HeadFinder::find(std::string_view bytes, std::size_t head_bytes_max) {
  const auto window = bytes.substr(0, head_bytes_max);
  while (scanned_ < window.size()) {
    const void* hit = std::memchr(window.data() + scanned_, '\n', window.size() - scanned_);
    if (hit == nullptr) {
      scanned_ = window.size();
      break;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(hit) - window.data());
    if (at == 0 || window[at - 1] != '\r') return refuse(400, "a line that ends in LF without CR");
    scanned_ = at + 1;
    const bool empty_line = at >= 3 && window[at - 2] == '\n';
    if (empty_line) return scanned_;
    if (at == 1) return refuse(400, "an empty line before the start line");
  }
  if (bytes.size() >= head_bytes_max) return refuse(431, "the header section is too large");
  return std::size_t{0};
}

Parsed<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  const auto line_end = head.find("\r\n");
  const auto minor = take_request_line(head.substr(0, line_end), limits, out.request);
  if (!minor) return tl::unexpected(minor.error());
  Facts facts;
  if (auto parsed =
          parse_fields(head.substr(line_end + 2), limits.fields_max, out.request.headers, facts);
      !parsed)
    return parsed;

  if (facts.hosts > 1) return refuse(400, "more than one Host field");
  if (facts.hosts == 0 && *minor == 1) return refuse(400, "no Host field");
  if (facts.hosts == 1) {
    const auto host = out.request.headers.find("host").value_or("");
    if (!parse_authority(host)) return refuse(400, "a Host field that names no host");
    // The absolute form outranks Host (RFC 9112 clause 3.2.2).
    if (out.request.authority.empty()) out.request.authority = host;
  }
  if (facts.expects_other) return refuse(417, "an expectation other than 100-continue");
  if (*minor == 0 && facts.chunked) return refuse(400, "Transfer-Encoding in HTTP/1.0");

  out.takes_chunks = *minor == 1;
  out.keep_alive = *minor == 1 ? !facts.close : facts.keep_alive && !facts.close;
  out.expects_continue = facts.expects_continue && *minor == 1;
  if (facts.chunked) {
    out.framing = Framing::chunked;
  } else if (facts.content_length.value_or(0) > 0) {
    out.framing = Framing::length;
    out.content_length = *facts.content_length;
  }
  return {};
}

Parsed<void> parse_response_head(std::string_view head, const HeadLimits& limits,
                                 std::string_view method, ResponseHead& out) {
  const auto line_end = head.find("\r\n");
  const auto line = head.substr(0, line_end);
  const auto minor = minor_version(line.substr(0, 8));
  if (!minor) return tl::unexpected(minor.error());
  // "HTTP/1.1 200" without the space before an empty reason is common and harmless.
  const bool shaped = line.size() >= 12 && line[8] == ' ' && is_digit(line[9]) &&
                      is_digit(line[10]) && is_digit(line[11]) &&
                      (line.size() == 12 || line[12] == ' ');
  if (!shaped) return refuse(502, "no status line");
  out.response.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (out.response.status < 100 || out.response.status > 599)
    return refuse(502, "a status outside 100 to 599");
  if (!is_field_value(line.substr(12)))
    return refuse(502, "a control character in the reason phrase");

  Facts facts;
  if (auto parsed =
          parse_fields(head.substr(line_end + 2), limits.fields_max, out.response.headers, facts);
      !parsed)
    return parsed;
  if (*minor == 0 && facts.chunked) return refuse(502, "Transfer-Encoding in HTTP/1.0");
  out.keep_alive = *minor == 1 ? !facts.close : facts.keep_alive && !facts.close;
  if (method == "HEAD" || has_no_body(out.response.status)) return {};
  if (facts.chunked) {
    out.framing = Framing::chunked;
  } else if (facts.content_length) {
    out.framing = *facts.content_length > 0 ? Framing::length : Framing::none;
    out.content_length = *facts.content_length;
  } else {
    out.framing = Framing::until_close;
    out.keep_alive = false;
  }
  return {};
}

}  // namespace lobo::http::h1
