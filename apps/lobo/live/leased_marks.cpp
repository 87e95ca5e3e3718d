#include "live/leased_marks.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "live/counter_lease.hpp"
#include "live/live_marks.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo::app {

Result<std::unique_ptr<LeasedMarks>> LeasedMarks::open(WriteSettings writing,
                                                       const LiveSettings& live,
                                                       const std::string& counters,
                                                       LiveMarks::Out out) {
  std::unique_ptr<LeasedMarks> leased(new LeasedMarks);
  auto writer = leased->make_writer(std::move(writing), counters);
  if (!writer) return fail(writer.error());
  leased->marks_ = std::make_unique<LiveMarks>(std::move(*writer), live, std::move(out));
  return leased;
}

/// With keys it is made twice: the key's identifier, which the first tells, names the file in which
/// the first counter of the second stands.
Result<MarkWriter> LeasedMarks::make_writer(WriteSettings writing, const std::string& counters) {
  auto writer = MarkWriter::create(writing);
  if (!writer || writer->sender() == nullptr) return writer;
  const std::string file =
      fmt::format("{}.{}-{}.counter", counters.empty() ? writing.key_file : counters,
                  static_cast<unsigned>(writer->sender()->key_id()), writing.sid);
  auto lease = CounterLease::open(file);
  if (!lease) return fail(lease.error());
  lease_.emplace(std::move(*lease));
  writing.first_counter = lease_->first();
  return MarkWriter::create(writing);
}

void LeasedMarks::cover() {
  const auto* sender = marks_->writer().sender();
  if (lease_ && sender != nullptr && !lease_->cover(sender->next_counter())) marks_->stop_sealing();
}

void LeasedMarks::finish(LiveMarks::Elapsed now) {
  marks_->finish(now);
  const auto* sender = marks_->writer().sender();
  if (lease_ && sender != nullptr) lease_->give_back(sender->next_counter());
}

bool LeasedMarks::wants_key() const {
  const auto* sender = marks_->writer().sender();
  return sender != nullptr && sender->next_counter() >= xrm::counters_per_key / 2;
}

}  // namespace lobo::app
