#pragma once
// Another program, run to its end: ffmpeg. It gets files that have no name and so leave nothing
// behind, whatever ends us.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::app {

/// A file without a name, for one program to write and another to read.
class ScratchFile {
 public:
  static Result<ScratchFile> create();
  int fd() const { return file_.get(); }
  /// Appends; false when the disk is full.
  bool append(Bytes bytes) const;
  /// Back to the front, for whoever reads next.
  void rewind() const;
  /// Reads up to out.size() bytes from where it stands; how many were there.
  std::size_t read(MutableBytes out) const;

 private:
  explicit ScratchFile(adapters::UniqueFile file) : file_(std::move(file)) {}
  adapters::UniqueFile file_;
};

struct ProgramCall {
  std::vector<std::string> words;  ///< the program first, found on the PATH
  std::vector<int> files = {};     ///< become its descriptors 3, 4, …
  /// Each line of its standard output.
  std::function<void(std::string_view)> on_line = {};
  bool may_fail = false;  ///< its exit code says nothing; what it printed does
};

/// Waits for its end. A fault if it is not there (with what to install) or if it did not succeed
/// (with what it said last).
Result<void> run_program(const ProgramCall& call);

}  // namespace lobo::app
