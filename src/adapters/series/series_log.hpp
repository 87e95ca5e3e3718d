#pragma once
// Measured values of the past on disk: records of one size in segment files, appended, never
// changed, the oldest segment deleted when there are too many octets or it is too old.
//
// A record is found again through a table in memory: 8 octets each, made when the files are read
// at the start. Nothing is synced: what was appended survives the process, and what a loss of power
// tears off is recognised by its checksum and cut. Failures of the disk are results, and leave the
// log as it was; the next call tries again.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::series {

inline constexpr std::size_t record_octets = 96;
inline constexpr std::uint32_t segment_records_max = 1U << 20U;

struct SeriesLogSettings {
  std::filesystem::path folder;
  std::uint64_t octets_max = 64ULL << 20U;  ///< of all segments; at least two segments
  std::chrono::seconds age_max = std::chrono::hours{24};
  std::uint32_t segment_records = 8192;
};

/// What the writer means by kind and values is its own affair.
struct SeriesRecord {
  std::uint8_t kind = 0;
  std::uint32_t samples = 0;
  Instant from{};
  Instant to{};
  std::array<double, 4> values{};
  std::int64_t covered = 0;
  bool operator==(const SeriesRecord&) const = default;
};

struct SeriesLogCounters {
  std::uint64_t appended = 0;
  std::uint64_t failed = 0;  ///< appends and deletions that the disk refused
  std::uint64_t segments_deleted = 0;
  std::uint64_t damaged = 0;     ///< records whose checksum does not hold, passed over
  std::uint64_t octets_cut = 0;  ///< torn off the end of the newest segment at the start
};

class SeriesLog {
 public:
  /// Makes the folder where there is none, and reads what is in it.
  static Result<std::unique_ptr<SeriesLog>> open(const SeriesLogSettings& settings, Instant now);
  ~SeriesLog();
  SeriesLog(const SeriesLog&) = delete;
  SeriesLog& operator=(const SeriesLog&) = delete;

  Result<void> append(std::string_view key, const SeriesRecord& record, Instant now);

  /// Records of `key` whose kind is in the mask `kinds` and that overlap [from, to), in the order
  /// of appending. Errc::too_large beyond records_max. Cost: one table each segment, one read each
  /// record.
  Result<std::vector<SeriesRecord>> read(std::string_view key, std::uint32_t kinds, Instant from,
                                         Instant to, std::size_t records_max) const;

  std::uint64_t octets() const;
  std::size_t segments() const { return segments_.size(); }
  const SeriesLogCounters& counters() const { return counters_; }

 private:
  struct Segment;
  explicit SeriesLog(const SeriesLogSettings& settings);

  std::filesystem::path path_of(std::uint64_t number) const;
  Result<void> load(std::uint64_t number, bool newest);
  Result<void> begin_segment();
  Result<void> delete_old(Instant now);

  SeriesLogSettings settings_;
  std::deque<std::unique_ptr<Segment>> segments_;  ///< oldest first; the last is appended to
  std::uint64_t next_number_ = 1;
  SeriesLogCounters counters_;
};

}  // namespace lobo::adapters::series
