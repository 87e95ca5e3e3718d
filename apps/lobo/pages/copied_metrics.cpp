#include "pages/copied_metrics.hpp"

#include <cstdint>
#include <string_view>
#include <utility>

#include "runtime/ports.hpp"

namespace lobo::app {

void CopiedMetrics::counter(std::string_view name, const runtime::Labels& labels, Read read) {
  copied_.push_back({&metrics_.counter(name, labels), std::move(read)});
}

void CopiedMetrics::gauge(std::string_view name, const runtime::Labels& labels, Read read) {
  copied_.push_back({&metrics_.gauge(name, labels), std::move(read)});
}

void CopiedMetrics::copy() {
  for (Copied& one : copied_) {
    const std::uint64_t now = one.read();
    one.to->add(static_cast<double>(now) - static_cast<double>(one.last));
    one.last = now;
  }
}

}  // namespace lobo::app
