#pragma once
// The octets of an input as a row of choices; where they are over, each choice is the first one.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace lobo::fuzz {

inline constexpr std::size_t text_bytes_max = 512;

class Octets {
 public:
  Octets(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  unsigned next() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  unsigned below(unsigned bound) { return next() % bound; }
  std::string text() {
    const std::size_t length = std::min<std::size_t>({next() * 2U, left_, text_bytes_max});
    std::string out(data_, data_ + length);
    data_ += length;
    left_ -= length;
    return out;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

}  // namespace lobo::fuzz
