#pragma once
// Which counters of a key and SID have not been used: kept in a file, because a nonce that is used
// twice gives the key away, and a process that starts again does not remember. Counters are
// reserved ahead of their use; a crash loses those of one block, a clean end none.

#include <cstdint>
#include <string>
#include <utility>

#include "adapters/capture/file.hpp"
#include "base/result.hpp"

namespace lobo::app {

/// 2^31 counters of a key are 512 of these; at 100,000 packets a second the file is written every
/// 20 seconds.
inline constexpr std::uint32_t lease_block = std::uint32_t{1} << 22U;

class CounterLease {
 public:
  /// Makes the file where there is none. conflict: another process has it.
  static Result<CounterLease> open(const std::string& path);

  /// Counters from here on are free.
  std::uint32_t first() const { return first_; }
  /// Reserves more before `next` comes near the end of what is reserved. False where that could not
  /// be written: then no counter may be used any more.
  [[nodiscard]] bool cover(std::uint32_t next);
  /// The end: what was not used is free again.
  void give_back(std::uint32_t next);

 private:
  explicit CounterLease(adapters::UniqueFile file) : file_(std::move(file)) {}
  bool write(std::uint32_t end);

  adapters::UniqueFile file_;
  std::uint32_t first_ = 0;
  std::uint32_t end_ = 0;  ///< of what is reserved
};

}  // namespace lobo::app
