// include/lobodon/mmec.h: handles, plain structs and callbacks over MmecClient. No exception goes
// out: what is thrown here is for want of memory.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"
#include "lobodon/mmec.h"
#include "mmec/meter.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "mmec_client/client.hpp"
#include "wire/sdd/control.hpp"
#include "wire/sdd/pose.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

std::string text_of(const char* text) { return text == nullptr ? std::string() : text; }

std::string line_of(const Error& error) {
  std::string out = std::string(to_string(error.code)) + ": " + error.detail;
  for (const auto& fault : error.faults) out += " [" + fault.where + ": " + fault.reason + ']';
  return out;
}

int code_of(Errc code) {
  switch (code) {
    case Errc::malformed:
    case Errc::missing:
    case Errc::wrong_type:
    case Errc::out_of_range:
    case Errc::pattern:
    case Errc::not_allowed:
    case Errc::duplicate:
    case Errc::not_found: return LOBO_MMEC_INVALID;
    case Errc::unavailable:
    case Errc::timeout: return LOBO_MMEC_UNAVAILABLE;
    case Errc::unauthenticated:
    case Errc::forbidden: return LOBO_MMEC_FORBIDDEN;
    case Errc::too_large: return LOBO_MMEC_TOO_LARGE;
    case Errc::too_many: return LOBO_MMEC_TOO_MUCH;
    case Errc::conflict:
    case Errc::precondition: return LOBO_MMEC_STATE;
    case Errc::method_unknown:
    case Errc::not_acceptable:
    case Errc::media_type:
    case Errc::refused:
    case Errc::internal: return LOBO_MMEC_FAILED;
  }
  return LOBO_MMEC_FAILED;
}

int event_of(mmec::EventKind kind) {
  switch (kind) {
    case mmec::EventKind::up: return LOBO_MMEC_EVENT_UP;
    case mmec::EventKind::down: return LOBO_MMEC_EVENT_DOWN;
    case mmec::EventKind::asset_here: return LOBO_MMEC_EVENT_ASSET_HERE;
    case mmec::EventKind::asset_gone: return LOBO_MMEC_EVENT_ASSET_GONE;
    case mmec::EventKind::tier: return LOBO_MMEC_EVENT_TIER;
    case mmec::EventKind::token_wanted: return LOBO_MMEC_EVENT_TOKEN_WANTED;
    case mmec::EventKind::relocating: return LOBO_MMEC_EVENT_RELOCATING;
    case mmec::EventKind::refused: return LOBO_MMEC_EVENT_REFUSED;
    case mmec::EventKind::ended: return LOBO_MMEC_EVENT_ENDED;
  }
  return LOBO_MMEC_EVENT_REFUSED;
}

int phase_of(mmec::Phase phase) {
  switch (phase) {
    case mmec::Phase::idle: return LOBO_MMEC_IDLE;
    case mmec::Phase::asking: return LOBO_MMEC_ASKING;
    case mmec::Phase::connecting: return LOBO_MMEC_CONNECTING;
    case mmec::Phase::up: return LOBO_MMEC_UP;
    case mmec::Phase::waiting: return LOBO_MMEC_WAITING;
    case mmec::Phase::leaving: return LOBO_MMEC_LEAVING;
    case mmec::Phase::ended: return LOBO_MMEC_ENDED;
  }
  return LOBO_MMEC_ENDED;
}

Result<mmec::Grant> grant_of(const char* token, mmec::Place at, const char* certificate) {
  auto octets = sdd::token_of_text(token);
  if (!octets) return fail(octets.error());
  if (certificate != nullptr) {
    const auto digest = mmec_certificate(certificate);
    if (!digest) return fail(digest.error());
    at.certificate = *digest;
  }
  return mmec::read_grant(std::move(*octets), std::move(at));
}

Result<mmec::Wanted> wanted_of(const lobo_mmec_asset& asked, std::size_t number) {
  const auto wrong = [&](std::string_view member, int value) {
    return fail(Errc::out_of_range, "an asset cannot be asked for like this",
                {{Errc::out_of_range, "/assets/" + std::to_string(number) + std::string(member),
                  std::to_string(value)}});
  };
  mmec::Wanted out;
  out.asset = text_of(asked.asset);
  out.asset_class = text_of(asked.asset_class);
  if (asked.direction < LOBO_MMEC_PUB || asked.direction > LOBO_MMEC_BIDI)
    return wrong("/direction", asked.direction);
  out.direction = static_cast<sdd::Direction>(asked.direction);
  const auto reliability = asked.reliability < 0
                               ? std::nullopt
                               : sdd::flow_class_of(static_cast<std::uint64_t>(asked.reliability));
  if (!reliability) return wrong("/reliability", asked.reliability);
  out.reliability = *reliability;
  if (asked.rate_hz > 0) out.rate_hz = asked.rate_hz;
  if (asked.components != 0) out.components = asked.components;
  return out;
}

Result<mmec::Settings> settings_of(const lobo_mmec_settings& asked) {
  mmec::Settings out;
  if (asked.name != nullptr) out.name = asked.name;
  out.api_root = text_of(asked.enabler);
  out.authorization = text_of(asked.authorization);
  out.session = text_of(asked.session);
  out.idempotency_key = text_of(asked.idempotency_key);
  if (asked.service != nullptr) out.service = asked.service;
  out.requester = text_of(asked.requester);
  out.ue = text_of(asked.ue);
  out.room = text_of(asked.room);
  out.policies = asked.without_policies == 0;
  out.poses = asked.poses != 0;
  if (asked.assets_count > mmec::wanted_max || (asked.assets == nullptr && asked.assets_count > 0))
    return fail(Errc::out_of_range, "at most 64 assets", {{Errc::out_of_range, "/assets", ""}});
  const std::span assets(asked.assets, asked.assets_count);
  for (std::size_t i = 0; i < assets.size(); ++i) {
    auto wanted = wanted_of(assets[i], i);
    if (!wanted) return fail(wanted.error());
    out.assets.push_back(std::move(*wanted));
  }
  if (asked.through != nullptr) {
    auto through = mmec_place(asked.through);
    if (!through) return fail(through.error());
    out.through = std::move(*through);
  }
  if (asked.second != nullptr) {
    auto second = mmec_way(asked.second);
    if (!second) return fail(second.error());
    out.second = std::move(*second);
  }
  if (asked.token == nullptr) return out;
  auto at = mmec_place(text_of(asked.node));
  if (!at) return fail(at.error());
  auto grant = grant_of(asked.token, std::move(*at), asked.certificate_sha256);
  if (!grant) return fail(grant.error());
  out.grant = std::move(*grant);
  return out;
}

/// A struct of the program, of which an older header knew less: the rest is 0.
template <class Struct>
std::optional<Struct> whole(const Struct* given) {
  if (given == nullptr || given->size < sizeof(given->size) || given->size > 65'536)
    return std::nullopt;
  Struct out{};
  std::memcpy(&out, given, std::min(given->size, sizeof out));
  return out;
}

}  // namespace
}  // namespace lobo::app

struct lobo_mmec final : lobo::mmec::Application {
  explicit lobo_mmec(const lobo_mmec_callbacks& told) : callbacks(told) {}

  void received(const lobo::mmec::State& state) override {
    if (callbacks.state == nullptr) return;
    // A string of C ends with a zero; the names of assets do not change from state to state.
    if (asset != state.asset) asset = state.asset;
    if (ue != state.ue) ue = state.ue;
    lobo_mmec_state out{};
    out.asset = asset.c_str();
    out.ue = ue.c_str();
    out.data = state.payload.data();
    out.data_size = state.payload.size();
    out.flow = state.flow;
    out.sequence = state.seq;
    out.base = state.base.value_or(0);
    out.alias = state.alias;
    out.component = state.component;
    out.reliability = static_cast<std::uint8_t>(state.reliability);
    out.is_delta = state.base ? 1 : 0;
    out.has_age = state.age ? 1 : 0;
    out.age_us = state.age ? state.age->count() : 0;
    callbacks.state(callbacks.user, &out);
  }
  void told(const lobo::mmec::Event& event) override {
    if (event.kind == lobo::mmec::EventKind::ended) loop.stop();
    if (callbacks.event == nullptr) return;
    const std::string detail = event.error ? lobo::app::line_of(*event.error) : std::string();
    const std::string code(event.error ? to_string(event.error->code) : std::string_view());
    const std::string reason(lobo::sdd::to_string(event.reason));
    lobo_mmec_event out{};
    out.kind = lobo::app::event_of(event.kind);
    out.asset = event.asset.c_str();
    out.ue = event.ue.c_str();
    out.flow = event.flow;
    out.alias = event.alias;
    out.tier = event.tier;
    out.reason = event.kind == lobo::mmec::EventKind::tier ? reason.c_str() : "";
    out.rate_hz = event.rate_mhz / 1000.0;
    out.components = event.components;
    out.error = event.error ? code.c_str() : nullptr;
    out.detail = detail.c_str();
    callbacks.event(callbacks.user, &out);
  }

  int failed(const lobo::Error& why) {
    error = lobo::app::line_of(why);
    return lobo::app::code_of(why.code);
  }
  /// Whatever a function of the interface does, without an exception.
  template <class What>
  int guarded(What what) noexcept {
    try {
      return what();
    } catch (...) { return LOBO_MMEC_FAILED; }
  }

  lobo_mmec_callbacks callbacks;
  lobo::adapters::EventLoop loop;
  lobo::adapters::crypto::SystemRng rng;
  std::unique_ptr<lobo::app::MmecClient> client;
  bool polling = false;
  std::string error;
  std::string asset;
  std::string ue;
  std::string session;
};

namespace {

using lobo::Errc;

int publish(lobo_mmec* client, std::uint32_t flow, std::uint8_t component, const void* data,
            std::size_t data_size, std::optional<std::uint32_t> base, std::uint32_t* sequence) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    if (data == nullptr)
      return client->failed({Errc::missing, "no state", {{Errc::missing, "/data", "NULL"}}});
    const auto sent = client->client->publish(
        flow, component, std::as_bytes(std::span(static_cast<const char*>(data), data_size)), base);
    if (!sent) return client->failed(sent.error());
    if (sequence != nullptr && *sent) *sequence = **sent;
    return *sent ? 1 : 0;
  });
}

}  // namespace

extern "C" {

int lobo_mmec_api(void) { return LOBO_MMEC_API; }

lobo_mmec* lobo_mmec_open(const lobo_mmec_settings* settings, const lobo_mmec_callbacks* callbacks,
                          char* error, size_t error_size) {
  const auto say = [&](std::string_view text) {
    if (error == nullptr || error_size == 0) return;
    const std::size_t count = std::min(text.size(), error_size - 1);
    std::copy_n(text.begin(), count, error);
    error[count] = '\0';
  };
  try {
    const auto asked = lobo::app::whole(settings);
    const auto told = lobo::app::whole(callbacks);
    if (!asked || !told) {
      say("missing: settings and callbacks say their size first");
      return nullptr;
    }
    auto read = lobo::app::settings_of(*asked);
    if (!read) {
      say(lobo::app::line_of(read.error()));
      return nullptr;
    }
    auto made = std::make_unique<lobo_mmec>(*told);
    const std::string ca_file = lobo::app::text_of(asked->ca_file);
    auto client =
        lobo::app::MmecClient::open(std::move(*read), {made->loop, made->rng, *made, ca_file});
    if (!client) {
      say(lobo::app::line_of(client.error()));
      return nullptr;
    }
    made->client = std::move(*client);
    if (const auto started = made->client->start(); !started) {
      say(lobo::app::line_of(started.error()));
      return nullptr;
    }
    return made.release();
  } catch (...) {
    say("internal: no memory");
    return nullptr;
  }
}

int lobo_mmec_poll(lobo_mmec* client, int timeout_ms) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  if (client->polling)
    return client->failed({Errc::conflict, "poll was called by what poll had called", {}});
  const int done = client->guarded([&] {
    if (client->client->session().phase() == lobo::mmec::Phase::ended) return 0;
    client->polling = true;
    // By a timer even for no time at all: what is ready on sockets comes before it.
    const auto limit = client->loop.after(std::chrono::milliseconds(std::max(timeout_ms, 0)),
                                          [client] { client->loop.stop(); });
    client->loop.run();
    client->loop.cancel(limit);
    return 0;
  });
  client->polling = false;
  return done < 0 ? done : lobo_mmec_phase(client);
}

int lobo_mmec_phase(const lobo_mmec* client) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return lobo::app::phase_of(client->client->session().phase());
}

int lobo_mmec_leave(lobo_mmec* client, int end_session) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    client->client->leave(end_session != 0);
    return 0;
  });
}

int lobo_mmec_close(lobo_mmec* client) {
  if (client == nullptr) return 0;
  if (client->polling)
    return client->failed({Errc::conflict, "close was called by what poll had called", {}});
  return client->guarded([&] {
    delete client;
    return 0;
  });
}

int lobo_mmec_publish(lobo_mmec* client, uint32_t flow, uint8_t component, const void* data,
                      size_t data_size, uint32_t* sequence) {
  return publish(client, flow, component, data, data_size, std::nullopt, sequence);
}

int lobo_mmec_publish_delta(lobo_mmec* client, uint32_t flow, uint8_t component, const void* data,
                            size_t data_size, uint32_t base, uint32_t* sequence) {
  return publish(client, flow, component, data, data_size, base, sequence);
}

int lobo_mmec_want(lobo_mmec* client, uint32_t flow, uint32_t components, double rate_hz,
                   uint32_t nearest) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    if (!(rate_hz >= 0 && rate_hz <= 1000))
      return client->failed({Errc::out_of_range,
                             "a rate is 0 to 1000 Hz",
                             {{Errc::out_of_range, "/rate_hz", std::to_string(rate_hz)}}});
    lobo::sdd::Update update;
    update.flow = flow;
    update.components = components;
    update.rate_mhz = static_cast<std::uint32_t>(rate_hz * 1000);
    update.nearest = nearest;
    const auto done = client->client->want(update);
    return done ? 0 : client->failed(done.error());
  });
}

int lobo_mmec_use(lobo_mmec* client, const char* token, const char* node,
                  const char* certificate_sha256) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    if (token == nullptr)
      return client->failed({Errc::missing, "no token", {{Errc::missing, "/token", "NULL"}}});
    lobo::mmec::Place at = client->client->session().place();
    if (node != nullptr) {
      auto named = lobo::app::mmec_place(node);
      if (!named) return client->failed(named.error());
      at = std::move(*named);
    }
    auto grant = lobo::app::grant_of(token, std::move(at), certificate_sha256);
    if (!grant) return client->failed(grant.error());
    client->client->use(std::move(*grant));
    return 0;
  });
}

int lobo_mmec_path_changed(lobo_mmec* client) {
  if (client == nullptr) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    client->client->path_changed();
    return 0;
  });
}

const char* lobo_mmec_session(lobo_mmec* client) {
  if (client == nullptr) return "";
  client->guarded([&] {
    client->session = client->client->session().id();
    return 0;
  });
  return client->session.c_str();
}

int lobo_mmec_flows(lobo_mmec* client, lobo_mmec_flow* flows, size_t max) {
  if (client == nullptr || (flows == nullptr && max > 0)) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    const auto granted = client->client->session().flows();
    const std::span out(flows, max);
    for (std::size_t i = 0; i < std::min(granted.size(), out.size()); ++i) {
      out[i] = {};
      out[i].id = granted[i].id;
      out[i].alias = granted[i].alias;
      std::copy_n(granted[i].asset.begin(),
                  std::min(granted[i].asset.size(), sizeof(out[i].asset) - 1),
                  std::begin(out[i].asset));
      out[i].direction = static_cast<int>(granted[i].direction);
      out[i].reliability = static_cast<int>(granted[i].reliability);
      out[i].components = granted[i].components;
    }
    return static_cast<int>(granted.size());
  });
}

int lobo_mmec_measure(lobo_mmec* client, lobo_mmec_stats* stats) {
  if (client == nullptr || !lobo::app::whole(stats)) return LOBO_MMEC_INVALID;
  return client->guarded([&] {
    const auto told = client->client->stats();
    lobo_mmec_stats out{};
    out.size = std::min(stats->size, sizeof out);
    out.phase = lobo::app::phase_of(told.phase);
    if (told.clock) {
      out.has_clock = 1;
      out.clock_offset_us = told.clock->offset.count();
      out.clock_error_us = told.clock->error.count();
    }
    out.rtt_us = told.path.smoothed_rtt.count();
    const auto busiest =
        std::ranges::max_element(told.recent, {}, &lobo::mmec::FlowFigures::states);
    if (busiest != told.recent.end()) {
      const auto put = [](const std::optional<lobo::mmec::Quantiles>& from, std::uint64_t& p50,
                          std::uint64_t& p99) {
        p50 = from ? from->p50 : 0;
        p99 = from ? from->p99 : 0;
      };
      put(busiest->delay, out.delay_p50_us, out.delay_p99_us);
      put(busiest->age, out.age_p50_us, out.age_p99_us);
      put(busiest->gap, out.gap_p50_us, out.gap_p99_us);
      out.jitter_us = busiest->jitter_us;
      out.bits_per_second = busiest->bps;
      out.loss = busiest->loss();
    }
    for (const auto& flow : told.total) {
      out.received += flow.states;
      out.received_bytes += flow.bytes;
      out.expected += flow.expected;
      out.lost += flow.lost;
      out.duplicates += flow.duplicates;
      out.left_out += flow.left_out;
    }
    out.late = told.states_late;
    out.messages_received = told.messages_received;
    out.messages_sent = told.messages_sent;
    out.sent = told.states_sent;
    out.sent_bytes = told.bytes_sent;
    out.replaced = told.states_replaced;
    out.repeated = told.states_repeated;
    out.datagrams_acked = told.datagrams.acked;
    out.datagrams_lost = told.datagrams.lost;
    out.datagrams_spurious = told.datagrams.spurious;
    out.connections = told.connections;
    out.attempts = told.attempts;
    out.refused = told.refused;
    out.ways = told.ways;
    out.sent_twice = told.states_twice;
    out.copies = told.copies;
    std::memcpy(stats, &out, out.size);
    return 0;
  });
}

const char* lobo_mmec_error(const lobo_mmec* client) {
  return client == nullptr ? "there is no client" : client->error.c_str();
}

void lobo_mmec_pose_root(const double position[3], const double rotation[4],
                         uint8_t out[LOBO_MMEC_POSE_ROOT_SIZE]) {
  static_assert(LOBO_MMEC_POSE_ROOT_SIZE == lobo::sdd::pose::root_bytes);
  const std::span at(position, 3);
  const std::span turn(rotation, 4);
  lobo::ByteWriter writer(std::as_writable_bytes(std::span(out, LOBO_MMEC_POSE_ROOT_SIZE)));
  lobo::sdd::pose::write(
      writer, lobo::sdd::pose::Root{{at[0], at[1], at[2]}, {turn[0], turn[1], turn[2], turn[3]}});
}

int lobo_mmec_read_pose_root(const void* data, size_t data_size, double position[3],
                             double rotation[4]) {
  if (data == nullptr || position == nullptr || rotation == nullptr) return LOBO_MMEC_INVALID;
  const auto root = lobo::sdd::pose::read_root(
      std::as_bytes(std::span(static_cast<const char*>(data), data_size)));
  if (!root) return LOBO_MMEC_INVALID;
  const std::span at(position, 3);
  const std::span turn(rotation, 4);
  at[0] = root->at.x;
  at[1] = root->at.y;
  at[2] = root->at.z;
  turn[0] = root->turn.x;
  turn[1] = root->turn.y;
  turn[2] = root->turn.z;
  turn[3] = root->turn.w;
  return 0;
}

}  // extern "C"
