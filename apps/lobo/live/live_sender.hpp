#pragma once
// Datagrams in, the same datagrams out to one destination, marked: what `lobo eas` has for each
// application and the GStreamer sink for its pipeline.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "live/leased_marks.hpp"
#include "live/live_marks.hpp"
#include "live/outlet.hpp"
#include "toolbox/mark_writer.hpp"

namespace lobo::app {

struct LiveSenderSettings {
  OutletSettings outlet;
  WriteSettings writing;
  LiveSettings live;
  std::string
      counters;  ///< with keys: begins the name of the file of counters; empty: the key file
};

class LiveSender {
 public:
  using Time = Outlet::Time;

  static Result<std::unique_ptr<LiveSender>> open(LiveSenderSettings settings);

  /// Gathers what may be sent; flush() sends it.
  void push(Bytes user_data, Time now);
  void flush(Time now);
  /// Sends what has waited too long.
  void tick(Time now);
  /// When tick() has something to do, if anything waits.
  std::optional<Time> due() const;
  /// The end: sends all that waits.
  void finish(Time now);

  LeasedMarks& leased() { return *leased_; }
  const LiveTallies& marks() const { return leased_->marks().tallies(); }
  const OutletTallies& sent() const { return outlet_->tallies(); }
  bool exhausted() const { return leased_->exhausted(); }
  int socket() const { return outlet_->socket(); }
  std::string describe() const { return outlet_->describe(); }

 private:
  LiveSender() = default;

  std::unique_ptr<Outlet> outlet_;
  std::unique_ptr<LeasedMarks> leased_;
  Time now_{};
};

}  // namespace lobo::app
