#include "adapters/http/server.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "adapters/http/listener.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/http/server_session.hpp"
#include "adapters/http/session.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/http/tls_files.hpp"
#include "base/require.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/http/growing_body.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"

namespace lobo::adapters {
namespace {

/// RFC 9113 clause 3.4. No HTTP/1.1 method is "PRI", so three bytes that differ decide.
constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Holds a connection's first bytes until they tell the version, then passes everything on.
class Sniffer final : public Session {
 public:
  Sniffer(ServerSharedPtr shared, Transport& transport, Established facts, SteadyTime now)
      : shared_(std::move(shared)),
        transport_(transport),
        facts_(std::move(facts)),
        deadline_(now + shared_->limits.header_timeout) {}

  void receive(std::string_view bytes, SteadyTime now) override {
    if (chosen_) return chosen_->receive(bytes, now);
    first_.append(bytes);
    const auto common = std::min(first_.size(), preface.size());
    const bool http2 = first_.compare(0, common, preface, 0, common) == 0;
    if (http2 && common < preface.size()) return;
    chosen_ = http2 ? make_http2_server(shared_, transport_, facts_, now)
                    : make_http1_server(shared_, transport_, facts_, now);
    const auto first = std::exchange(first_, std::string());
    chosen_->receive(first, now);
  }
  void end_of_input(SteadyTime now) override {
    over_ = true;
    if (chosen_) chosen_->end_of_input(now);
  }
  void produce(std::string& out, SteadyTime now) override {
    if (chosen_) chosen_->produce(out, now);
  }
  bool wants_input() const override { return chosen_ ? chosen_->wants_input() : !over_; }
  bool finished() const override { return chosen_ ? chosen_->finished() : over_; }
  SteadyTime deadline() const override { return chosen_ ? chosen_->deadline() : deadline_; }
  void expired(SteadyTime now) override {
    if (chosen_) return chosen_->expired(now);
    ++shared_->counters.messages_refused;
    over_ = true;
  }
  void drain(SteadyTime now) override {
    if (chosen_) return chosen_->drain(now);
    over_ = true;
  }
  void closed(std::string_view why) override {
    if (chosen_) chosen_->closed(why);
  }

 private:
  ServerSharedPtr shared_;
  Transport& transport_;
  Established facts_;
  SteadyTime deadline_;
  std::string first_;
  std::shared_ptr<Session> chosen_;
  bool over_ = false;
};

}  // namespace

const std::string& ServerShared::date(SteadyTime now) {
  if (date_.empty() || now - date_made_ >= std::chrono::seconds{1}) {
    static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::tm utc = fmt::gmtime(std::time(nullptr));
    date_ = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                        days[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                        months[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900,
                        utc.tm_hour, utc.tm_min, utc.tm_sec);
    date_made_ = now;
  }
  return date_;
}

http::Response checked(http::Response response) {
  if (response.status >= 200 && response.status <= 599) return response;
  return http::problem(500, "the answer had no valid status");
}

http::GrowingBodyPtr claim_growing(const ServerShared& shared, http::Response& response) {
  http::GrowingBodyPtr body = shared.growing ? shared.growing->claim(response) : nullptr;
  response.headers.erase(http::growing_ticket_field);
  return body;
}

void abandon_growing(const ServerShared& shared, http::Response& response) {
  if (const auto body = claim_growing(shared, response)) body->leave();
}

std::shared_ptr<Session> make_server_session(ServerSharedPtr shared, Transport& transport,
                                             const Established& facts, SteadyTime now) {
  if (facts.alpn == "h2") return make_http2_server(std::move(shared), transport, facts, now);
  return std::make_shared<Sniffer>(std::move(shared), transport, facts, now);
}

struct HttpServer::Impl {
  EventLoop& loop;
  ServerConfig config;
  ServerSharedPtr shared;
  std::unique_ptr<Listener> listener;
  runtime::Scheduler::TimerId patience_timer = 0;

  Impl(EventLoop& on, ServerConfig with, runtime::HttpHandler& handler)
      : loop(on), config(std::move(with)), shared(std::make_shared<ServerShared>()) {
    shared->handler = &handler;
    shared->limits = config.limits;
  }
};

HttpServer::HttpServer(EventLoop& loop, ServerConfig config, runtime::HttpHandler& handler)
    : impl_(std::make_unique<Impl>(loop, std::move(config), handler)) {}

HttpServer::~HttpServer() {
  if (impl_->patience_timer != 0) impl_->loop.cancel(impl_->patience_timer);
  impl_->listener.reset();
  impl_->shared->handler = nullptr;
}

void HttpServer::take_growing_from(http::GrowingBodiesPtr bodies) {
  impl_->shared->growing = std::move(bodies);
}

Result<void> HttpServer::listen() {
  require(!impl_->listener);
  const auto& config = impl_->config;
  std::shared_ptr<TlsContext> tls;
  if (config.tls) {
    auto made = make_server_tls(*config.tls, config.client_certificates);
    if (!made) return fail(made.error());
    tls = std::move(*made);
  }
  const ListenerConfig listening{.address = config.address,
                                 .port = config.port,
                                 .connections_max = config.limits.connections_max,
                                 .unsent_bytes_max = config.limits.unsent_bytes_max,
                                 .handshake_timeout = config.limits.header_timeout,
                                 .write_timeout = config.limits.write_timeout};
  auto opened = open_listener(
      impl_->loop, listening,
      [shared = impl_->shared](Transport& transport, const Established& facts) {
        ++shared->counters.connections_accepted;
        return make_server_session(shared, transport, facts, std::chrono::steady_clock::now());
      });
  if (!opened) return fail(opened.error());
  impl_->listener = std::move(*opened);
  impl_->listener->set_tls(std::move(tls));
  return {};
}

std::uint16_t HttpServer::port() const {
  return impl_->listener ? impl_->listener->port() : std::uint16_t{0};
}

Result<std::function<void()>> HttpServer::prepare_tls(const TlsFiles& files) {
  if (!impl_->config.tls || !impl_->listener)
    return fail(Errc::conflict, "the server does not serve TLS");
  auto made = make_server_tls(files, impl_->config.client_certificates);
  if (!made) return fail(made.error());
  return [this, files, context = std::move(*made)] {
    impl_->config.tls = files;
    impl_->listener->set_tls(context);
  };
}

Result<void> HttpServer::reload_tls(const TlsFiles& files) {
  const auto change = prepare_tls(files);
  if (!change) return fail(change.error());
  (*change)();
  return {};
}

void HttpServer::drain(std::chrono::milliseconds patience, std::function<void()> done) {
  if (!impl_->listener) return impl_->loop.post(std::move(done));
  impl_->patience_timer = impl_->loop.after(patience, [this] {
    impl_->patience_timer = 0;
    impl_->listener->abort_all();
  });
  impl_->listener->drain([this, done = std::move(done)] {
    if (impl_->patience_timer != 0) impl_->loop.cancel(std::exchange(impl_->patience_timer, 0));
    done();
  });
}

std::size_t HttpServer::connections() const {
  return impl_->listener ? impl_->listener->connections() : 0;
}

ServerCounters HttpServer::counters() const {
  auto out = impl_->shared->counters;
  if (impl_->listener) out.connections_refused = impl_->listener->refused();
  return out;
}

}  // namespace lobo::adapters
