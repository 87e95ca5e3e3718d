#include "adapters/packet_io/interface_addresses.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ios>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "adapters/packet_io/link.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {
namespace {

struct FreeAddresses {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

template <class Address>
Address octets_at(const sockaddr* from, std::size_t offset) {
  Address address;
  std::memcpy(address.octets.data(), reinterpret_cast<const char*>(from) + offset,
              address.octets.size());
  return address;
}

std::optional<model::IpAddress> address_in(const sockaddr* from) {
  if (from == nullptr) return std::nullopt;
  if (from->sa_family == AF_INET)
    return octets_at<model::Ipv4Address>(from, offsetof(sockaddr_in, sin_addr));
  if (from->sa_family == AF_INET6)
    return octets_at<model::Ipv6Address>(from, offsetof(sockaddr_in6, sin6_addr));
  return std::nullopt;
}

unsigned ones_in(const model::IpAddress& mask) {
  return std::visit(
      [](const auto& of) {
        int ones = 0;
        for (const std::uint8_t octet : of.octets) ones += std::popcount(octet);
        return static_cast<unsigned>(ones);
      },
      mask);
}

template <class Address>
std::optional<Address> from_hex(std::string_view digits) {
  Address address;
  if (digits.size() != 2 * address.octets.size()) return std::nullopt;
  for (std::size_t i = 0; i < address.octets.size(); ++i) {
    const std::string pair(digits.substr(2 * i, 2));
    char* end = nullptr;
    address.octets[i] = static_cast<std::uint8_t>(std::strtoul(pair.c_str(), &end, 16));
    if (end != pair.c_str() + 2) return std::nullopt;
  }
  return address;
}

/// proc(5), /proc/net/route: addresses as numbers in the machine's order.
std::optional<model::Ipv4Address> gateway_v4(const std::string& interface) {
  std::ifstream table("/proc/thread-self/net/route");
  std::string line;
  std::getline(table, line);  // the head
  std::optional<model::Ipv4Address> found;
  unsigned best = std::numeric_limits<unsigned>::max();
  while (std::getline(table, line)) {
    std::istringstream words(line);
    std::string name;
    std::uint32_t destination = 0;
    std::uint32_t gateway = 0;
    unsigned flags = 0;
    unsigned skip = 0;
    unsigned metric = 0;
    std::uint32_t mask = 0;
    words >> name >> std::hex >> destination >> gateway >> flags >> std::dec >> skip >> skip >>
        metric >> std::hex >> mask;
    if (!words || name != interface || destination != 0 || mask != 0) continue;
    if ((flags & RTF_UP) == 0 || (flags & RTF_GATEWAY) == 0 || metric >= best) continue;
    best = metric;
    found.emplace();
    std::memcpy(found->octets.data(), &gateway, sizeof gateway);
  }
  return found;
}

/// proc(5), /proc/net/ipv6_route: addresses as 32 digits, first octet first.
std::optional<model::Ipv6Address> gateway_v6(const std::string& interface) {
  std::ifstream table("/proc/thread-self/net/ipv6_route");
  std::optional<model::Ipv6Address> found;
  unsigned best = std::numeric_limits<unsigned>::max();
  for (std::string line; std::getline(table, line);) {
    std::istringstream words(line);
    std::string destination, length, source, source_length, gateway, name;
    unsigned metric = 0;
    unsigned skip = 0;
    unsigned flags = 0;
    words >> destination >> length >> source >> source_length >> gateway >> std::hex >> metric >>
        skip >> skip >> flags >> name;
    if (!words || name != interface || length != "00") continue;
    if ((flags & RTF_UP) == 0 || (flags & RTF_GATEWAY) == 0 || metric >= best) continue;
    const auto address = from_hex<model::Ipv6Address>(gateway);
    if (!address) continue;
    best = metric;
    found = address;
  }
  return found;
}

}  // namespace

Result<std::vector<InterfaceAddress>> addresses_of(const Link& link) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0)
    return fail(Errc::unavailable, fmt::format("{}: its addresses cannot be read: {}", link.name,
                                               std::strerror(errno)));
  const std::unique_ptr<ifaddrs, FreeAddresses> all(list);
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    if (link.name != one->ifa_name || found.size() == interface_addresses_max) continue;
    const auto address = address_in(one->ifa_addr);
    const auto mask = address_in(one->ifa_netmask);
    if (address && mask) found.push_back({*address, ones_in(*mask)});
  }
  return found;
}

Gateways default_gateways(const Link& link) {
  return {.v4 = gateway_v4(link.name), .v6 = gateway_v6(link.name)};
}

bool kernel_forwards(const Link& link) {
  std::ifstream setting(fmt::format("/proc/sys/net/ipv4/conf/{}/forwarding", link.name));
  int on = 0;
  return setting >> on && on != 0;
}

}  // namespace lobo::adapters::packet_io
