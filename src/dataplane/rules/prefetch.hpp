#pragma once
// A hint to the processor that a cache line will be asked for soon. A line from memory costs some
// 100 ns; a batch asks for all of its lines before it waits for one.

#include <cstddef>

namespace lobo::dataplane {

inline constexpr std::size_t cache_line_bytes = 64;

inline void prefetch(const void* at) noexcept { __builtin_prefetch(at); }

/// The lines that hold `bytes` from `at` on.
inline void prefetch(const void* at, std::size_t bytes) noexcept {
  const auto* line = static_cast<const std::byte*>(at);
  for (std::size_t i = 0; i < bytes; i += cache_line_bytes) __builtin_prefetch(line + i);
}

/// The same by loads that nothing waits for, for what no other thread writes. In a loop of its own:
/// a processor has dozens of loads under way, and does not drop them, as the one that was measured
/// drops prefetches of lines whose page its TLB does not know.
inline void fetch(const void* at, std::size_t bytes = 1) noexcept {
  const auto* line = static_cast<const volatile std::byte*>(at);
  for (std::size_t i = 0; i < bytes; i += cache_line_bytes) (void)line[i];
}

}  // namespace lobo::dataplane
