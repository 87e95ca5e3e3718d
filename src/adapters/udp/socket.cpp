#include "adapters/udp/socket.hpp"

#include <array>
#include <boost/asio/basic_datagram_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters {
namespace {

using asio::ip::udp;
using Error = boost::system::error_code;

asio::ip::address to_asio(const model::IpAddress& address) {
  if (const auto* v4 = std::get_if<model::Ipv4Address>(&address))
    return asio::ip::address_v4(v4->octets);
  return asio::ip::address_v6(std::get<model::Ipv6Address>(address).octets);
}

UdpEndpoint from_asio(const udp::endpoint& endpoint) {
  const auto address = endpoint.address();
  if (address.is_v4()) return {model::Ipv4Address{address.to_v4().to_bytes()}, endpoint.port()};
  return {model::Ipv6Address{address.to_v6().to_bytes()}, endpoint.port()};
}

}  // namespace

/// Outlives the socket where a callback is still under way.
struct UdpSocket::State : std::enable_shared_from_this<State> {
  State(EventLoop& loop, Receive on_datagram)
      : receive(std::move(on_datagram)), socket(loop.impl().io.get_executor()) {}

  Result<void> open(const UdpEndpoint& at) {
    Error error;
    const udp::endpoint endpoint(to_asio(at.address), at.port);
    socket.open(endpoint.protocol(), error);
    if (!error) socket.bind(endpoint, error);
    if (!error) socket.non_blocking(true, error);
    if (error)
      return fail(Errc::unavailable, "cannot have UDP port " + std::to_string(at.port) + " of " +
                                         model::to_text(at.address) + ": " + error.message());
    return {};
  }

  void listen() {
    socket.async_receive_from(
        asio::buffer(room), from,
        [self = shared_from_this()](const Error& error, std::size_t size) {
          if (!self->socket.is_open()) return;
          // Others (a port that nobody has, told by ICMP) are about a datagram that we sent.
          if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor)
            return;
          if (!error) self->receive(from_asio(self->from), Bytes(self->room).first(size));
          if (self->socket.is_open()) self->listen();
        });
  }

  Receive receive;
  asio::basic_datagram_socket<udp, Executor> socket;
  udp::endpoint from;
  std::array<std::byte, udp_datagram_bytes_max> room{};
  std::uint64_t lost = 0;
};

Result<std::unique_ptr<UdpSocket>> UdpSocket::open(EventLoop& loop, const UdpEndpoint& at,
                                                   Receive receive) {
  auto state = std::make_shared<State>(loop, std::move(receive));
  if (const auto opened = state->open(at); !opened) return fail(opened.error());
  state->listen();
  return std::unique_ptr<UdpSocket>(new UdpSocket(std::move(state)));
}

UdpSocket::UdpSocket(std::shared_ptr<State> state) : state_(std::move(state)) {}

UdpSocket::~UdpSocket() {
  Error ignored;
  state_->socket.close(ignored);
}

UdpEndpoint UdpSocket::local() const {
  Error ignored;
  return from_asio(state_->socket.local_endpoint(ignored));
}

void UdpSocket::send(const UdpEndpoint& to, Bytes datagram) {
  Error error;
  state_->socket.send_to(asio::buffer(datagram.data(), datagram.size()),
                         udp::endpoint(to_asio(to.address), to.port), 0, error);
  if (error) ++state_->lost;
}

std::uint64_t UdpSocket::lost() const { return state_->lost; }

}  // namespace lobo::adapters
