#pragma once
// A capture file or a pipe, item by item in constant memory. Large reads instead of a mapping: a
// file that shrinks while it is read is then cut, not a signal.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"
#include "wire/capture/capture.hpp"
#include "wire/capture/reader.hpp"

namespace lobo::adapters {

class CaptureSource {
 public:
  enum class End : std::uint8_t {
    none,        ///< it has not ended yet
    whole,       ///< where an item would begin
    cut,         ///< in the middle of an item
    broken,      ///< what follows cannot be read
    unreadable,  ///< the operating system said no
  };

  /// "-" is standard input.
  static Result<CaptureSource> open(const std::string& path);

  /// The next item, whose bytes are good until the next call; nullptr at the end.
  const capture::Item* next();

  End end() const { return end_; }
  /// A sentence for people unless the end is `whole`: what is wrong, and at which byte.
  std::string what_is_wrong() const;
  std::uint64_t bytes_taken() const { return offset_; }
  std::uint64_t bytes_total() const { return total_; }  ///< 0: nobody knows
  std::uint64_t packets() const { return packets_; }
  std::uint64_t damaged() const { return damaged_; }
  const FileIdentity& identity() const { return identity_; }

 private:
  CaptureSource(std::string path, UniqueFile file);

  bool fill(std::size_t wanted);

  std::string path_;
  UniqueFile file_;
  FileIdentity identity_;
  capture::Reader reader_;
  capture::Item item_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  ///< buffer_[begin_, filled_) was read and not yet taken
  std::size_t filled_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t packets_ = 0;
  std::uint64_t damaged_ = 0;
  int error_ = 0;
  bool file_ended_ = false;
  End end_ = End::none;
  capture::Broken broken_{};
};

}  // namespace lobo::adapters
