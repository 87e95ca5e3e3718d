#include "wire/http/ssrf.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/require.hpp"
#include "base/result.hpp"
#include "wire/http/ip.hpp"
#include "wire/http/url.hpp"

namespace lobo::http {
namespace {

Cidr block(std::string_view text) {
  const auto cidr = Cidr::parse(text);
  require(cidr.has_value());
  return *cidr;
}

/// IANA special-purpose registries (RFC 6890 and its updates), as far as they are not global.
const std::vector<Cidr>& not_public() {
  static const std::vector<Cidr> blocks = [] {
    std::vector<Cidr> out;
    for (const std::string_view text :
         {"0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
          "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
          "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
          "::/96",         "100::/64",        "2001:db8::/32",  "2001::/23",      "3fff::/20",
          "5f00::/16",     "fc00::/7",        "fe80::/10",      "fec0::/10",      "ff00::/8",
          "64:ff9b:1::/48"})
      out.push_back(block(text));
    return out;
  }();
  return blocks;
}

IpAddress v4_at(const IpAddress& address, std::size_t offset) {
  const auto& o = address.octets();
  const auto text = std::to_string(o[offset]) + "." + std::to_string(o[offset + 1]) + "." +
                    std::to_string(o[offset + 2]) + "." + std::to_string(o[offset + 3]);
  const auto out = IpAddress::parse_v4(text);
  require(out.has_value());
  return *out;
}

/// The IPv4 address inside a 6to4 or NAT64 address.
std::optional<IpAddress> embedded_v4(const IpAddress& address) {
  static const Cidr six_to_four = block("2002::/16");
  static const Cidr nat64 = block("64:ff9b::/96");
  if (six_to_four.contains(address)) return v4_at(address, 2);
  if (nat64.contains(address)) return v4_at(address, 12);
  return std::nullopt;
}

}  // namespace

bool is_public(const IpAddress& address) {
  const auto& blocks = not_public();
  if (std::any_of(blocks.begin(), blocks.end(), [&](const Cidr& b) { return b.contains(address); }))
    return false;
  const auto inner = embedded_v4(address);
  return !inner || is_public(*inner);
}

Result<SinkPolicy> SinkPolicy::from(const std::vector<std::string>& allow, bool https_only) {
  SinkPolicy policy;
  policy.https_only = https_only;
  for (const auto& entry : allow) {
    if (const auto cidr = Cidr::parse(entry)) {
      policy.networks.push_back(*cidr);
    } else if (const auto authority = parse_authority(entry); authority && !authority->port) {
      policy.hosts.push_back(authority->host);
    } else {
      return fail(Errc::malformed,
                  "'" + entry + "' is neither a host name, an address nor a CIDR block");
    }
  }
  return policy;
}

bool SinkPolicy::admits(std::string_view host, std::string_view address) const {
  const auto ip = IpAddress::parse(address);
  if (!ip) return false;
  if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) return true;
  if (std::any_of(networks.begin(), networks.end(), [&](const Cidr& n) { return n.contains(*ip); }))
    return true;
  return is_public(*ip);
}

Result<void> SinkPolicy::check(const Url& url) const {
  const auto literal = IpAddress::parse(url.host);
  const bool named = std::find(hosts.begin(), hosts.end(), url.host) != hosts.end();
  const bool listed = literal && std::any_of(networks.begin(), networks.end(),
                                             [&](const Cidr& n) { return n.contains(*literal); });
  if (named || listed) return {};
  if (https_only && url.scheme != "https")
    return fail(Errc::not_allowed, "a notification URI must be https here");
  if (literal && !is_public(*literal))
    return fail(Errc::not_allowed, "a notification URI may not lead to " + literal->to_string());
  if (url.host == "localhost" || url.host.ends_with(".localhost"))
    return fail(Errc::not_allowed, "a notification URI may not lead to this machine");
  return {};
}

}  // namespace lobo::http
