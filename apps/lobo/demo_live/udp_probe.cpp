#include "demo_live/udp_probe.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "demo_live/network_namespace.hpp"

namespace lobo::app {
namespace {

sockaddr_in end_of(const std::string& address, std::uint16_t port) {
  sockaddr_in end{};
  end.sin_family = AF_INET;
  end.sin_port = htons(port);
  (void)::inet_pton(AF_INET, address.c_str(), &end.sin_addr);
  return end;
}

}  // namespace

Result<UdpProbe> UdpProbe::open(const NetworkNamespace& where, const std::string& address,
                                std::uint16_t port) {
  const Inside inside(where);
  adapters::UniqueFile file(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), true);
  const sockaddr_in end = end_of(address, port);
  if (file.get() < 0 ||
      ::bind(file.get(), reinterpret_cast<const sockaddr*>(&end), sizeof end) != 0)
    return fail(Errc::refused,
                fmt::format("UDP {} port {}: {}", address, port, std::strerror(errno)));
  return UdpProbe(std::move(file));
}

void UdpProbe::send_to(const std::string& end, std::string_view data) const {
  const auto colon = end.rfind(':');
  const auto port = parse_decimal(end.substr(colon + 1)).value_or(0);
  const sockaddr_in to = end_of(end.substr(0, colon), static_cast<std::uint16_t>(port));
  (void)::sendto(file_.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to);
}

bool UdpProbe::received() const {
  std::array<char, 64> room{};
  bool any = false;
  while (::recv(file_.get(), room.data(), room.size(), 0) >= 0) any = true;
  return any;
}

}  // namespace lobo::app
