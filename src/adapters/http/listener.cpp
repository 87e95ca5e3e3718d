#include "adapters/http/listener.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/link.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "base/result.hpp"

namespace lobo::adapters {
namespace {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;
using Error = boost::system::error_code;

/// After a failed accept (no descriptors left, mostly) it is tried again so much later.
inline constexpr std::chrono::milliseconds accept_pause{50};
inline constexpr int backlog = 1024;

/// Outlives the Listener where a callback is still under way.
struct State : std::enable_shared_from_this<State> {
  State(EventLoop& on, const ListenerConfig& with, SessionFactory make)
      : loop(on), config(with), factory(std::move(make)), acceptor(on.impl().io.get_executor()) {}

  Result<void> open() {
    Error error;
    const auto address = asio::ip::make_address(config.address, error);
    if (error)
      return fail(Errc::malformed, "'" + config.address + "' is no IP address to listen on");
    const tcp::endpoint endpoint(address, config.port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(backlog, error);
    if (error)
      return fail(Errc::unavailable, "cannot listen on " + config.address + ":" +
                                         std::to_string(config.port) + ": " + error.message());
    port = acceptor.local_endpoint(error).port();
    return {};
  }

  void accept() {
    acceptor.async_accept([self = shared_from_this()](const Error& error, Socket socket) {
      if (!self->acceptor.is_open()) return;
      if (error) {
        self->loop.after(accept_pause, [weak = self->weak_from_this()] {
          if (const auto state = weak.lock(); state && state->acceptor.is_open()) state->accept();
        });
        return;
      }
      self->take(std::move(socket));
      self->accept();
    });
  }

  void take(Socket socket) {
    if (links.size() >= config.connections_max) {
      ++refused;
      return;  // the socket closes: the peer learns at once instead of waiting in a queue
    }
    const LinkLimits limits{.unsent_bytes_max = config.unsent_bytes_max,
                            .handshake_timeout = config.handshake_timeout,
                            .write_timeout = config.write_timeout,
                            .linger = true};
    auto link = std::make_shared<Link>(loop, std::move(socket), limits,
                                       tls ? TlsEngine::server(tls) : nullptr);
    links.emplace(link.get(), link);
    link->open(factory, [weak = weak_from_this()](Link& gone, std::string_view why) {
      const auto state = weak.lock();
      if (!state) return;
      if (state->config.handshake_failed && !gone.shook_hands())
        state->config.handshake_failed(gone.peer_address(), gone.tls_failure(), why);
      state->forget(gone);
    });
  }

  void forget(Link& link) {
    links.erase(&link);
    if (!links.empty() || !drained) return;
    loop.post(std::exchange(drained, nullptr));
  }

  std::vector<std::shared_ptr<Link>> all() const {
    std::vector<std::shared_ptr<Link>> out;
    for (const auto& [address, link] : links) out.push_back(link);
    return out;
  }

  void stop_accepting() {
    Error ignored;
    acceptor.close(ignored);
  }

  EventLoop& loop;
  ListenerConfig config;
  SessionFactory factory;
  Acceptor acceptor;
  std::uint16_t port = 0;
  std::shared_ptr<TlsContext> tls;
  std::unordered_map<Link*, std::shared_ptr<Link>> links;
  std::uint64_t refused = 0;
  std::function<void()> drained;
};

class AsioListener final : public Listener {
 public:
  explicit AsioListener(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~AsioListener() override {
    stop_accepting();
    state_->drained = nullptr;
    abort_all();
  }
  std::uint16_t port() const override { return state_->port; }
  void set_tls(std::shared_ptr<TlsContext> context) override { state_->tls = std::move(context); }
  std::size_t connections() const override { return state_->links.size(); }
  std::uint64_t refused() const override { return state_->refused; }
  void stop_accepting() override { state_->stop_accepting(); }
  void drain(std::function<void()> drained) override {
    stop_accepting();
    if (state_->links.empty()) return state_->loop.post(std::move(drained));
    state_->drained = std::move(drained);
    for (const auto& link : state_->all()) link->drain();
  }
  void abort_all() override {
    for (const auto& link : state_->all()) link->abort();
  }

 private:
  std::shared_ptr<State> state_;
};

}  // namespace

Result<std::unique_ptr<Listener>> open_listener(EventLoop& loop, const ListenerConfig& config,
                                                SessionFactory factory) {
  auto state = std::make_shared<State>(loop, config, std::move(factory));
  if (auto opened = state->open(); !opened) return fail(opened.error());
  state->accept();
  return std::make_unique<AsioListener>(std::move(state));
}

}  // namespace lobo::adapters
