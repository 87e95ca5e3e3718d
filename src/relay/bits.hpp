#pragma once
// A set of small numbers that is joined word by word.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lobo::relay {

class Bits {
 public:
  static constexpr std::size_t per_word = 64;

  void grow(std::size_t count) {
    const std::size_t words = (count + per_word - 1) / per_word;
    if (words > words_.size()) words_.resize(words);
  }
  std::size_t words() const { return words_.size(); }
  std::uint64_t word(std::size_t at) const { return words_[at]; }
  std::uint64_t& word(std::size_t at) { return words_[at]; }

  bool has(std::size_t n) const { return (words_[n / per_word] >> n % per_word & 1U) != 0; }
  void add(std::size_t n) { words_[n / per_word] |= std::uint64_t{1} << n % per_word; }
  void remove(std::size_t n) { words_[n / per_word] &= ~(std::uint64_t{1} << n % per_word); }
  void clear() { words_.assign(words_.size(), 0); }
  bool any() const {
    for (const std::uint64_t word : words_)
      if (word != 0) return true;
    return false;
  }

  /// Calls with each number of a word; the call may change the word.
  template <class Each>
  static void each(std::uint64_t word, std::size_t at, const Each& call) {
    for (; word != 0; word &= word - 1)
      call(at * per_word + static_cast<std::size_t>(std::countr_zero(word)));
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace lobo::relay
