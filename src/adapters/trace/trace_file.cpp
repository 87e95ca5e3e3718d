#include "adapters/trace/trace_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "wire/json/json.hpp"

namespace lobo::adapters::trace {
namespace {

/// Of one process and no other: its number alone comes again, in a container with each start.
std::string file_name(std::string party) {
  std::ranges::replace_if(
      party,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '_');
      },
      '_');
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return fmt::format("{}-{}-{}.ndjson", party, ::getpid(),
                     std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

}  // namespace

Result<std::unique_ptr<TraceFile>> TraceFile::open(const TraceOptions& options) {
  std::error_code fault;
  std::filesystem::create_directories(options.folder, fault);
  const auto path = (std::filesystem::path(options.folder) / file_name(options.party)).string();
  std::unique_ptr<TraceFile> file(new TraceFile(options, path));
  if (fault || !file->reopen())
    return fail(Errc::unavailable,
                fmt::format("trace {}: {}; the folder must be writable", path,
                            fault ? fault.message() : std::generic_category().message(errno)));
  return file;
}

TraceFile::~TraceFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool TraceFile::reopen() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat info{};
  bytes_ = fd_ >= 0 && ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
  return fd_ >= 0;
}

void TraceFile::rotate() {
  std::error_code ignored;  // where renaming fails, the file is begun anew: the bound holds
  const std::string old =
      path_.substr(0, path_.size() - std::string_view(".ndjson").size()) + ".old.ndjson";
  std::filesystem::rename(path_, old, ignored);
  if (ignored) std::filesystem::resize_file(path_, 0, ignored);
  reopen();
}

void TraceFile::message(const runtime::TraceMessage& m) {
  const std::string_view body = std::string_view(m.body).substr(0, trace_body_bytes_max);
  line_.clear();
  fmt::format_to(
      std::back_inserter(line_),
      R"({{"v":1,"run":{},"seen_by":{},"at_us":{},"from":{},"to":{},"span":{},"trace":{},)"
      R"("text":{},"clause":{},"request":{},"body":{}}})",
      json::quoted(options_.run), json::quoted(options_.party), m.at.time_since_epoch().count(),
      json::quoted(m.from), json::quoted(m.to), json::quoted(m.span), json::quoted(m.trace),
      json::quoted(m.text), json::quoted(m.clause), m.request, json::quoted(body));
  line_ += '\n';
  if (bytes_ + line_.size() > trace_file_bytes_max) rotate();
  // A trace that cannot be written costs the trace, not the service.
  if (fd_ >= 0 && ::write(fd_, line_.data(), line_.size()) > 0) bytes_ += line_.size();
}

}  // namespace lobo::adapters::trace
