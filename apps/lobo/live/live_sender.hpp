#pragma once
// Datagrams in, the same datagrams out to one destination, marked: what `lobo eas` has for each
// application and the GStreamer sink for its pipeline.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "live/counter_lease.hpp"
#include "live/live_marks.hpp"
#include "live/outlet.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/xrm/context.hpp"

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

  /// Where keys come (WriteSettings::keys_come): what is sent from now on is sealed by this one.
  /// Null: there is none, and nothing is marked.
  Result<void> rekey(const xrm::ContextSettings* key) { return marks_->rekey(key); }
  /// Of the present key half the counters are used.
  bool wants_key() const;

  const LiveTallies& marks() const { return marks_->tallies(); }
  const OutletTallies& sent() const { return outlet_->tallies(); }
  /// The key has no counter left, or none may be used.
  bool exhausted() const { return marks_->writer().exhausted(); }
  int socket() const { return outlet_->socket(); }
  std::string describe() const { return outlet_->describe(); }

 private:
  LiveSender() = default;
  Result<MarkWriter> make_writer(WriteSettings writing, const std::string& counters);

  std::unique_ptr<Outlet> outlet_;
  std::optional<CounterLease> lease_;
  std::unique_ptr<LiveMarks> marks_;
  Time now_{};
};

}  // namespace lobo::app
