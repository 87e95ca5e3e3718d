#pragma once
// Where a capture, or lines of text, go: a file or standard output, by large writes.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/bytes.hpp"
#include "base/result.hpp"

namespace lobo::adapters {

class ByteSink {
 public:
  /// "-" is standard output. A file that `inputs` are read from is refused. What a file held before
  /// goes when the first bytes come, so that a run that has none to write leaves it alone; a file
  /// that is new goes again if the run ends without a byte and without close().
  static Result<ByteSink> open(const std::string& path, std::span<const FileIdentity> inputs = {});

  void write(Bytes bytes);
  void write(std::string_view text);
  /// Room for `size` bytes, at most room_max, which the caller fills and then commits.
  MutableBytes room(std::size_t size);
  void commit(std::size_t size) { used_ += size; }

  /// Writes what is buffered; a fault if anything since opening did not arrive.
  Result<void> flush();
  /// Flushes and closes.
  Result<void> close();
  bool failed() const { return error_ != 0; }
  /// Of the file that is written.
  FileIdentity identity() const { return identity_of(file_.get()); }

  static constexpr std::size_t room_max = std::size_t{32} << 20U;

 private:
  ByteSink(std::string path, UniqueFile file, NewFile made);
  void write_out(Bytes bytes);

  std::string path_;
  UniqueFile file_;
  NewFile made_;
  std::vector<std::byte> buffer_;
  std::size_t used_ = 0;
  int error_ = 0;
  bool begun_ = false;
};

}  // namespace lobo::adapters
