#include "adapters/http/dialer.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/asio_loop.hpp"
#include "adapters/http/link.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters {
namespace {

using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Resolver = asio::ip::basic_resolver<tcp, Executor>;

struct Attempt : std::enable_shared_from_this<Attempt> {
  Attempt(EventLoop& on, Dial what, SessionFactory make, std::function<void(Error)> tell)
      : loop(on),
        dial(std::move(what)),
        factory(std::move(make)),
        failed(std::move(tell)),
        resolver(on.impl().io.get_executor()),
        socket(on.impl().io.get_executor()) {}

  void start() {
    deadline = std::chrono::steady_clock::now() + dial.timeout;
    timer = loop.after(dial.timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->timer = 0;
      self->give_up({Errc::unavailable, "no connection to " + self->dial.host + " in time", {}});
    });
    ErrorCode error;
    const auto literal = asio::ip::make_address(dial.host, error);
    if (!error) {
      loop.post([self = shared_from_this(), literal] { self->resolved({literal}); });
      return;
    }
    if (dial.resolve) {
      loop.post([self = shared_from_this()] {
        self->dial.resolve(self->dial.host, [self](const Result<std::vector<std::string>>& found) {
          self->found_by_name(found);
        });
      });
      return;
    }
    resolver.async_resolve(
        dial.host, std::to_string(dial.port),
        [self = shared_from_this()](const ErrorCode& why,
                                    const tcp::resolver::results_type& found) {
          if (why)
            return self->give_up({Errc::unavailable, self->dial.host + ": " + why.message(), {}});
          std::vector<asio::ip::address> all;
          for (const auto& entry : found) all.push_back(entry.endpoint().address());
          self->resolved(std::move(all));
        });
  }

  void found_by_name(const Result<std::vector<std::string>>& found) {
    if (!found) return give_up(found.error());
    std::vector<asio::ip::address> all;
    for (const auto& text : *found) {
      ErrorCode error;
      all.push_back(asio::ip::make_address(text, error));
      if (error) return give_up({Errc::malformed, dial.host + " resolved to no address", {}});
    }
    resolved(std::move(all));
  }

  void resolved(std::vector<asio::ip::address> found) {
    if (done) return;
    if (found.size() > dial_addresses_max) found.resize(dial_addresses_max);
    // All of them or none: a name that also leads where it may not is not trusted for the rest.
    for (const auto& address : found)
      if (dial.admits && !dial.admits(dial.host, address.to_string()))
        return give_up({Errc::forbidden,
                        dial.host + " leads to " + address.to_string() + ", which is not allowed",
                        {}});
    addresses = std::move(found);
    connect_next({});
  }

  void connect_next(const ErrorCode& last) {
    if (done) return;
    if (next == addresses.size())
      return give_up({Errc::unavailable,
                      "cannot connect to " + dial.host + ":" + std::to_string(dial.port) + ": " +
                          last.message(),
                      {}});
    const tcp::endpoint endpoint(addresses[next++], dial.port);
    ErrorCode ignored;
    socket.close(ignored);
    socket.async_connect(endpoint, [self = shared_from_this()](const ErrorCode& error) {
      if (error) return self->connect_next(error);
      self->connected();
    });
  }

  void connected() {
    if (done) return;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const LinkLimits limits{.handshake_timeout = std::max(left, std::chrono::milliseconds{1}),
                            .write_timeout = dial.write_timeout};
    auto engine =
        dial.tls ? TlsEngine::client(dial.tls, dial.session_checks_name ? "" : dial.host) : nullptr;
    auto link = std::make_shared<Link>(loop, std::move(socket), limits, std::move(engine));
    link->open(
        [self = shared_from_this()](Transport& transport, const Established& facts) {
          if (self->done) return std::shared_ptr<Session>();
          self->end();
          self->failed = nullptr;
          return std::exchange(self->factory, nullptr)(transport, facts);
        },
        // Before a session exists the attempt failed; after that the session was told itself.
        [self = shared_from_this()](Link& gone, std::string_view why) {
          if (!self->done && self->dial.tls_failed && gone.tls_failure().fault != TlsFault::none)
            self->dial.tls_failed(gone.tls_failure());
          self->give_up({Errc::unavailable, self->dial.host + ": " + std::string(why), {}});
        });
  }

  void give_up(Error error) {
    if (done) return;
    end();
    const auto tell = std::exchange(failed, nullptr);
    ErrorCode ignored;
    resolver.cancel();
    socket.close(ignored);
    tell(std::move(error));
  }

  void end() {
    done = true;
    if (timer != 0) loop.cancel(timer);
    timer = 0;
  }

  EventLoop& loop;
  Dial dial;
  SessionFactory factory;
  std::function<void(Error)> failed;
  Resolver resolver;
  Socket socket;
  std::vector<asio::ip::address> addresses;
  std::size_t next = 0;
  std::chrono::steady_clock::time_point deadline{};
  runtime::Scheduler::TimerId timer = 0;
  bool done = false;
};

}  // namespace

void dial(EventLoop& loop, Dial what, SessionFactory factory, std::function<void(Error)> failed) {
  std::make_shared<Attempt>(loop, std::move(what), std::move(factory), std::move(failed))->start();
}

}  // namespace lobo::adapters
