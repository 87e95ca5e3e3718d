#include "adapters/log/file_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adapters/log/line.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::log {
namespace {

/// How often a warning came within its window. Keyed by its text's hash: a collision silences a
/// warning for some seconds, no more.
struct Repeats {
  Instant since;
  std::uint64_t count = 0;
  std::string name;  ///< of the event
};

Result<void> create_private(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail(Errc::unavailable, fmt::format("log {}: {}; the folder must exist and be writable",
                                               file, std::generic_category().message(errno)));
  ::close(fd);
  return {};
}

std::unique_ptr<spdlog::sinks::sink> make_sink(const std::string& file) {
  std::unique_ptr<spdlog::sinks::sink> sink;
  if (file.empty())
    sink = std::make_unique<spdlog::sinks::stderr_sink_st>();
  else
    sink =
        std::make_unique<spdlog::sinks::rotating_file_sink_st>(file, file_bytes_max, old_files_max);
  // Our lines are whole: spdlog brings the file, its rotation and nothing else.
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
      "%v", spdlog::pattern_time_type::utc, std::string()));
  return sink;
}

}  // namespace

struct FileLog::Parts {
  LogOptions options;
  runtime::Scheduler& scheduler;
  const Clock& clock;
  std::unique_ptr<spdlog::sinks::sink> sink;

  std::mutex mutex{};
  std::string buffer{};
  std::string line{};
  Stamp stamp{};
  std::unordered_map<std::uint64_t, Repeats> repeats{};
  runtime::Scheduler::TimerId timer = 0;

  void append(runtime::Level level, std::string_view name,
              std::initializer_list<runtime::Field> fields, Instant now) {
    stamp.write(buffer, now, options.format);
    write_line(buffer, options.format, options.domain, level, name, fields);
  }

  /// Whether a warning, as it stands in `line`, is to be written now.
  bool admits(std::string_view name, Instant now) {
    tell_repeats(now);
    if (repeats.size() >= repeats_known_max) repeats.clear();
    auto& seen = repeats[fnv1a(line)];
    if (seen.count++ == 0) {
      seen.since = now;
      seen.name = name;
    }
    return seen.count <= repeats_max;
  }

  /// Ends the windows that have passed; those that silenced something say how much.
  void tell_repeats(Instant now) {
    std::erase_if(repeats, [&](const auto& entry) {
      const auto& seen = entry.second;
      if (now - seen.since < repeats_window) return false;
      if (seen.count > repeats_max)
        append(runtime::Level::warn, "repeated",
               {{"event", std::string_view(seen.name)},
                {"times", static_cast<std::int64_t>(seen.count - repeats_max)}},
               now);
      return true;
    });
  }

  void write_out() {
    if (buffer.empty()) return;
    try {
      sink->log(spdlog::details::log_msg("", spdlog::level::info, buffer));
      sink->flush();
    } catch (const spdlog::spdlog_ex&) {  // NOLINT(bugprone-empty-catch): what follows is why
      // A full disk costs log lines, never the service.
    }
    buffer.clear();
  }
};

FileLog::FileLog(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Result<std::unique_ptr<FileLog>> FileLog::open(const LogOptions& options,
                                               runtime::Scheduler& scheduler, const Clock& clock) {
  if (!options.file.empty())
    if (auto created = create_private(options.file); !created) return fail(created.error());
  try {
    return std::unique_ptr<FileLog>(new FileLog(
        std::unique_ptr<Parts>(new Parts{options, scheduler, clock, make_sink(options.file)})));
  } catch (const spdlog::spdlog_ex& broken) {
    return fail(Errc::unavailable, fmt::format("log {}: {}", options.file, broken.what()));
  }
}

FileLog::~FileLog() {
  if (parts_->timer != 0) parts_->scheduler.cancel(parts_->timer);
  flush();
}

void FileLog::event(runtime::Level level, std::string_view name,
                    std::initializer_list<runtime::Field> fields) {
  auto& p = *parts_;
  const std::lock_guard lock(p.mutex);
  if (level < p.options.level) return;
  const Instant now = p.clock.now();
  if (level >= runtime::Level::warn) {
    p.line.clear();
    write_line(p.line, p.options.format, p.options.domain, level, name, fields);
    if (!p.admits(name, now)) return;
    p.stamp.write(p.buffer, now, p.options.format);
    p.buffer += p.line;
    p.write_out();
    return;
  }
  p.append(level, name, fields, now);
  if (p.buffer.size() >= buffer_bytes_max) {
    p.write_out();
  } else if (p.timer == 0) {
    p.timer = p.scheduler.after(buffer_time_max, [this] {
      {
        const std::lock_guard again(parts_->mutex);
        parts_->timer = 0;
      }
      flush();
    });
  }
}

void FileLog::flush() {
  const std::lock_guard lock(parts_->mutex);
  parts_->tell_repeats(parts_->clock.now());
  parts_->write_out();
}

void FileLog::set_level(runtime::Level level) {
  const std::lock_guard lock(parts_->mutex);
  parts_->options.level = level;
}

}  // namespace lobo::adapters::log
