#include "adapters/packet_io/link.hpp"

#include <fmt/format.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/port.hpp"

namespace lobo::adapters::packet_io {

using lobo::packet_io::PortState;

bool Link::carries(Bytes frame) const {
  if (frame.size() <= mtu + ethernet_bytes) return frame.size() >= ethernet_bytes;
  return frame.size() <= mtu + ethernet_bytes + packet::vlan_tag_bytes &&
         be16_at(frame, ethernet_bytes - 2) == packet::ether_type_vlan;
}

Result<Link> find_link(const std::string& name) {
  if (name.empty() || name.size() >= IFNAMSIZ)
    return fail(Errc::not_found, fmt::format("\"{}\" is no name of an interface", name));
  const UniqueFile any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), true);
  ifreq request{};
  std::ranges::copy(name, std::begin(request.ifr_name));
  if (any.get() < 0 || ::ioctl(any.get(), SIOCGIFINDEX, &request) != 0)
    return fail(errno == ENODEV ? Errc::not_found : Errc::refused,
                fmt::format("{}: {}", name,
                            errno == ENODEV ? "there is no such interface here (ip link shows them)"
                                            : std::strerror(errno)));
  Link link{.name = name, .index = request.ifr_ifindex};
  if (::ioctl(any.get(), SIOCGIFHWADDR, &request) != 0)
    return fail(Errc::refused, fmt::format("{}: {}", name, std::strerror(errno)));
  if (const auto kind = request.ifr_hwaddr.sa_family;
      kind != ARPHRD_ETHER && kind != ARPHRD_LOOPBACK)
    return fail(Errc::refused,
                fmt::format("{}: its link is not Ethernet (ARPHRD type {})", name, kind));
  link.loopback = request.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK;
  std::memcpy(link.address.octets.data(), request.ifr_hwaddr.sa_data, link.address.octets.size());
  if (::ioctl(any.get(), SIOCGIFMTU, &request) != 0)
    return fail(Errc::refused, fmt::format("{}: {}", name, std::strerror(errno)));
  link.mtu = static_cast<std::size_t>(std::max(0, request.ifr_mtu));
  return link;
}

PortState link_state(const Link& link, int socket) {
  ifreq request{};
  request.ifr_ifindex = link.index;
  if (::ioctl(socket, SIOCGIFNAME, &request) != 0) return PortState::gone;
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return PortState::gone;
  return (request.ifr_flags & IFF_UP) != 0 ? PortState::open : PortState::link_down;
}

std::string link_trouble(const Link& link, PortState state) {
  if (state == PortState::gone) return fmt::format("the interface {} is gone", link.name);
  if (state == PortState::link_down) return fmt::format("the interface {} is down", link.name);
  return {};
}

std::string aggregated_advice(const Link& link) {
  return fmt::format(
      "{0}: the kernel hands over several packets as one; they are dropped, because nobody could "
      "send them on: `ethtool -K {0} gro off`, and at the other end of a veth pair "
      "`ethtool -K PEER tso off gso off`",
      link.name);
}

Result<UniqueFile> open_socket(const Link& link, int family, int type, const char* purpose) {
  // Protocol 0: nothing is received until the socket is bound to its interface.
  const int socket = ::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return os_fault(link, purpose, errno, "CAP_NET_RAW");
  return UniqueFile(socket, true);
}

tl::unexpected<Error> os_fault(const Link& link, const char* what, int error,
                               const char* capability) {
  if (error == EPERM || error == EACCES)
    return fail(Errc::forbidden,
                fmt::format("{}: {} needs {}: run as root, or within `unshare -Urn` where that is "
                            "enough, or give the program the capability by setcap",
                            link.name, what, capability));
  return fail(Errc::refused, fmt::format("{}: {}: {}", link.name, what, std::strerror(error)));
}

}  // namespace lobo::adapters::packet_io
