#include "adapters/websocket/websocket.hpp"

#include <fmt/format.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/quic/links.hpp"
#include "adapters/udp/socket.hpp"
#include "adapters/websocket/session.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "model/address.hpp"

namespace lobo::adapters::websocket {
namespace {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

class TcpServer final : public Server {
 public:
  TcpServer(EventLoop& loop, const Settings& settings, quic::LinkEvents& events)
      : settings_(settings), events_(events), acceptor_(loop.impl().io.get_executor()) {}
  ~TcpServer() override {
    *here_ = false;
    for (auto& [link, session] : sessions_) session->forget();
  }

  Result<void> listen() {
    asio::ip::address address;
    if (const auto* four = std::get_if<model::Ipv4Address>(&settings_.at.address))
      address = asio::ip::address_v4(four->octets);
    else
      address = asio::ip::address_v6(std::get<model::Ipv6Address>(settings_.at.address).octets);
    boost::system::error_code error;
    const tcp::endpoint at(address, settings_.at.port);
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return fail(Errc::unavailable,
                  fmt::format("cannot have TCP port {} of {}: {}", settings_.at.port,
                              model::to_text(settings_.at.address), error.message()));
    accept();
    return {};
  }

  UdpEndpoint local() const override {
    boost::system::error_code error;
    return {settings_.at.address, acceptor_.local_endpoint(error).port()};
  }
  void shut(std::uint64_t code, std::string_view reason) override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    for (auto& [link, session] : sessions_) session->close(code, reason);
  }

  bool writable(quic::LinkId link) const override {
    const auto* session = find(link);
    return session != nullptr && session->writable();
  }
  std::size_t datagram_max(quic::LinkId link) const override {
    const auto* session = find(link);
    return session != nullptr && session->is_open() ? datagram_bytes_max : 0;
  }
  Result<void> send_datagram(quic::LinkId link, Bytes datagram, std::uint64_t) override {
    auto* session = find(link);
    if (session == nullptr) return fail(Errc::not_found, "no such link");
    return session->send_datagram(datagram);
  }
  Result<quic::StreamNo> open_stream(quic::LinkId link, quic::StreamKind) override {
    auto* session = find(link);
    if (session == nullptr) return fail(Errc::not_found, "no such link");
    return session->open_stream();
  }
  Result<void> write_stream(quic::LinkId link, quic::StreamNo stream, Bytes octets,
                            bool end) override {
    auto* session = find(link);
    if (session == nullptr) return fail(Errc::not_found, "no such link");
    return session->write_stream(stream, octets, end);
  }
  void reset_stream(quic::LinkId link, quic::StreamNo stream, std::uint64_t code) override {
    if (auto* session = find(link)) session->reset_stream(stream, code);
  }
  void close(quic::LinkId link, std::uint64_t code, std::string_view reason) override {
    if (auto* session = find(link)) session->close(code, reason);
  }
  quic::PathStats stats(quic::LinkId link) const override {
    quic::PathStats out;
    if (const auto* session = find(link)) out.stream_bytes_held = session->bytes_waiting();
    return out;
  }

 private:
  Session* find(quic::LinkId link) const {
    const auto found = sessions_.find(link);
    return found == sessions_.end() ? nullptr : found->second.get();
  }
  void accept() {
    acceptor_.async_accept(
        [this, here = here_](const boost::system::error_code& error, Socket socket) {
          if (!*here || !acceptor_.is_open()) return;
          if (!error && sessions_.size() < settings_.connections_max) {
            const quic::LinkId link = ++last_link_;
            auto session =
                std::make_shared<Session>(std::move(socket), link, settings_, events_,
                                          [this](quic::LinkId gone) { sessions_.erase(gone); });
            sessions_.emplace(link, session);
            session->start();
          }
          accept();
        });
  }

  Settings settings_;
  quic::LinkEvents& events_;
  Acceptor acceptor_;
  std::unordered_map<quic::LinkId, std::shared_ptr<Session>> sessions_;
  quic::LinkId last_link_ = 0;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  ///< for an accept under way
};

}  // namespace

Result<std::unique_ptr<Server>> open(EventLoop& loop, const Settings& settings,
                                     quic::LinkEvents& events) {
  auto server = std::make_unique<TcpServer>(loop, settings, events);
  if (auto listening = server->listen(); !listening) return fail(listening.error());
  return server;
}

}  // namespace lobo::adapters::websocket
