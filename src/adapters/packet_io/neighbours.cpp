#include "adapters/packet_io/neighbours.hpp"

#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include "adapters/capture/file.hpp"
#include "adapters/packet_io/link.hpp"
#include "adapters/packet_io/netlink.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {
namespace {

constexpr std::uint16_t discard_port = 9;
constexpr int one_hop = 1;
/// States in which the kernel itself would send to that address.
constexpr unsigned usable_states =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

std::uint8_t family_of(const model::IpAddress& address) {
  return address.index() == 0 ? AF_INET : AF_INET6;
}

Bytes octets_of(const model::IpAddress& address) {
  return std::visit([](const auto& one) -> Bytes { return std::as_bytes(std::span(one.octets)); },
                    address);
}

template <class Address>
std::optional<Address> address_from(Bytes octets) {
  Address address;
  if (octets.size() != address.octets.size()) return std::nullopt;
  std::memcpy(address.octets.data(), octets.data(), octets.size());
  return address;
}

std::optional<model::IpAddress> ip_from(Bytes octets) {
  if (const auto four = address_from<model::Ipv4Address>(octets)) return *four;
  if (const auto six = address_from<model::Ipv6Address>(octets)) return *six;
  return std::nullopt;
}

/// Groups have addresses of their own on Ethernet (RFC 1112 clause 6.4, RFC 2464 clause 7); nobody
/// is asked for them.
std::optional<model::MacAddress> group_address(const model::IpAddress& address) {
  if (const auto* four = std::get_if<model::Ipv4Address>(&address)) {
    const auto& o = four->octets;
    if (o == std::array<std::uint8_t, 4>{255, 255, 255, 255})
      return model::MacAddress{{0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}};
    if (o[0] >> 4U == 14)
      return model::MacAddress{
          {0x01, 0x00, 0x5E, static_cast<std::uint8_t>(o[1] & 0x7FU), o[2], o[3]}};
    return std::nullopt;
  }
  const auto& o = std::get<model::Ipv6Address>(address).octets;
  if (o[0] != 0xFF) return std::nullopt;
  return model::MacAddress{{0x33, 0x33, o[12], o[13], o[14], o[15]}};
}

UniqueFile make_provoker(const Link& link, int family) {
  UniqueFile socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  if (socket.get() < 0) return {};  // a machine without that IP version
  // Where this is not permitted, the route to an on-link next hop leads there as well.
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, link.name.c_str(),
                     static_cast<socklen_t>(link.name.size()));
  if (family == AF_INET)
    (void)::setsockopt(socket.get(), IPPROTO_IP, IP_TTL, &one_hop, sizeof one_hop);
  else
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, &one_hop, sizeof one_hop);
  return socket;
}

}  // namespace

Result<Route> find_route(const model::IpAddress& destination, const std::string& interface) {
  rtmsg head{};
  head.rtm_family = family_of(destination);
  head.rtm_dst_len = static_cast<std::uint8_t>(model::address_bits(destination));
  NetlinkQuestion question(RTM_GETROUTE, head);
  question.add_bytes(RTA_DST, octets_of(destination));
  if (!interface.empty()) {
    const auto link = find_link(interface);
    if (!link) return fail(link.error());
    question.add(RTA_OIF, link->index);
  }
  auto netlink = Netlink::open();
  if (!netlink) return fail(netlink.error());
  const auto answer = netlink->ask(question);
  if (!answer)
    return fail(Errc::unavailable,
                fmt::format("no route to {}{}{}: {}", model::to_text(destination),
                            interface.empty() ? "" : " through ", interface,
                            std::strerror(answer.error())));
  const auto attribute = [&](std::uint16_t type) {
    return answer->attribute(type, sizeof(rtmsg)).value_or(Bytes{});
  };
  const auto index = read_value<int>(attribute(RTA_OIF));
  char name[IF_NAMESIZE] = {};
  if (!index || ::if_indextoname(static_cast<unsigned>(*index), name) == nullptr)
    return fail(Errc::unavailable,
                fmt::format("the route to {} leads to no interface", model::to_text(destination)));
  auto link = find_link(name);
  if (!link) return fail(link.error());
  Route route{.link = std::move(*link), .source = destination, .next_hop = destination};
  if (const auto source = ip_from(attribute(RTA_PREFSRC))) route.source = *source;
  // A gateway of the other IP version comes with its family before it.
  const Bytes via = attribute(RTA_VIA);
  const auto gateway = via.size() > 2 ? ip_from(via.subspan(2)) : ip_from(attribute(RTA_GATEWAY));
  if (gateway) route.next_hop = *gateway;
  return route;
}

Result<Neighbours> Neighbours::open(Link link) {
  auto netlink = Netlink::open();
  if (!netlink) return fail(netlink.error());
  auto four = make_provoker(link, AF_INET);
  auto six = make_provoker(link, AF_INET6);
  return Neighbours(std::move(link), std::move(*netlink), std::move(four), std::move(six));
}

std::optional<model::MacAddress> Neighbours::resolve(const model::IpAddress& next_hop, Time now) {
  if (link_.loopback) return model::MacAddress{};
  if (const auto group = group_address(next_hop)) return group;
  const auto found = entries_.find(next_hop);
  if (found == entries_.end()) {
    // Beyond the bound each call asks the kernel: slower, and right.
    Entry fresh;
    Entry& entry = entries_.size() < neighbours_max ? entries_[next_hop] : fresh;
    look(next_hop, entry, now);
    return entry.address;
  }
  Entry& entry = found->second;
  const auto interval = entry.address ? neighbour_look_interval : neighbour_wait_interval;
  if (now - entry.looked_at >= interval) look(next_hop, entry, now);
  return entry.address;
}

void Neighbours::look(const model::IpAddress& next_hop, Entry& entry, Time now) {
  entry.looked_at = now;
  ndmsg head{};
  head.ndm_family = family_of(next_hop);
  head.ndm_ifindex = link_.index;
  NetlinkQuestion question(RTM_GETNEIGH, head);
  question.add_bytes(NDA_DST, octets_of(next_hop));
  const auto answer = netlink_->ask(question);
  const unsigned state =
      answer ? read_value<ndmsg>(answer->body).value_or(ndmsg{}).ndm_state : unsigned{NUD_NONE};
  std::optional<model::MacAddress> known;
  if ((state & usable_states) != 0) {
    const auto octets = answer->attribute(NDA_LLADDR, sizeof(ndmsg));
    if (octets) known = address_from<model::MacAddress>(*octets);
  }
  // An address that nobody has confirmed for a while is used, as the kernel would, and confirmed.
  if (!known || (state & NUD_STALE) != 0) provoke(next_hop, entry, now);
  if (known) entry.known_at = now;
  const bool kept = (state & NUD_FAILED) == 0 && now - entry.known_at < neighbour_kept_max;
  if (known || !kept) entry.address = known;
}

void Neighbours::provoke(const model::IpAddress& next_hop, Entry& entry, Time now) {
  if (entry.provoked && now - entry.provoked_at < neighbour_provoke_interval) return;
  entry.provoked = true;
  entry.provoked_at = now;
  if (const auto* four = std::get_if<model::Ipv4Address>(&next_hop)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(discard_port);
    std::memcpy(&to.sin_addr, four->octets.data(), four->octets.size());
    (void)::sendto(provoker4_.get(), nullptr, 0, MSG_DONTWAIT,
                   reinterpret_cast<const sockaddr*>(&to), sizeof to);
    return;
  }
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(discard_port);
  to.sin6_scope_id = static_cast<std::uint32_t>(link_.index);
  const auto& octets = std::get<model::Ipv6Address>(next_hop).octets;
  std::memcpy(&to.sin6_addr, octets.data(), octets.size());
  (void)::sendto(provoker6_.get(), nullptr, 0, MSG_DONTWAIT, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to);
}

}  // namespace lobo::adapters::packet_io
