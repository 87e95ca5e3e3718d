#pragma once
// Marks together with the counters that they may be sealed under: what stands in front of every way
// out. A frame that was sealed leaves only after cover(), so that no counter is used which the file
// does not have.

#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "live/counter_lease.hpp"
#include "live/live_marks.hpp"
#include "toolbox/mark_writer.hpp"

namespace lobo::app {

class LeasedMarks {
 public:
  /// `counters`, with keys, begins the name of the file of counters; empty: the key file does.
  static Result<std::unique_ptr<LeasedMarks>> open(WriteSettings writing, const LiveSettings& live,
                                                   const std::string& counters, LiveMarks::Out out);

  LiveMarks& marks() { return *marks_; }
  const LiveMarks& marks() const { return *marks_; }

  /// Before what was written leaves. Where no counter can be reserved, what follows is not marked.
  void cover();
  /// The end: what waits is written, and counters that were not used are free again.
  void finish(LiveMarks::Elapsed now);

  /// Of the present key half the counters are used.
  bool wants_key() const;
  /// The key has no counter left, or none may be used.
  bool exhausted() const { return marks_->writer().exhausted(); }

 private:
  LeasedMarks() = default;
  Result<MarkWriter> make_writer(WriteSettings writing, const std::string& counters);

  std::optional<CounterLease> lease_;
  std::unique_ptr<LiveMarks> marks_;
};

}  // namespace lobo::app
