#include "endpoint_option.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "adapters/udp/socket.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "model/address.hpp"

namespace lobo::app {
namespace {

constexpr std::uint64_t port_max = 65535;

}  // namespace

Result<adapters::UdpEndpoint> endpoint_option(std::string_view option, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = model::parse_ip_address(host);
  const std::uint64_t port = colon == std::string_view::npos
                                 ? port_max + 1
                                 : parse_decimal(text.substr(colon + 1)).value_or(port_max + 1);
  const bool bare_ipv6 = address && address->index() == 1 && !text.starts_with('[');
  if (!address || port > port_max || bare_ipv6)
    return fail(Errc::pattern,
                fmt::format("--{} wants ADDRESS:PORT, like 127.0.0.1:5004 or [::1]:5004, not '{}'",
                            option, text));
  return adapters::UdpEndpoint{*address, static_cast<std::uint16_t>(port)};
}

}  // namespace lobo::app
