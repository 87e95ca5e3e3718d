#pragma once
// One process per store: an advisory lock beside the file, which the kernel drops when its holder
// dies in whatever way. SQLite's own locks would let a second writer in between two transactions.

#include <string>

#include "base/result.hpp"

namespace lobo::adapters::store {

class LockFile {
 public:
  /// Locks `path`, creating it; refused with the holder's process id where somebody has it.
  static Result<LockFile> take(const std::string& path);

  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace lobo::adapters::store
