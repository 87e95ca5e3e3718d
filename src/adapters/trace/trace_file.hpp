#pragma once
// runtime::Trace into a folder: one file a process, one JSON object a line. Each process records
// what it saw; trace_view joins the halves.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::trace {

/// A full file becomes the old one, in place of the one before: a process never keeps more than
/// two.
inline constexpr std::uint64_t trace_file_bytes_max = std::uint64_t{16} << 20U;
inline constexpr std::size_t trace_body_bytes_max = 4096;  ///< more of a body is cut

struct TraceOptions {
  std::string folder;  ///< made where it is missing
  std::string party;   ///< who we are: "lobo", "nef"
  std::string run;     ///< the same for all processes of one run; empty: those alive together
};

class TraceFile final : public runtime::Trace {
 public:
  static Result<std::unique_ptr<TraceFile>> open(const TraceOptions& options);
  ~TraceFile() override;
  /// Each message reaches the kernel at once: what was seen before a kill -9 is what one looks for.
  void message(const runtime::TraceMessage& message) override;

 private:
  TraceFile(TraceOptions options, std::string path)
      : options_(std::move(options)), path_(std::move(path)) {}
  bool reopen();
  void rotate();

  TraceOptions options_;
  std::string path_;
  std::string line_;
  int fd_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace lobo::adapters::trace
