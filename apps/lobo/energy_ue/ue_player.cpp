#include "energy_ue/ue_player.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/media_m5.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "wire/http/message.hpp"
#include "wire/http/url.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using energy::client::Delivery;
using energy::client::QoeMetrics;
using energy::client::SelectLocation;
using energy::client::SelectOperationPoint;
using std::chrono::milliseconds;

constexpr milliseconds segment_patience{10'000};  ///< while there is nothing to lose
constexpr std::size_t width_max = 9;
/// A place that fails is not asked at once again, whatever the buffer says.
constexpr milliseconds failure_pause{500};

milliseconds whole(Instant::duration time) {
  return std::chrono::duration_cast<milliseconds>(time);
}

}  // namespace

std::string segment_name(const std::string& text, std::uint32_t number) {
  const auto percent = text.find('%');
  const auto letter = percent == std::string::npos ? percent : text.find('d', percent);
  if (letter == std::string::npos) return text;
  const auto digits = std::string_view(text).substr(percent + 1, letter - percent - 1);
  const auto width = digits.empty() ? 1 : parse_decimal(digits).value_or(1);
  return text.substr(0, percent) +
         fmt::format("{:0{}}", number, std::clamp<std::uint64_t>(width, 1, width_max)) +
         text.substr(letter + 1);
}

UePlayer::UePlayer(const EnergyUeConfig& config, Ports ports)
    : config_(config),
      ports_(std::move(ports)),
      scheduler_(ports_.scheduler),
      number_(config.first) {}

void UePlayer::play(Locations locations, const std::string& first) {
  locations_ = std::move(locations);
  location_ = first;
  began_ = ports_.clock.now();
  buffered_until_ = began_;
  playing_ = !config_.segments.empty() && base_of(first) != nullptr;
  ports_.delivers(Delivery::begun, first);
  if (playing_) next();
}

const std::string* UePlayer::base_of(const std::string& id) const {
  const auto found =
      std::ranges::find(locations_, id, &api::media_m5::M5ServiceLocation::service_location_id);
  return found == locations_.end() ? nullptr : &found->base_url;
}

const std::string& UePlayer::target() const { return move_ ? move_->to.front() : location_; }

// ---- M11 --------------------------------------------------------------------------------------

void UePlayer::obey(const SelectLocation& order) {
  Move move{.id = order.move_id, .to = {}, .asked = ports_.clock.now(), .stalled_before = stalled_};
  for (const auto& one : order.locations) {
    move.to.push_back(one.service_location_id);
    if (base_of(one.service_location_id) == nullptr) locations_.push_back(one);
  }
  if (move.to.empty()) return;
  if (move.to.front() == location_) {  // There already: said so, so that nobody waits for it.
    move_.reset();
    return;
  }
  move_ = std::move(move);
  if (playing_) return;  // 35c comes with the next segment.
  // No media: the switch is one of signalling.
  scheduler_.post([this] {
    if (move_) done(true, move_->to.front());
  });
}

void UePlayer::obey(const SelectOperationPoint& order) {
  const bool resumed = point_.suspended && !order.suspended;
  point_ = order;
  if (resumed && playing_) {
    buffered_until_ = std::max(buffered_until_, ports_.clock.now());
    next();
  }
}

QoeMetrics UePlayer::metrics() const {
  const auto now = ports_.clock.now();
  return {.throughput_mbps = mbps_,
          .buffer = whole(std::max(buffered_until_ - now, Instant::duration::zero())),
          .startup = startup_,
          .stalled = stalled_,
          .bit_rate = point_.bit_rate_max.value_or(0),
          .location = location_};
}

void UePlayer::done(bool good, const std::string& to) {
  const auto move = *std::exchange(move_, std::nullopt);
  const auto from = location_;
  const auto took = whole(ports_.clock.now() - move.asked);
  if (good) {
    ++counters_.moves;
    location_ = to;
    moved_ = playing_;
  } else {
    ++counters_.moves_failed;
  }
  ports_.moved(move.id, from, to, good, stalled_ - move.stalled_before, took);
}

// ---- media ------------------------------------------------------------------------------------

void UePlayer::next() {
  if (!playing_ || fetching_ || point_.suspended) return;
  const auto ahead = buffered_until_ - ports_.clock.now();
  const auto most = config_.segment * static_cast<std::int64_t>(segments_ahead);
  if (ahead >= most) {
    scheduler_.after(ahead - most + 1ms, [this] { next(); });
    return;
  }
  fetch();
}

void UePlayer::fetch() {
  const std::string to = target();
  const auto* base = base_of(to);
  const auto url = base == nullptr ? Result<http::Url>(fail(Errc::not_found, "no such location"))
                                   : http::parse_url(*base + (base->ends_with('/') ? "" : "/") +
                                                     segment_name(config_.segments, number_));
  if (!url) return failed(to);
  http::Request request;
  request.method = "GET";
  request.scheme = url->scheme;
  request.authority = url->authority();
  request.target = url->target;
  fetching_ = true;
  if (!std::exchange(requested_, true)) ports_.delivers(Delivery::requested, to);
  if (move_ && std::exchange(move_->requested_at, to) != to)
    ports_.delivers(Delivery::connected, to);
  // A place that is too slow is left while there is buffer for one segment from elsewhere.
  const auto ahead = whole(buffered_until_ - ports_.clock.now());
  const auto patience = counters_.segments == 0
                            ? segment_patience
                            : std::clamp(ahead - config_.segment, config_.segment,
                                         std::max(config_.segment, segment_patience));
  ports_.http.send(std::move(request), patience,
                   [this, to, asked = ports_.clock.now(),
                    alive = std::weak_ptr<bool>(alive_)](const Result<http::Response>& got) {
                     if (!alive.lock()) return;
                     fetching_ = false;
                     arrived(to, got, asked);
                   });
}

void UePlayer::arrived(const std::string& from, const Result<http::Response>& got, Instant asked) {
  if (!playing_) return;
  if (!got || got->status != 200) return failed(from);
  const auto now = ports_.clock.now();
  ++counters_.segments;
  counters_.octets += got->body.size();
  const auto seconds = std::chrono::duration<double>(now - asked).count();
  if (seconds > 0) mbps_ = static_cast<double>(got->body.size()) * 8e-6 / seconds;
  if (counters_.segments == 1) {
    ports_.delivers(Delivery::arriving, from);
    startup_ = whole(now - began_);
    buffered_until_ = now;
  } else if (now > buffered_until_) {
    ++counters_.stalls;
    stalled_ += whole(now - buffered_until_);
    buffered_until_ = now;
  }
  buffered_until_ += config_.segment;
  number_ = number_ >= config_.last ? config_.first : number_ + 1;
  if (std::exchange(moved_, false)) ports_.delivers(Delivery::goes_on, from);
  if (move_ && from == move_->to.front()) done(true, from);
  next();
}

void UePlayer::failed(const std::string& from) {
  ++counters_.failures;
  if (move_ && from == move_->to.front()) {
    if (move_->to.size() > 1)
      move_->to.erase(move_->to.begin());
    else
      done(false, std::string(from));  // what it names may be part of the move that ends
  } else if (!move_) {                 // The player's own failover: the next one that it knows.
    const auto here = std::ranges::find(locations_, location_,
                                        &api::media_m5::M5ServiceLocation::service_location_id);
    const auto after = here == locations_.end() ? here : here + 1;
    if (!locations_.empty())
      location_ = (after == locations_.end() ? locations_.front() : *after).service_location_id;
  }
  scheduler_.after(failure_pause, [this] { next(); });
}

}  // namespace lobo::app
