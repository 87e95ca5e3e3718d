#include "adapters/tun/tun.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {
namespace {

/// Of our default routes: higher than what anybody else gives.
constexpr int route_metric = 4096;

tl::unexpected<Error> refused(std::string_view what, const std::string& name) {
  const int error = errno;
  if (error == EPERM || error == EACCES)
    return fail(Errc::forbidden,
                fmt::format("{} {} needs the capability CAP_NET_ADMIN", what, name));
  return fail(Errc::unavailable, fmt::format("{} {}: {}", what, name, std::strerror(error)));
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::copy_n(name.begin(), std::min(name.size(), tun_name_bytes_max), request.ifr_name);
  return request;
}

sockaddr plain(std::uint32_t network_order) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = network_order;
  sockaddr out{};
  std::memcpy(&out, &in, sizeof out);
  return out;
}

std::uint32_t network_order(const model::Ipv4Address& address) {
  std::uint32_t value = 0;
  std::memcpy(&value, address.octets.data(), sizeof value);
  return value;
}

Result<void> set_v4(int control, const std::string& name, const model::Ipv4Address& address) {
  ifreq request = request_for(name);
  request.ifr_addr = plain(network_order(address));
  if (::ioctl(control, SIOCSIFADDR, &request) != 0) return refused("the address of", name);
  request = request_for(name);
  request.ifr_netmask = plain(0xFFFFFFFF);
  if (::ioctl(control, SIOCSIFNETMASK, &request) != 0) return refused("the netmask of", name);
  return {};
}

Result<void> set_v6(int control, const std::string& name, const model::Ipv6Address& address) {
  in6_ifreq request{};
  std::memcpy(&request.ifr6_addr, address.octets.data(), address.octets.size());
  request.ifr6_prefixlen = 128;
  request.ifr6_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (::ioctl(control, SIOCSIFADDR, &request) != 0 && errno != EEXIST)
    return refused("the IPv6 address of", name);
  return {};
}

Result<void> set_peer_v4(int control, const std::string& name, const model::Ipv4Address& peer) {
  ifreq request = request_for(name);
  request.ifr_dstaddr = plain(network_order(peer));
  if (::ioctl(control, SIOCSIFDSTADDR, &request) != 0) return refused("the peer of", name);
  return {};
}

Result<void> route_v4(int control, const std::string& name) {
  rtentry route{};
  route.rt_dst = plain(0);
  route.rt_genmask = plain(0);
  route.rt_flags = RTF_UP;
  route.rt_metric = route_metric + 1;  // the kernel takes one off
  std::string device = name;
  route.rt_dev = device.data();
  if (::ioctl(control, SIOCADDRT, &route) != 0 && errno != EEXIST)
    return refused("a route through", name);
  return {};
}

Result<void> route_v6(int control, const std::string& name) {
  in6_rtmsg route{};
  route.rtmsg_flags = RTF_UP;
  route.rtmsg_metric = route_metric;
  route.rtmsg_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  if (::ioctl(control, SIOCADDRT, &route) != 0 && errno != EEXIST)
    return refused("an IPv6 route through", name);
  return {};
}

}  // namespace

Result<Tun> Tun::open(const std::string& name) {
  if (name.empty() || name.size() > tun_name_bytes_max)
    return fail(Errc::out_of_range,
                fmt::format("a device's name has 1 to {} octets", tun_name_bytes_max));
  UniqueFile file(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), true);
  if (file.get() < 0) return refused("/dev/net/tun for", name);
  ifreq request = request_for(name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(file.get(), TUNSETIFF, &request) != 0) return refused("the TUN device", name);
  return Tun(std::move(file), name);
}

Result<void> Tun::configure(const TunAddresses& addresses) {
  const UniqueFile v4(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), true);
  if (v4.get() < 0) return refused("a socket for", name_);
  ifreq request = request_for(name_);
  request.ifr_mtu = static_cast<int>(addresses.mtu);
  if (::ioctl(v4.get(), SIOCSIFMTU, &request) != 0) return refused("the MTU of", name_);
  if (addresses.v4)
    if (auto set = set_v4(v4.get(), name_, *addresses.v4); !set) return set;
  request = request_for(name_);
  request.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT | IFF_NOARP;
  if (::ioctl(v4.get(), SIOCSIFFLAGS, &request) != 0) return refused("bringing up", name_);
  if (addresses.peer_v4)
    if (auto set = set_peer_v4(v4.get(), name_, *addresses.peer_v4); !set) return set;
  if (addresses.v4 && addresses.default_route)
    if (auto set = route_v4(v4.get(), name_); !set) return set;
  if (!addresses.v6) return {};
  const UniqueFile v6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), true);
  if (v6.get() < 0) return refused("an IPv6 socket for", name_);
  if (auto set = set_v6(v6.get(), name_, *addresses.v6); !set) return set;
  return addresses.default_route ? route_v6(v6.get(), name_) : Result<void>{};
}

std::size_t Tun::read(MutableBytes room) {
  const auto got = ::read(file_.get(), room.data(), room.size());
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool Tun::write(Bytes packet) {
  return ::write(file_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
}

}  // namespace lobo::adapters
