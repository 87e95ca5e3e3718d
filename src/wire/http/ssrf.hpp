#pragma once
// Where a URI that somebody else gave us may lead (server-side request forgery). Pure: names are
// resolved elsewhere, once, and every address that came out is asked about here before any of them
// is connected to.

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/http/ip.hpp"
#include "wire/http/url.hpp"

namespace lobo::http {

/// True for an address that the public may reach: not unspecified, loopback, link-local (where the
/// clouds keep their metadata), private, shared, unique-local, multicast, documentation, benchmark,
/// reserved, nor an IPv6 form that carries such an IPv4 address (mapped, 6to4, NAT64, Teredo).
bool is_public(const IpAddress& address);

/// What a sink may be. Built from configuration by `from`.
struct SinkPolicy {
  std::vector<std::string> hosts;  ///< names allowed whatever they resolve to; lower case
  std::vector<Cidr> networks;      ///< addresses allowed although they are not public
  bool https_only = true;  ///< does not bind what `hosts` or `networks` allow by name or literal

  /// Each entry of `allow` is a host name, an address or a CIDR block.
  static Result<SinkPolicy> from(const std::vector<std::string>& allow, bool https_only);

  /// Before resolving: scheme, and the host where it is a literal address.
  Result<void> check(const Url& url) const;
  /// After resolving: one of the addresses of `host`.
  bool admits(std::string_view host, std::string_view address) const;
};

}  // namespace lobo::http
