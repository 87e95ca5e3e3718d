#include "base/require.hpp"

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace lobo {

void contract_failed(std::source_location at) noexcept {
  std::fprintf(stderr, "lobo: broken promise at %s:%u in %s\n", at.file_name(),
               static_cast<unsigned>(at.line()), at.function_name());
  std::abort();
}

}  // namespace lobo
