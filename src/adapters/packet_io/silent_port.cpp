#include "adapters/packet_io/silent_port.hpp"

#include <fmt/format.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <variant>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::packet_io {
namespace {

tl::unexpected<Error> refused(const model::IpAddress& address, std::uint16_t port) {
  const int error = errno;
  return fail(Errc::unavailable, fmt::format("cannot have UDP port {} of {}: {}", port,
                                             model::to_text(address), std::strerror(error)));
}

int bind_to(int socket, const model::IpAddress& address, std::uint16_t port) {
  sockaddr_storage at{};
  socklen_t size = 0;
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&address)) {
    sockaddr_in plain{};
    plain.sin_family = AF_INET;
    plain.sin_port = htons(port);
    std::memcpy(&plain.sin_addr, v4->octets.data(), v4->octets.size());
    std::memcpy(&at, &plain, size = sizeof plain);
  } else {
    const auto& v6 = std::get<model::Ipv6Address>(address);
    sockaddr_in6 plain{};
    plain.sin6_family = AF_INET6;
    plain.sin6_port = htons(port);
    std::memcpy(&plain.sin6_addr, v6.octets.data(), v6.octets.size());
    std::memcpy(&at, &plain, size = sizeof plain);
  }
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&at), size);
}

}  // namespace

Result<SilentPort> SilentPort::open(const model::IpAddress& address, std::uint16_t port) {
  const int family = address.index() == 0 ? AF_INET : AF_INET6;
  UniqueFile socket(::socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  if (socket.get() < 0) return refused(address, port);
  // Before it is bound, so that not one datagram gets in.
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{.len = 1, .filter = &nothing};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0)
    return refused(address, port);
  const int on = 1;
  if (family == AF_INET6)
    (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind_to(socket.get(), address, port) != 0) return refused(address, port);
  return SilentPort(std::move(socket));
}

}  // namespace lobo::adapters::packet_io
