#include "eas_keys.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "adapters/http/server.hpp"
#include "adapters/key_channel/server.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "ready.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/problem.hpp"
#include "wire/http/url.hpp"
#include "wire/json/value.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using json::Value;

Value number(std::uint64_t value) { return {Value::Number{std::to_string(value)}}; }
Value text(std::string_view value) { return {std::string(value)}; }

std::string_view who_says(xrm::KeyCause cause) { return cause.by_peer ? "upf" : "eas"; }

/// Signals are for the thread that sends.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;
  ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Result<std::unique_ptr<EasKeys>> EasKeys::open(EasKeysSettings settings) {
  std::unique_ptr<EasKeys> keys(new EasKeys(std::move(settings)));
  if (auto listening = keys->listen(); !listening) return fail(listening.error());
  if (auto serving = keys->serve_status(); !serving) return fail(serving.error());
  keys->count();
  keys->begin();
  return keys;
}

EasKeys::~EasKeys() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

void EasKeys::begin() {
  const NoSignals none;
  thread_ = std::thread([this] { loop_.run(); });
}

Result<void> EasKeys::listen() {
  auto server = adapters::KeyServer::open(
      loop_, settings_.server,
      {.use = [this](const std::optional<adapters::KeyInUse>& key) { use(key); },
       .ended = [this](std::string_view who, xrm::KeyCause cause) { ended(who, cause); }});
  if (!server) return fail(server.error());
  server_ = std::move(*server);
  return {};
}

Result<void> EasKeys::serve_status() {
  if (settings_.status_address.empty()) return {};
  ServerAddress at;
  at.address = settings_.status_address;
  at.port = settings_.status_port;
  runtime::HttpHandler& pages = *this;
  status_server_ = std::make_unique<adapters::HttpServer>(loop_, server_config(at, {}), pages);
  return status_server_->listen();
}

void EasKeys::count() {
  const auto* server = server_.get();
  copied_.gauge("lobo_eas_key_channel_up", {},
                [server] { return server->machine().open() ? 1U : 0U; });
  copied_.counter("lobo_eas_key_connections_total", {},
                  [server] { return server->counters().connections; });
  copied_.counter("lobo_eas_keys_total", {{"what", "used"}},
                  [server] { return server->counters().used; });
  copied_.counter("lobo_eas_keys_total", {{"what", "expired"}},
                  [server] { return server->counters().expired; });
  for (std::size_t i = 0; i < xrm::key_failures; ++i) {
    const std::string reason(to_string(static_cast<xrm::KeyFailure>(i)));
    copied_.counter("lobo_eas_key_channel_ends_total", {{"reason", reason}, {"said_by", "eas"}},
                    [server, i] { return server->counters().ended[i]; });
    copied_.counter("lobo_eas_key_channel_ends_total", {{"reason", reason}, {"said_by", "upf"}},
                    [server, i] { return server->counters().ended_by_peer[i]; });
  }
}

std::optional<std::optional<adapters::KeyInUse>> EasKeys::take() {
  if (!has_news_.load(std::memory_order_acquire)) return std::nullopt;
  const std::scoped_lock lock(lock_);
  has_news_.store(false, std::memory_order_relaxed);
  return std::exchange(news_, std::nullopt);
}

void EasKeys::renew() {
  if (renewing_.exchange(true)) return;
  loop_.post([this] { server_->renew(); });
}

void EasKeys::use(const std::optional<adapters::KeyInUse>& key) {
  renewing_.store(false);
  if (!key) {
    last_told_ = "keys: the last one expired: nothing is marked until the UPF takes another";
    settings_.tell(last_told_);
  } else if (server_->counters().used <= 1) {
    settings_.tell(fmt::format("keys: {} takes KeyID {}, {}", settings_.server.upf,
                               static_cast<unsigned>(key->settings.key_id),
                               to_string(key->settings.algorithm)));
  }
  const std::scoped_lock lock(lock_);
  news_ = key;
  has_news_.store(true, std::memory_order_release);
}

/// The same thing said again and again is said once: it may be anybody who connects.
void EasKeys::ended(std::string_view who, xrm::KeyCause cause) {
  renewing_.store(false);
  last_end_ = cause;
  auto words = fmt::format("keys: {}: {}{}", who, to_string(cause.failure),
                           cause.by_peer ? ", says the UPF" : "");
  if (words == last_told_) return;
  last_told_ = std::move(words);
  settings_.tell(last_told_);
}

std::string EasKeys::channel_text() const {
  const bool v6 = settings_.server.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", settings_.server.address, v6 ? "]" : "",
                     server_->port());
}

std::string EasKeys::status_url() const {
  return status_server_ ? url_of(settings_.status_address, status_server_->port(), false) : "";
}

void EasKeys::handle(http::Request request, ReplyFn reply) {
  const std::string_view path = http::split_target(request.target).path;
  if (!request.peer.loopback)
    return reply(http::problem({Errc::forbidden, "status is for this machine only", {}}));
  if (path != "/metrics" && path != "/status/keys")
    return reply(http::problem({Errc::not_found, "known are /metrics and /status/keys", {}}));
  if (request.method != "GET")
    return reply(http::problem({Errc::method_unknown, "only GET is answered here", {}}));
  const bool metrics = path == "/metrics";
  if (metrics) copied_.copy();
  reply({.status = 200,
         .headers = {{"content-type",
                      metrics ? "text/plain; version=0.0.4; charset=utf-8" : "application/json"}},
         .body = metrics ? metrics_.expose() : status()});
}

std::string EasKeys::status() const {
  const auto& counters = server_->counters();
  Value::Object page{
      {"eas", text(server_->eas())},         {"upf", text(settings_.server.upf)},
      {"open", {server_->machine().open()}}, {"used", number(counters.used)},
      {"expired", number(counters.expired)}, {"connections", number(counters.connections)}};
  if (const auto& current = server_->machine().current())
    page.push_back(
        {"current",
         {Value::Object{{"keyId", number(static_cast<std::uint64_t>(current->terms.key_id))},
                        {"algorithm", text(to_string(current->terms.algorithm))},
                        {"lifetimeMs",
                         number(static_cast<std::uint64_t>(current->terms.lifetime.count()))}}}});
  if (last_end_)
    page.push_back({"lastEnd",
                    {Value::Object{{"reason", text(to_string(last_end_->failure))},
                                   {"saidBy", text(who_says(*last_end_))}}}});
  return json::to_text({std::move(page)});
}

}  // namespace lobo::app
