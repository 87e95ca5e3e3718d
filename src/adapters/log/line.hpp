#pragma once
// One event as one line of text: pure, so that what a peer sends cannot hide in a log is a unit
// test.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::log {

enum class Format : std::uint8_t { text, json };

/// A longer value is cut, and ends in "…".
inline constexpr std::size_t value_bytes_max = 1024;

/// "11/22 00:26:09.123", UTC. Keeps the text of the second it wrote last: events come in bursts.
class Stamp {
 public:
  void write(std::string& out, Instant at, Format format);

 private:
  std::chrono::sys_seconds second_{};
  Format format_{};
  std::string text_;
};

/// `[nrm] INFO: resource_created id=7 reason="no answer"` or `"level":"info","domain":"nrm",…}`:
/// what follows the time. Control bytes, quotes and what is not UTF-8 are escaped; ends in '\n'.
void write_line(std::string& out, Format format, std::string_view domain, runtime::Level level,
                std::string_view name, std::initializer_list<runtime::Field> fields);

}  // namespace lobo::adapters::log
