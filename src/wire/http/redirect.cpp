#include "wire/http/redirect.hpp"

#include <string>

#include "base/result.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::http {

Result<Url> redirect_target(const Request& request, const Response& response) {
  if (response.status != 307 && response.status != 308)
    return fail(Errc::not_found, "the response is no 307 or 308");
  const auto location = response.headers.find("location");
  if (!location || location->empty()) return fail(Errc::not_found, "the redirect has no Location");
  std::string text(*location);
  const std::string origin = request.scheme + "://" + request.authority;
  if (text.starts_with("//"))
    text = request.scheme + ":" + text;
  else if (text.starts_with('/'))
    text = origin + text;
  else if (text.starts_with('?'))
    text = origin + std::string(split_target(request.target).path) + text;
  // A Location relative to the last path segment is refused as not absolute: no 3GPP peer sends
  // one.
  auto url = parse_url(text);
  if (!url) return url;
  if (request.scheme == "https" && url->scheme != "https")
    return fail(Errc::not_allowed, "the redirect leads from https to http");
  return url;
}

}  // namespace lobo::http
