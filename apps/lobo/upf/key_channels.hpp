#pragma once
// The key channels of a UPF: one to each application server that the configuration names. What they
// agree on is handed to the worker before it is accepted; what happens is told in log, metrics and
// status page.

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/key_channel/client.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "upf/keys.hpp"
#include "upf/metrics.hpp"
#include "upf/upf_config.hpp"
#include "wire/json/value.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {

/// KeyIDs that no context of the key file may have, by application server.
std::vector<xrm::KeyIdRange> reserved_key_ids(const UpfKeysConfig& config);

class KeyChannels {
 public:
  /// `keys` was made with reserved_key_ids().
  static Result<std::unique_ptr<KeyChannels>> open(const UpfKeysConfig& config,
                                                   adapters::EventLoop& loop, Keys& keys,
                                                   runtime::Log& log);

  void start();
  void add_metrics(UpfMetrics& metrics) const;
  /// For the status page: an object each.
  json::Value status() const;

 private:
  KeyChannels(Keys& keys, runtime::Log& log) : keys_(keys), log_(log) {}
  adapters::KeyClient::Hooks hooks_of(std::size_t number, std::string_view eas);

  Keys& keys_;
  runtime::Log& log_;
  std::vector<std::unique_ptr<adapters::KeyClient>> channels_;
};

}  // namespace lobo::app
