#pragma once
// What of QoS monitoring lives in memory only: the engine, who is subscribed to what in it, and
// when each source last sent. Filled by observations (docs/adr/0010-observations.md), anew at each
// start. Pure: time comes with each call; what is to be told comes out of take_due().

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/ss_nrm.hpp"
#include "api/state/nrm_monitor.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "services/seal_nrm/monitor_engine.hpp"
#include "services/seal_nrm/monitor_report.hpp"
#include "services/seal_nrm/monitor_view.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/series.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

/// Names in one list of failures of a report; what is beyond is not listed, measures still are.
inline constexpr std::size_t failures_listed_max = 256;
/// A source that stays silent is asked for by its name this often.
inline constexpr std::chrono::minutes silent_asked_every{1};
inline constexpr std::size_t silent_taken_max = 64;  ///< in one go
/// Of each source: callbacks that are known when they come once more.
inline constexpr std::size_t callbacks_known_max = 8;

/// What the series calls a stream; a UE goes by its GPSI.
std::string series_of(const api::state::nrm_monitor::StreamTarget& stream);

class MonitorHub final : public MonitorView, private monitor::ReportSink {
 public:
  /// `series` takes what is measured, for past periods; null: nothing is kept.
  MonitorHub(const Settings& settings, monitor::Series* series,
             const monitor::EngineLimits& limits = {});

  /// An Observe of `from`, in the order of its decisions.
  void observed(const resource::Key& from, const resource::Observe& what, Instant now);
  /// At the start: what the store holds.
  void restore(const std::string& monitor_id, api::state::nrm_monitor::MonitorState state,
               Instant now);
  void restore(const api::state::nrm_monitor::MeasureSourceState& source, Instant now);

  void advance(Instant now);
  std::optional<Instant> next_deadline() const { return engine_.next_deadline(); }

  /// What is to be told to monitors, in order.
  struct Due {
    std::string monitor;
    std::string what;
    std::string body;
    bool last = false;  ///< nothing follows it: where it is lost, the monitor stays for good
  };
  std::vector<Due> take_due() { return std::exchange(due_, {}); }
  /// Ids of sources that are to be told "silent".
  std::vector<std::string> take_silent(Instant now);
  /// Ids of monitors whose group has other members than they know of.
  std::vector<std::string> stale(const UeDirectory& directory) const;

  // ---- MonitorView ----------------------------------------------------------------------------
  std::vector<api::ss_nrm::MeasureState> measures(
      const api::state::nrm_monitor::MonitorState& state, Instant now) const override;

  std::size_t monitors() const { return monitors_.size(); }
  /// Points that the series did not take.
  std::uint64_t points_lost() const { return points_lost_; }
  /// Callbacks of the core that were there before, and counted once.
  std::uint64_t repeated() const { return repeated_; }
  const monitor::Engine& engine() const { return engine_; }

 private:
  struct Ue {
    monitor::TargetId target;
    monitor::SubscriptionId recorder;  ///< writes to the series
    std::size_t users = 0;
  };
  struct Callback {
    std::int64_t digest = 0;
    Instant seen{};
  };
  struct Source {
    api::state::nrm_monitor::SourceSeen seen;
    std::array<Callback, callbacks_known_max> known{};  ///< a ring
    std::size_t next = 0;                               ///< in it
    Instant since{};                                    ///< of this stage
    std::optional<Instant> last;                        ///< when it brought samples
    std::optional<Instant> heard;  ///< when it said anything, also that it cannot measure
    bool failed = false;           ///< the core said that its measurement failed, and nothing since
    Instant asked{};               ///< when it was last told "silent"
  };
  struct Monitor {
    api::state::nrm_monitor::MonitorState state;
    monitor::SubscriptionId subscription;
    std::vector<std::string> ues;      ///< GPSIs used, streams' UEs among them
    std::vector<std::string> streams;  ///< keys of streams_
    std::optional<Instant> gap_from;   ///< restored, and nothing told since
    Instant restored_at{};
  };

  void report(const monitor::Report& report) override { told_.push_back(report); }
  void progressed(monitor::SubscriptionId subscription) override {
    progressed_.push_back(subscription);
  }

  void follow(Instant now);
  void set(const std::string& id, api::state::nrm_monitor::MonitorState state, bool anew,
           Instant now);
  void forget(const std::string& id);
  std::vector<monitor::TargetId> use_targets(Monitor& monitor, Instant now);
  void record(Ue& known, const std::string& series, Instant now);
  void unrecord(const Ue& known);
  void let_go(const std::vector<std::string>& ues, const std::vector<std::string>& streams);
  void samples(const api::state::nrm_monitor::SamplesSeen& seen, Instant now);
  bool is_repeated(Source& source, const api::state::nrm_monitor::SamplesSeen& seen, Instant now);
  void flush(Instant now);
  void round(std::size_t from, std::size_t to, Instant now);
  api::ss_nrm::MonitoringReport report_of(const Monitor& monitor, std::size_t from, std::size_t to,
                                          Instant now) const;
  enum class Flow : std::uint8_t { waiting, silent, flowing, refused };
  Flow flow_of(const std::string& source_id, Instant now) const;

  const Settings& settings_;
  monitor::Duration step_back_max_;
  Instant now_{};  ///< the last that was said
  monitor::Series* series_;
  monitor::Engine engine_;
  std::unordered_map<std::string, Ue, TextHash, std::equal_to<>> ues_;
  std::unordered_map<std::string, Ue, TextHash, std::equal_to<>> streams_;
  std::unordered_map<std::string, Source, TextHash, std::equal_to<>> sources_;
  std::unordered_map<std::string, Monitor, TextHash, std::equal_to<>> monitors_;
  std::unordered_map<std::uint64_t, std::string> by_subscription_;
  std::unordered_map<std::uint64_t, std::string> recorders_;  ///< to the name of the series
  std::uint64_t points_lost_ = 0;
  std::uint64_t repeated_ = 0;
  std::vector<monitor::Report> told_;
  std::vector<monitor::SubscriptionId> progressed_;
  std::vector<Due> due_;
};

}  // namespace lobo::seal_nrm
