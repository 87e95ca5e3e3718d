#include "energy_ue/ue_fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/media_m5.hpp"
#include "api/net_control.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "energy_ue/ue_player.hpp"
#include "runtime/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"
#include "wire/json/json.hpp"
#include "wire/json/value.hpp"
#include "wire/json/writer.hpp"
#include "wire/qoe/configuration.hpp"
#include "wire/qoe/container.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using energy::client::Delivery;
using energy::client::MediaSession;
using energy::client::Order;
using energy::client::SelectLocation;
using energy::client::SelectOperationPoint;
using energy::client::TellMetrics;

constexpr std::chrono::milliseconds steering_patience{10'000};
/// What a player does where nothing tells it a TTL (draft-pantos-content-steering).
constexpr std::chrono::seconds ttl_default{300};
constexpr std::chrono::milliseconds cell_asked_every{500};

}  // namespace

struct UeFleet::Ue {
  Ue(const EnergyUeConfig& config, energy::client::SessionSettings settings, Rng& rng,
     UePlayer::Ports player_ports)
      : session(std::move(settings), rng), player(config, std::move(player_ports)) {}
  MediaSession session;
  UePlayer player;
  runtime::Scheduler::TimerId timer = 0;
  Instant armed{};
  std::string reload;  ///< where content steering is asked again
  bool begun = false;
};

double FleetReport::move_quantile(double share) const {
  if (move_s.empty()) return 0;
  const auto last = static_cast<double>(move_s.size() - 1);
  return move_s[static_cast<std::size_t>(std::lround(share * last))];
}

std::string FleetReport::json() const {
  const auto object = [](const auto& counts) {
    std::string out;
    for (const auto& [name, count] : counts) {
      out += out.empty() ? '{' : ',';
      json::write_text(out, name);
      out += ':' + std::to_string(count);
    }
    return out.empty() ? "{}" : out + '}';
  };
  return fmt::format(
      R"({{"ues":{},"playing":{},"listening":{},"at":{},"segments":{},"octets":{},)"
      R"("failures":{},"stalls":{},"recommendations":{},"moves":{},"movesFailed":{},)"
      R"("moveSeconds":{{"p50":{:.3f},"p95":{:.3f},"max":{:.3f}}},"reduced":{},"suspended":{},)"
      R"("refused":{},"lost":{},"steps":{}}})",
      ues, playing, listening, object(at), media.segments, media.octets, media.failures,
      media.stalls, recommendations, media.moves, media.moves_failed, move_quantile(0.5),
      move_quantile(0.95), move_quantile(1), reduced, suspended, refused, lost, object(steps));
}

UeFleet::UeFleet(const EnergyUeConfig& config, Ports ports)
    : config_(config), ports_(ports), scheduler_(ports.scheduler) {
  for (std::size_t i = 0; i < config_.count; ++i) {
    auto settings = config_.session;
    settings.session += '-' + std::to_string(i + 1);
    settings.collect = config_.moves == Moves::pushed;
    ues_.push_back(nullptr);
    auto& slot = ues_.back();
    slot = std::make_unique<Ue>(
        config_, std::move(settings), ports_.rng,
        UePlayer::Ports{
            ports_.scheduler, ports_.clock, ports_.media,
            // Nothing follows from it, so nothing is pumped: it is taken with what comes next.
            [this, i](Delivery what, const std::string& location) {
              ues_[i]->session.delivers(what, location);
            },
            [this, i](const std::string& move, const std::string& from, const std::string& to,
                      bool good, std::chrono::milliseconds stall, std::chrono::milliseconds took) {
              auto& ue = *ues_[i];
              const auto now = ports_.clock.now();
              if (good && move_s_.size() < samples_max)
                move_s_.push_back(std::chrono::duration<double>(took).count());
              if (good)
                ue.session.switched(move, from, to, stall, now);
              else
                ue.session.not_switched(move, from, to, now);
              pump(ue);
            }});
  }
}

UeFleet::~UeFleet() = default;

const MediaSession& UeFleet::session(std::size_t i) const { return ues_.at(i)->session; }

void UeFleet::start() {
  for (auto& ue : ues_) {
    const auto within =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(config_.start_within.count()) * 1000);
    scheduler_.after(std::chrono::microseconds{ports_.rng.next() % within},
                     [this, one = ue.get()] { begin(*one); });
  }
  if (!config_.cell_url.empty()) ask_cell();
}

void UeFleet::begin(Ue& ue) {
  ue.session.start(ports_.clock.now());
  pump(ue);
}

void UeFleet::stop() {
  for (auto& ue : ues_) {
    ue->player.stop();
    ue->session.end(ports_.clock.now());
    pump(*ue);
  }
}

/// All that a session has to say now: requests, orders; then its next time.
void UeFleet::pump(Ue& ue) {
  auto dues = ue.session.take_dues();
  for (auto& call : dues.calls)
    ports_.af.send(std::move(call.request), call.patience,
                   [this, &ue, id = call.id,
                    alive = std::weak_ptr<bool>(alive_)](const Result<http::Response>& got) {
                     if (!alive.lock()) return;
                     if (!got) ++lost_;
                     ue.session.answered(id, got, ports_.clock.now());
                     pump(ue);
                   });
  for (const auto& step : dues.steps) {
    ++steps_[std::string(step.number)];
    if (step.number == "35b" || step.what == "operation point requested") ++recommendations_;
  }
  bool told = false;
  for (const auto& order : dues.orders) {
    if (std::holds_alternative<TellMetrics>(order)) {
      ue.session.tell(ue.player.metrics());
      told = true;
    } else if (const auto* move = std::get_if<SelectLocation>(&order)) {
      ue.player.obey(*move);
    } else if (const auto* point = std::get_if<SelectOperationPoint>(&order)) {
      ue.player.obey(*point);
    }
  }
  if (told) return pump(ue);  // Reports go out with what was told; they order nothing.
  if (ue.session.phase() == MediaSession::Phase::choosing) play(ue);
  arm(ue);
}

/// 16. The application's part: an entry point, by what it takes there.
void UeFleet::play(Ue& ue) {
  if (ue.begun) return;
  const auto now = ports_.clock.now();
  const auto best = ue.session.best(0, config_.choice);
  if (!best || !ue.session.select(0, best->service_location_id, now)) return;
  ue.begun = true;
  if (config_.energy) ue.session.change_ue_energy(*config_.energy, now);
  ue.player.play(ue.session.entry_points()[0].locations, best->service_location_id);
  if (config_.moves == Moves::polled && !ue.session.steering_url().empty()) {
    const auto& url = ue.session.steering_url();
    ue.reload = url + (url.find('?') == std::string::npos ? "?" : "&") +
                "s=" + http::percent_encode(ue.session.name()) +
                "&g=" + http::percent_encode(ue.session.policy());
    poll(ue);
  }
  pump(ue);
}

void UeFleet::arm(Ue& ue) {
  const auto due = ue.session.next_deadline();
  if (!due || (ue.timer != 0 && ue.armed <= *due)) return;
  scheduler_.cancel(std::exchange(ue.timer, 0));
  ue.armed = *due;
  const auto delay = std::max(*due - ports_.clock.now(), Instant::duration::zero());
  ue.timer = scheduler_.after(delay, [this, &ue] {
    ue.timer = 0;
    ue.session.advance(ports_.clock.now());
    pump(ue);
  });
}

// ---- content steering -------------------------------------------------------------------------

void UeFleet::poll(Ue& ue) {
  if (ue.session.phase() == MediaSession::Phase::ended) return;
  const auto url = http::parse_url(
      ue.reload +
      fmt::format("{}_DASH_pathway=%22{}%22&_DASH_throughput={}",
                  ue.reload.find('?') == std::string::npos ? '?' : '&',
                  http::percent_encode(ue.player.location()),
                  std::max(1, static_cast<int>(ue.player.metrics().throughput_mbps)) * 1'000'000));
  if (!url) return;
  http::Request request;
  request.method = "GET";
  request.scheme = url->scheme;
  request.authority = url->authority();
  request.target = url->target;
  ports_.af.send(
      std::move(request), steering_patience,
      [this, &ue, alive = std::weak_ptr<bool>(alive_)](const Result<http::Response>& got) {
        if (!alive.lock()) return;
        if (got && got->status == 200) return steered(ue, got->body);
        ++lost_;
        scheduler_.after(ttl_default, [this, &ue] { poll(ue); });
      });
}

void UeFleet::steered(Ue& ue, const std::string& body) {
  std::chrono::seconds ttl = ttl_default;
  SelectLocation order;
  if (const auto told = json::parse(body)) {
    if (const auto* member = told->find("TTL"))
      ttl =
          std::chrono::seconds{std::clamp<std::int64_t>(member->integer().value_or(300), 1, 3600)};
    if (const auto* member = told->find("RELOAD-URI");
        member != nullptr && member->text() != nullptr)
      ue.reload = *member->text();
    if (const auto* list = told->find("PATHWAY-PRIORITY");
        list != nullptr && list->array() != nullptr)
      for (const auto& one : *list->array()) {
        if (one.text() == nullptr) continue;
        const auto& known = ue.session.entry_points()[0].locations;
        const auto found = std::ranges::find(
            known, *one.text(), &api::media_m5::M5ServiceLocation::service_location_id);
        if (found != known.end()) order.locations.push_back(*found);
      }
  }
  if (!order.locations.empty() &&
      order.locations.front().service_location_id != ue.player.location())
    ue.player.obey(order);
  scheduler_.after(ttl, [this, &ue] { poll(ue); });
}

// ---- the cell ---------------------------------------------------------------------------------

/// In place of RRCReconfiguration, which the simulated network cannot send by itself.
void UeFleet::ask_cell() {
  const auto url = http::parse_url(config_.cell_url + "/app-layer-measurements");
  if (!url) return;
  http::Request request;
  request.method = "GET";
  request.scheme = url->scheme;
  request.authority = url->authority();
  request.target = url->target;
  ports_.af.send(std::move(request), steering_patience,
                 [this, alive = std::weak_ptr<bool>(alive_)](const Result<http::Response>& got) {
                   if (!alive.lock()) return;
                   if (got && got->status == 200)
                     configured(got->body);
                   else
                     ++lost_;
                   scheduler_.after(cell_asked_every, [this] { ask_cell(); });
                 });
}

/// A configuration that cannot be read is none.
void UeFleet::configured(const std::string& body) {
  const auto read = json::read<api::net_control::AppLayerMeasurements>(body);
  if (!read) return;
  measurements_.clear();
  for (const auto& one : read->configurations) {
    const auto xml = qoe::open_container(one.container.octets);
    const auto asked = xml ? qoe::read_configuration(*xml) : tl::unexpected<Error>(xml.error());
    if (asked)
      measurements_.push_back({one.meas_config_app_layer_id,
                               config_.cell_url + "/app-layer-reports", asked->reporting_interval,
                               asked->metrics});
  }
  for (auto& ue : ues_) {
    ue->session.measure(measurements_, ports_.clock.now());
    pump(*ue);
  }
}

// ---- report -----------------------------------------------------------------------------------

FleetReport UeFleet::report() const {
  FleetReport out;
  out.ues = ues_.size();
  for (const auto& ue : ues_) {
    const auto& one = ue->player.counters();
    out.media.segments += one.segments;
    out.media.octets += one.octets;
    out.media.failures += one.failures;
    out.media.stalls += one.stalls;
    out.media.moves += one.moves;
    out.media.moves_failed += one.moves_failed;
    if (ue->begun) ++out.playing;
    if (ue->session.phase() == MediaSession::Phase::listening) ++out.listening;
    if (ue->begun) ++out.at[ue->player.location()];
    const auto& point = ue->player.operation_point();
    if (point.suspended) ++out.suspended;
    if (point.bit_rate_max || point.height_max || point.width_max || !point.dropped.empty() ||
        !point.codecs.empty() || point.deferred)
      ++out.reduced;
    out.refused += ue->session.refused();
  }
  out.recommendations = recommendations_;
  out.steps = steps_;
  out.lost = lost_;
  out.move_s = move_s_;
  std::ranges::sort(out.move_s);
  return out;
}

}  // namespace lobo::app
