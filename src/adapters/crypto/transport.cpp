#include "adapters/crypto/transport.hpp"

#include <fmt/format.h>

#include <string_view>

#include "base/result.hpp"
#include "wire/http/ip.hpp"
#include "wire/http/url.hpp"

namespace lobo::adapters::crypto {
namespace {

bool is_loopback(std::string_view host) {
  const auto address = http::IpAddress::parse(host);
  return address && (http::Cidr::parse("127.0.0.0/8")->contains(*address) ||
                     http::Cidr::parse("::1/128")->contains(*address));
}

}  // namespace

Result<http::Url> parse_secret_url(std::string_view text) {
  auto url = http::parse_url(text);
  if (!url) return url;
  const bool here = url->host == "localhost" || is_loopback(url->host);
  if (url->scheme != "https" && !here)
    return fail(Errc::not_allowed,
                fmt::format("{} must be https: only this machine may be asked in the clear", text));
  return url;
}

}  // namespace lobo::adapters::crypto
