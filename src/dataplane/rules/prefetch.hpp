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

}  // namespace lobo::dataplane
