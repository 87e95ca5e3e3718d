#pragma once
// The keys of `lobo eas` by TLS: the key channel on a loop and a thread of its own, so that a
// handshake never holds up a packet. The sender looks for a new key in front of each turn.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "adapters/http/loop.hpp"
#include "adapters/http/server.hpp"
#include "adapters/key_channel/server.hpp"
#include "adapters/metrics/prometheus_metrics.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "upf/metrics.hpp"
#include "wire/http/message.hpp"
#include "wire/xrm_keys/failure.hpp"

namespace lobo::app {

struct EasKeysSettings {
  adapters::KeyServerConfig server;
  std::string status_address;  ///< loopback; empty: no metrics and no status page
  std::uint16_t status_port = 0;
  std::function<void(std::string_view)> tell;  ///< from the thread of the channel
};

class EasKeys final : private runtime::HttpHandler {
 public:
  static Result<std::unique_ptr<EasKeys>> open(EasKeysSettings settings);
  ~EasKeys() override;
  EasKeys(const EasKeys&) = delete;
  EasKeys& operator=(const EasKeys&) = delete;

  // For the thread that sends.

  /// The newest key where it changed since the last call; in it nothing where there is none now.
  std::optional<std::optional<adapters::KeyInUse>> take();
  /// The present key has few counters left. May be called again and again.
  void renew();

  /// "192.0.2.1:7788", then the status page's URL where there is one.
  std::string channel_text() const;
  std::string status_url() const;

 private:
  explicit EasKeys(EasKeysSettings settings) : settings_(std::move(settings)) {}
  Result<void> listen();
  Result<void> serve_status();
  void count();
  void begin();
  void use(const std::optional<adapters::KeyInUse>& key);
  void ended(std::string_view who, xrm::KeyCause cause);
  void handle(http::Request request, ReplyFn reply) override;
  std::string status() const;

  EasKeysSettings settings_;
  adapters::EventLoop loop_;
  adapters::metrics::PrometheusMetrics metrics_;
  UpfMetrics copied_{metrics_};
  std::unique_ptr<adapters::KeyServer> server_;
  std::unique_ptr<adapters::HttpServer> status_server_;
  std::string last_told_;
  std::optional<xrm::KeyCause> last_end_;

  std::mutex lock_;
  std::optional<std::optional<adapters::KeyInUse>> news_;  ///< guarded by lock_
  std::atomic<bool> has_news_{false};
  std::atomic<bool> renewing_{false};
  std::thread thread_;
};

}  // namespace lobo::app
