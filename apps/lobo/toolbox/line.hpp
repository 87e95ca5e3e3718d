#pragma once
// One line of output, written into memory that is already there. A capture has millions of lines:
// nothing here allocates, and numbers are written by std::to_chars.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/bytes.hpp"

namespace lobo::app {

inline constexpr std::size_t line_bytes_max = 2048;

/// The caller's `out` has room for line_bytes_max; what would be longer is cut.
class Line {
 public:
  explicit Line(MutableBytes out) : out_(out) {}

  void text(std::string_view text) {
    const std::size_t count = std::min(text.size(), out_.size() - at_);
    std::memcpy(out_.data() + at_, text.data(), count);
    at_ += count;
  }
  void number(std::uint64_t value) {
    char digits[20];
    const auto done = std::to_chars(digits, digits + sizeof digits, value);
    text({digits, static_cast<std::size_t>(done.ptr - digits)});
  }
  /// Seconds with nine digits behind the point.
  void time(std::chrono::nanoseconds since_1970) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::int64_t count = since_1970.count();
    const std::uint64_t size = count < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(count)
                                         : static_cast<std::uint64_t>(count);
    if (count < 0) text("-");
    number(size / second);
    char digits[10] = {'.'};
    std::uint64_t rest = size % second;
    for (std::size_t i = 9; i > 0; --i, rest /= 10) digits[i] = static_cast<char>('0' + rest % 10);
    text({digits, sizeof digits});
  }
  /// Spaces up to a column counted from `from`, at least one.
  void pad_to(std::size_t from, std::size_t width) {
    const std::size_t wanted = std::max(from + width, at_ + 1);
    const std::size_t end = std::min(wanted, out_.size());
    std::memset(out_.data() + at_, ' ', end - at_);
    at_ = end;
  }
  std::size_t size() const { return at_; }

 private:
  MutableBytes out_;
  std::size_t at_ = 0;
};

}  // namespace lobo::app
