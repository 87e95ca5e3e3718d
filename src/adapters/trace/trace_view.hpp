#pragma once
// What `lobo trace last` shows: the files of all processes of the newest run, joined into one
// history.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::trace {

inline constexpr std::size_t trace_files_max = 256;
inline constexpr std::size_t trace_messages_max = 200'000;  ///< the newest run's; more is an error

/// One message. Where both ends recorded it, the two records are one.
struct SeenMessage {
  Instant at;  ///< of the earlier record
  std::string from, to;
  std::string span, trace, text, clause, body;
  bool request = true;
  std::vector<std::string> seen_by;
  std::optional<std::chrono::microseconds> took;  ///< of a response: since its request
  bool operator==(const SeenMessage&) const = default;
};

struct Run {
  std::string id;
  std::vector<SeenMessage> messages;   ///< in order of time
  std::uint64_t lines_unreadable = 0;  ///< such as the last one of a process that was killed
};

/// The run that began last among all in the folder.
Result<Run> read_last_run(const std::string& folder);

/// A sequenceDiagram with the clause of each step.
std::string to_mermaid(const Run& run);
std::string to_json(const Run& run);

}  // namespace lobo::adapters::trace
