#pragma once
// Whether what a QoS flow was promised is held, judged over a window that moves on in slices. What
// is not held for a while is told, and so is that it is held again: with patience both ways, so
// that nobody is told of each second.

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "dataplane/elapsed.hpp"

namespace lobo::dataplane {

struct GuaranteeConfig {
  Elapsed window = std::chrono::seconds{1};
  Elapsed not_held_after = std::chrono::seconds{2};  ///< no less than the window
  Elapsed held_after = std::chrono::seconds{5};
};

/// What is promised; a member that is absent is not.
struct Promise {
  BitsPerSecond guaranteed;                    ///< GFBR; 0: none
  std::optional<Elapsed> set_delay_budget;     ///< PSDB
  std::optional<double> set_error_rate;        ///< PSER
  std::optional<Elapsed> packet_delay_budget;  ///< PDB, where sets are not promised anything
  std::optional<double> packet_error_rate;     ///< PER, likewise
  bool operator==(const Promise&) const = default;

  bool any() const {
    return guaranteed.count > 0 || set_delay_budget || set_error_rate || packet_delay_budget ||
           packet_error_rate;
  }
};

enum class Breach : std::uint8_t { gfbr, psdb, pser, pdb, per };
inline constexpr std::array breaches{Breach::gfbr, Breach::psdb, Breach::pser, Breach::pdb,
                                     Breach::per};
constexpr std::string_view to_string(Breach breach) {
  switch (breach) {
    case Breach::gfbr: return "gfbr";
    case Breach::psdb: return "psdb";
    case Breach::pser: return "pser";
    case Breach::pdb: return "pdb";
    case Breach::per: return "per";
  }
  std::abort();
}
using Breaches = std::uint8_t;  ///< a bit for each
constexpr Breaches bit_of(Breach breach) {
  return static_cast<Breaches>(1U << static_cast<unsigned>(breach));
}

/// What happened in a window.
struct WindowFigures {
  std::uint64_t octets_offered = 0;
  std::uint64_t octets_delivered = 0;
  std::uint64_t sets = 0;  ///< that came whole and are judged
  std::uint64_t sets_failed = 0;
  std::uint64_t sets_late = 0;
  std::uint64_t packets = 0;  ///< settled
  std::uint64_t packets_failed = 0;
  std::uint64_t packets_late = 0;
  Elapsed delay_max{};

  void add(const WindowFigures& other);
};

Breaches breaches_of(const Promise& promise, const WindowFigures& window, Elapsed length);

/// What the gNB has to tell.
struct GuaranteeNews {
  bool held = false;
  Breaches breaches = 0;  ///< of the window in which that was decided
  WindowFigures window;
};

class GuaranteeWatch {
 public:
  static constexpr std::size_t slices = 10;

  explicit GuaranteeWatch(const GuaranteeConfig& config) : config_(config) {}

  void promise(const Promise& promise) { promise_ = promise; }
  const Promise& promise() const { return promise_; }

  void offered(std::uint32_t octets) { slice().octets_offered += octets; }
  void settled(std::uint32_t octets, bool delivered, Elapsed delay);
  void judged(bool whole, bool late);

  /// Moves the window on; where something is to be told, that.
  std::optional<GuaranteeNews> advance(Elapsed now);
  Elapsed next_at() const { return slice_ends_; }

  bool held() const { return held_; }
  Breaches breaches() const { return breaches_; }

 private:
  WindowFigures& slice() { return ring_[current_]; }
  std::optional<GuaranteeNews> decide(Elapsed now);

  GuaranteeConfig config_;
  Promise promise_;
  std::array<WindowFigures, slices> ring_{};
  std::size_t current_ = 0;
  Elapsed slice_ends_{};
  bool held_ = true;
  Breaches breaches_ = 0;
  Elapsed since_{};  ///< since when the window says other than `held_`
  bool otherwise_ = false;
};

}  // namespace lobo::dataplane
