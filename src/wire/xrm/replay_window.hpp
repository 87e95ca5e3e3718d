#pragma once
// Which counters of one sender were taken. A ring of words: the word that holds a counter is known
// from the counter alone, so that moving on clears words and shifts nothing (the scheme of RFC
// 6479).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace lobo::xrm {

class ReplayWindow {
 public:
  static constexpr std::uint32_t words = 32;
  static constexpr std::uint32_t bits_per_word = 64;
  /// Counters this far behind the newest are still told apart. The newest word may be new but for
  /// one bit, which is why one word does not count.
  static constexpr std::uint32_t size = (words - 1) * bits_per_word;
  static_assert(size >= 1024);

  enum class Verdict : std::uint8_t { fresh, replayed, too_old };

  constexpr Verdict check(std::uint32_t counter) const {
    if (counter >= next_) return Verdict::fresh;
    if (next_ - counter > size) return Verdict::too_old;
    return (word(counter) & bit(counter)) == 0 ? Verdict::fresh : Verdict::replayed;
  }

  /// Takes a counter that check() calls fresh. Only after its tag was verified: a forged counter
  /// would push the window past the true ones.
  constexpr void take(std::uint32_t counter) {
    if (counter >= next_) {
      const std::uint64_t newest = next_ == 0 ? 0 : (next_ - 1) / bits_per_word;
      const std::uint64_t steps = std::min<std::uint64_t>(counter / bits_per_word - newest, words);
      for (std::uint64_t i = 1; i <= steps; ++i) taken_[(newest + i) % words] = 0;
      next_ = std::uint64_t{counter} + 1;
    }
    taken_[counter / bits_per_word % words] |= bit(counter);
  }

 private:
  constexpr std::uint64_t word(std::uint32_t counter) const {
    return taken_[counter / bits_per_word % words];
  }
  static constexpr std::uint64_t bit(std::uint32_t counter) {
    return std::uint64_t{1} << (counter % bits_per_word);
  }

  std::uint64_t next_ = 0;  ///< the newest counter and one; 0: none was taken
  std::array<std::uint64_t, words> taken_{};
};

}  // namespace lobo::xrm
