#include "adapters/impair/proxy.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "adapters/http/loop.hpp"
#include "adapters/impair/lines.hpp"
#include "adapters/udp/batch_socket.hpp"
#include "adapters/udp/readiness.hpp"
#include "adapters/udp/socket.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"
#include "wire/impair/line.hpp"

namespace lobo::adapters::impair {
namespace {

// Batches of one socket before what is due goes out.
constexpr std::size_t batches_max = 8;

UdpEndpoint any_of(const UdpEndpoint& like) {
  // On loopback it stays there.
  if (const auto* four = std::get_if<model::Ipv4Address>(&like.address)) {
    if (four->octets[0] == 127) return {model::Ipv4Address{{127, 0, 0, 1}}, 0};
    return {model::Ipv4Address{}, 0};
  }
  return {model::Ipv6Address{}, 0};
}

class UdpProxy final : public Proxy {
 public:
  UdpProxy(EventLoop& loop, const ProxySettings& settings, BatchSocket socket)
      : loop_(loop),
        settings_(settings),
        socket_(std::move(socket)),
        lines_(
            loop, settings.up, settings.down, settings.seed,
            [this](const lobo::impair::Line::Delivery& one) {
              clients_.at(one.to).socket->send(settings_.to, one.datagram);
            },
            [this](const lobo::impair::Line::Delivery& one) {
              socket_.send(clients_.at(one.to).at, one.datagram);
            }),
        ready_(loop, socket_.descriptor(), [this] { take_up(); }) {}

  UdpEndpoint local() const override { return socket_.local(); }
  void set(const lobo::impair::Settings& up, const lobo::impair::Settings& down) override {
    lines_.up().set(up);
    lines_.down().set(down);
  }
  Result<void> rebind() override {
    for (auto& [number, client] : clients_) {
      auto fresh = BatchSocket::open(any_of(settings_.to));
      if (!fresh) continue;  // it keeps the one it has
      client.ready.reset();
      client.socket = std::make_unique<BatchSocket>(std::move(*fresh));
      watch(number, client);
      ++counters_.rebindings;
    }
    return {};
  }
  const lobo::impair::Statistics& up() const override { return lines_.up().statistics(); }
  const lobo::impair::Statistics& down() const override { return lines_.down().statistics(); }
  const ProxyCounters& counters() const override { return counters_; }

 private:
  struct Client {
    UdpEndpoint at;
    std::unique_ptr<BatchSocket> socket;
    std::unique_ptr<Readiness> ready;
  };
  struct Before {
    bool operator()(const UdpEndpoint& a, const UdpEndpoint& b) const {
      return std::tie(a.address, a.port) < std::tie(b.address, b.port);
    }
  };

  void watch(std::uint32_t number, Client& client) {
    client.ready = std::make_unique<Readiness>(loop_, client.socket->descriptor(),
                                               [this, number] { take_down(number); });
  }
  std::optional<std::uint32_t> number_of(const UdpEndpoint& from) {
    if (const auto found = numbers_.find(from); found != numbers_.end()) return found->second;
    if (clients_.size() >= clients_max) return std::nullopt;
    auto socket = BatchSocket::open(any_of(settings_.to));
    if (!socket) return std::nullopt;
    const auto number = static_cast<std::uint32_t>(clients_.size());
    Client& client = clients_[number];
    client.at = from;
    client.socket = std::make_unique<BatchSocket>(std::move(*socket));
    watch(number, client);
    numbers_.emplace(from, number);
    ++counters_.clients;
    return number;
  }

  void take_up() {
    for (std::size_t i = 0; i < batches_max; ++i) {
      const auto taken = socket_.receive([this](const UdpEndpoint& from, Bytes datagram) {
        if (const auto number = number_of(from))
          lines_.up().push(datagram, *number, steady_now());
        else
          ++counters_.refused;
      });
      if (taken < udp_batch_max) break;
    }
    lines_.deliver();
  }
  void take_down(std::uint32_t number) {
    for (std::size_t i = 0; i < batches_max; ++i) {
      const auto taken =
          clients_.at(number).socket->receive([this, number](const UdpEndpoint&, Bytes datagram) {
            lines_.down().push(datagram, number, steady_now());
          });
      if (taken < udp_batch_max) break;
    }
    lines_.deliver();
  }

  EventLoop& loop_;
  ProxySettings settings_;
  BatchSocket socket_;
  Lines lines_;
  ProxyCounters counters_;
  std::map<std::uint32_t, Client> clients_;
  std::map<UdpEndpoint, std::uint32_t, Before> numbers_;
  Readiness ready_;
};

}  // namespace

Result<std::unique_ptr<Proxy>> open_proxy(EventLoop& loop, const ProxySettings& settings) {
  auto socket = BatchSocket::open(settings.at);
  if (!socket) return fail(socket.error());
  return std::make_unique<UdpProxy>(loop, settings, std::move(*socket));
}

}  // namespace lobo::adapters::impair
