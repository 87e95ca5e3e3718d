#pragma once
// An emulated media access function: one segment after the other from the base URL of its service
// location, a buffer, and M11 towards its media session handler. What it is asked to do it does
// with its next segment. A session without media (uplink, RTC) switches in signalling alone.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/media_m5.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "energy/client/media_session.hpp"
#include "energy_ue/ue_config.hpp"
#include "runtime/ports.hpp"
#include "runtime/scoped_scheduler.hpp"
#include "wire/http/message.hpp"

namespace lobo::app {

inline constexpr std::size_t segments_ahead = 3;  ///< that a player tries to have buffered

/// "seg-%05d.m4s" and 7: "seg-00007.m4s". Without a '%' the text as it is.
std::string segment_name(const std::string& text, std::uint32_t number);

struct PlayerCounters {
  std::uint64_t segments = 0;
  std::uint64_t octets = 0;
  std::uint64_t failures = 0;  ///< segments that did not come
  std::uint64_t stalls = 0;
  std::uint64_t moves = 0;
  std::uint64_t moves_failed = 0;
};

class UePlayer {
 public:
  using Locations = std::vector<api::media_m5::M5ServiceLocation>;
  struct Ports {
    runtime::Scheduler& scheduler;
    const Clock& clock;
    runtime::HttpClient& http;
    /// Steps 17 to 19, 35c and 35g, each once and once for each move.
    std::function<void(energy::client::Delivery what, const std::string& location)> delivers;
    /// Step 35d: served from there, this long after it was asked for; `stall` while it moved.
    std::function<void(const std::string& move_id, const std::string& from, const std::string& to,
                       bool good, std::chrono::milliseconds stall, std::chrono::milliseconds took)>
        moved;
  };
  UePlayer(const EnergyUeConfig& config, Ports ports);

  /// Begins at the first of `locations`; the others are for when it fails.
  void play(Locations locations, const std::string& first);
  void obey(const energy::client::SelectLocation& order);
  void obey(const energy::client::SelectOperationPoint& order);
  energy::client::QoeMetrics metrics() const;
  const std::string& location() const { return location_; }
  const energy::client::SelectOperationPoint& operation_point() const { return point_; }
  const PlayerCounters& counters() const { return counters_; }
  void stop() { playing_ = false; }

 private:
  struct Move {
    std::string id;
    std::vector<std::string> to;
    Instant asked{};
    std::chrono::milliseconds stalled_before{};
    std::string requested_at{};  ///< the newest of `to` that was asked
  };
  void next();
  void fetch();
  void arrived(const std::string& from, const Result<http::Response>& got, Instant asked);
  void failed(const std::string& from);
  void done(bool good, const std::string& to);
  const std::string& target() const;
  const std::string* base_of(const std::string& id) const;

  const EnergyUeConfig& config_;
  Ports ports_;
  runtime::ScopedScheduler scheduler_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Locations locations_;
  std::string location_;
  std::optional<Move> move_;
  energy::client::SelectOperationPoint point_;
  PlayerCounters counters_;
  std::uint32_t number_ = 0;
  bool playing_ = false;
  bool fetching_ = false;
  bool requested_ = false;  ///< anything at all
  bool moved_ = false;      ///< and nothing has come since
  Instant began_{}, buffered_until_{};
  std::chrono::milliseconds startup_{}, stalled_{};
  double mbps_ = 0;
};

}  // namespace lobo::app
