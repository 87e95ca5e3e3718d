#pragma once
// Every metric that the program has: the one list, from which docs/metrics.md is written and
// against which each use is checked.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lobo::adapters::metrics {

enum class Kind : std::uint8_t { counter, gauge, histogram };

constexpr std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::gauge: return "gauge";
    case Kind::histogram: return "histogram";
  }
  return {};
}

struct Entry {
  std::string_view name;
  Kind kind{};
  std::string_view labels;  ///< names, separated by a space; values are few and known beforehand
  std::string_view help;
};

/// In the order of their names.
std::span<const Entry> catalogue();
const Entry* find_entry(std::string_view name);

/// Upper bounds of the buckets of every histogram, in seconds: 50 µs to 10 s.
std::span<const double> bucket_seconds();

/// The catalogue as the table of docs/metrics.md.
std::string markdown_table();

}  // namespace lobo::adapters::metrics
