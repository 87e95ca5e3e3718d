#pragma once
// runtime::Log into a file or standard error. Lines are gathered and written together: when enough
// of them wait, a moment after the first, and at once from a warning on.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "adapters/log/line.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::log {

inline constexpr std::size_t buffer_bytes_max = 64 * 1024;
inline constexpr std::chrono::milliseconds buffer_time_max{200};
inline constexpr std::size_t file_bytes_max = std::size_t{64} << 20U;
inline constexpr std::size_t old_files_max = 3;

/// The same warning or error is written this often within the window; then it is only counted, and
/// the count is told when the window has passed.
inline constexpr std::uint64_t repeats_max = 5;
inline constexpr std::chrono::seconds repeats_window{10};
inline constexpr std::size_t repeats_known_max = 256;

struct LogOptions {
  std::string file{};  ///< empty: standard error
  Format format = Format::text;
  runtime::Level level = runtime::Level::info;  ///< what is below it is not written
  std::string domain = "lobo";
};

class FileLog final : public runtime::Log {
 public:
  /// `scheduler` and `clock` must outlive the log. The file is appended to, with mode 0600.
  static Result<std::unique_ptr<FileLog>> open(const LogOptions& options,
                                               runtime::Scheduler& scheduler, const Clock& clock);
  ~FileLog() override;

  /// May be called by any thread, but the first line after a flush must come from the loop's.
  void event(runtime::Level level, std::string_view name,
             std::initializer_list<runtime::Field> fields) override;
  void flush();
  /// On a change of the configuration.
  void set_level(runtime::Level level);

 private:
  struct Parts;
  explicit FileLog(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace lobo::adapters::log
