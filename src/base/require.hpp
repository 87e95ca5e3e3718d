#pragma once
// A broken promise inside stops the process, in release builds too. Never for what a peer can
// cause.

#include <source_location>

namespace lobo {

[[noreturn]] void contract_failed(std::source_location at) noexcept;

constexpr void require(bool held, std::source_location at = std::source_location::current()) {
  if (!held) contract_failed(at);
}

}  // namespace lobo
