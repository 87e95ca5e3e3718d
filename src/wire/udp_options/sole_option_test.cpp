// What is read in one pass is what the walk over the options says.

#include "wire/udp_options/sole_option.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.hpp"
#include "wire/udp_options/kinds.hpp"
#include "wire/udp_options/surplus.hpp"

namespace lobo::udp_options {
namespace {

using Octets = std::vector<std::byte>;

Octets area_of(std::uint8_t kind, const Octets& value, bool odd, const Octets& behind = {}) {
  Octets area(odd ? 3 : 2);
  area.push_back(std::byte{kind});
  area.push_back(static_cast<std::byte>(value.size() + 2));
  area.insert(area.end(), value.begin(), value.end());
  area.insert(area.end(), behind.begin(), behind.end());
  put_be16_at(area, odd ? 1 : 0, option_checksum(area, odd));
  return area;
}

TEST(sole_option, fills_its_area_or_is_left_to_the_walk) {
  for (const std::uint8_t kind : {kind_exp, std::uint8_t{77}}) {
    for (const bool odd : {false, true}) {
      for (std::size_t bytes = 6; bytes <= 252; ++bytes) {
        const Octets value(bytes, std::byte{0x5A});
        const Octets area = area_of(kind, value, odd);
        EXPECT_TRUE(std::ranges::equal(sole_option(area, odd, kind), value)) << bytes;
        EXPECT_TRUE(sole_option(area, odd, static_cast<std::uint8_t>(kind - 1)).empty());
        EXPECT_TRUE(sole_option(area_of(kind, value, odd, {std::byte{}}), odd, kind).empty());
        Octets damaged = area;
        damaged[bytes % area.size()] ^= std::byte{0x10};
        EXPECT_TRUE(sole_option(damaged, odd, kind).empty()) << bytes;
      }
    }
  }
}

RC_GTEST_PROP(sole_option, agrees_with_the_walk, ()) {
  const bool odd = *rc::gen::arbitrary<bool>();
  const auto kind = *rc::gen::element(kind_exp, std::uint8_t{77});
  const auto small = [](std::size_t most) {
    return *rc::gen::resize(static_cast<int>(most), rc::gen::container<std::vector<std::uint8_t>>(
                                                        rc::gen::arbitrary<std::uint8_t>()));
  };
  const auto octets = [](const std::vector<std::uint8_t>& numbers) {
    Octets out;
    for (const std::uint8_t number : numbers) out.push_back(std::byte{number});
    return out;
  };
  Octets area = area_of(kind, octets(small(60)), odd,
                        *rc::gen::arbitrary<bool>() ? Octets{} : octets(small(8)));
  if (*rc::gen::inRange(0, 4) == 0)
    area[*rc::gen::inRange<std::size_t>(0, area.size())] ^= std::byte{1};
  if (*rc::gen::inRange(0, 8) == 0) put_be16_at(area, odd ? 1 : 0, 0);
  const Bytes value = sole_option(area, odd, kind);
  if (value.empty()) return;
  const Surplus walked = read_surplus(area, {.odd = odd, .udp_checksum = 1});
  RC_ASSERT(walked.accepted());
  RC_ASSERT(walked.count == 1);
  RC_ASSERT(walked.list[0].kind == kind);
  RC_ASSERT(std::ranges::equal(walked.value(walked.list[0]), value));
}

}  // namespace
}  // namespace lobo::udp_options
