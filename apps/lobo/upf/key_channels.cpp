#include "upf/key_channels.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http/loop.hpp"
#include "adapters/http/tls.hpp"
#include "adapters/key_channel/client.hpp"
#include "adapters/key_channel/owner.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "upf/keys.hpp"
#include "upf/metrics.hpp"
#include "upf/upf_config.hpp"
#include "wire/json/value.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/acceptor.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::app {

using adapters::KeyClient;
using json::Value;
using runtime::Level;

namespace {

Value number(std::uint64_t value) { return {Value::Number{std::to_string(value)}}; }
Value text(std::string_view value) { return {std::string(value)}; }

std::string_view who(xrm::KeyCause cause) { return cause.by_peer ? "eas" : "upf"; }

Value live_key(const xrm::KeyAcceptor::Live& key, xrm::ChannelTime now) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::max(key.expires, now) - now);
  return {
      Value::Object{{"keyId", number(static_cast<std::uint64_t>(key.terms.key_id))},
                    {"algorithm", text(to_string(key.terms.algorithm))},
                    {"senders",
                     {Value::Array{number(static_cast<std::uint64_t>(key.terms.senders.first)),
                                   number(static_cast<std::uint64_t>(key.terms.senders.last))}}},
                    {"expiresInMs", number(static_cast<std::uint64_t>(left.count()))}}};
}

Value channel(const KeyClient& client) {
  const xrm::ChannelTime now = std::chrono::steady_clock::now().time_since_epoch();
  Value::Array live;
  for (const auto& key : client.machine().live()) live.push_back(live_key(key, now));
  Value::Object out{{"eas", text(client.config().keys.eas)},
                    {"address", text(client.config().host)},
                    {"port", number(client.config().port)},
                    {"open", {client.machine().open()}},
                    {"live", {std::move(live)}},
                    {"accepted", number(client.counters().accepted)},
                    {"expired", number(client.counters().expired)},
                    {"dials", number(client.counters().dials)}};
  if (const auto end = client.last_end())
    out.push_back(
        {"lastEnd",
         {Value::Object{{"reason", text(to_string(end->failure))}, {"saidBy", text(who(*end))}}}});
  return {std::move(out)};
}

}  // namespace

std::vector<xrm::KeyIdRange> reserved_key_ids(const UpfKeysConfig& config) {
  std::vector<xrm::KeyIdRange> ranges;
  for (const UpfEasConfig& eas : config.eas) ranges.push_back(eas.keys.key_ids);
  return ranges;
}

Result<std::unique_ptr<KeyChannels>> KeyChannels::open(const UpfKeysConfig& config,
                                                       adapters::EventLoop& loop, Keys& keys,
                                                       runtime::Log& log) {
  std::unique_ptr<KeyChannels> all(new KeyChannels(keys, log));
  if (config.eas.empty()) return all;
  const auto tls =
      adapters::make_exporting_client_tls(config.tls, std::string(adapters::key_channel_alpn));
  if (!tls) return fail(tls.error());
  for (const UpfEasConfig& eas : config.eas)
    all->channels_.push_back(std::make_unique<KeyClient>(
        loop,
        adapters::KeyClientConfig{
            .keys = eas.keys, .host = eas.address, .port = eas.port, .tls = *tls},
        all->hooks_of(all->channels_.size(), eas.keys.eas)));
  return all;
}

KeyClient::Hooks KeyChannels::hooks_of(std::size_t number, std::string_view eas) {
  return {
      .publish = [this, number](
                     const KeyClient::Contexts& contexts) { return keys_.agree(number, contexts); },
      .accepted =
          [this, eas = std::string(eas)](const xrm::KeyTerms& terms) {
            log_.event(Level::info, "key_accepted",
                       {{"eas", eas},
                        {"key_id", static_cast<std::int64_t>(terms.key_id)},
                        {"algorithm", to_string(terms.algorithm)},
                        {"first_sid", static_cast<std::int64_t>(terms.senders.first)},
                        {"last_sid", static_cast<std::int64_t>(terms.senders.last)},
                        {"lifetime_ms", terms.lifetime.count()}});
          },
      .removed =
          [this, eas = std::string(eas)](xrm::KeyId id, bool expired) {
            log_.event(Level::info, expired ? "key_expired" : "key_replaced",
                       {{"eas", eas}, {"key_id", static_cast<std::int64_t>(id)}});
          },
      .ended =
          [this, eas = std::string(eas)](xrm::KeyCause cause,
                                         std::chrono::milliseconds redial_after) {
            log_.event(Level::warn,
                       is_refusal(cause.failure) ? "key_channel_refused" : "key_channel_lost",
                       {{"eas", eas},
                        {"reason", to_string(cause.failure)},
                        {"said_by", who(cause)},
                        {"redial_ms", redial_after.count()}});
          }};
}

void KeyChannels::start() {
  for (const auto& one : channels_) one->start();
}

void KeyChannels::add_metrics(UpfMetrics& metrics) const {
  for (const auto& one : channels_) {
    const KeyClient& client = *one;
    const std::string eas = client.config().keys.eas;
    metrics.gauge("lobo_upf_key_channel_up", {{"eas", eas}},
                  [&client] { return client.machine().open() ? 1U : 0U; });
    metrics.counter("lobo_upf_key_channel_dials_total", {{"eas", eas}},
                    [&client] { return client.counters().dials; });
    metrics.counter("lobo_upf_keys_total", {{"eas", eas}, {"what", "accepted"}},
                    [&client] { return client.counters().accepted; });
    metrics.counter("lobo_upf_keys_total", {{"eas", eas}, {"what", "expired"}},
                    [&client] { return client.counters().expired; });
    for (std::size_t i = 0; i < xrm::key_failures; ++i) {
      const std::string reason(to_string(static_cast<xrm::KeyFailure>(i)));
      metrics.counter("lobo_upf_key_channel_ends_total",
                      {{"eas", eas}, {"reason", reason}, {"said_by", "upf"}},
                      [&client, i] { return client.counters().ended[i]; });
      metrics.counter("lobo_upf_key_channel_ends_total",
                      {{"eas", eas}, {"reason", reason}, {"said_by", "eas"}},
                      [&client, i] { return client.counters().ended_by_peer[i]; });
    }
  }
}

Value KeyChannels::status() const {
  Value::Array all;
  for (const auto& one : channels_) all.push_back(channel(*one));
  return {std::move(all)};
}

}  // namespace lobo::app
