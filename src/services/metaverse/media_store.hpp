#pragma once
// Where the octets of media are. Files have names that are used once; a file counts only once its
// asset says so.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace lobo::metaverse {

struct MediaStore {
  MediaStore() = default;
  MediaStore(const MediaStore&) = delete;
  MediaStore& operator=(const MediaStore&) = delete;
  virtual ~MediaStore() = default;

  using Done = std::function<void(Result<void>)>;
  /// Writes `octets` at `offset`; with `last` the file is made durable, as a whole. `done` is
  /// called once, on the loop, later. too_many where there is no room.
  virtual void write(std::string file, std::uint64_t offset, std::string octets, bool last,
                     Done done) = 0;
  /// At most as much as one answer may have; the file was completed before.
  virtual Result<std::string> read(std::string_view file, std::uint64_t offset,
                                   std::uint64_t bytes) const = 0;
  virtual void erase(std::string_view file) = 0;
  /// At the start: all others are left over from an upload that no asset knows.
  virtual Result<void> keep_only(const std::vector<std::string>& files) = 0;
};

}  // namespace lobo::metaverse
