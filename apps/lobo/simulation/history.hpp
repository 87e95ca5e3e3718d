#pragma once
// A history: every message of a virtual world in order, and its digest. The same seed at the same
// commit gives the same digest; two that differ are a bug in whatever is not a function of the
// seed.

#include <cstdint>
#include <ostream>
#include <string>

#include "sim/network.hpp"

namespace lobo::app::simulation {

class History {
 public:
  /// `lines` may be null: only the digest is kept.
  explicit History(std::ostream* lines) : lines_(lines) {}

  void message(const sim::Passed& passed);
  /// Something that is no message: a crash, a fault that begins or ends.
  void remark(Instant at, const std::string& text);

  std::uint64_t digest() const { return digest_; }
  std::uint64_t messages() const { return messages_; }

 private:
  void add(const std::string& line);
  std::ostream* lines_;
  std::uint64_t digest_ = 0xCBF29CE484222325ULL;
  std::uint64_t messages_ = 0;
};

}  // namespace lobo::app::simulation
