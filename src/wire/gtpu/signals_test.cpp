#include "wire/gtpu/signals.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <vector>

#include "base/bytes.hpp"
#include "model/address.hpp"
#include "wire/gtpu/packet.hpp"

namespace lobo::gtpu {
namespace {

std::vector<unsigned> octets_of(Bytes bytes) {
  std::vector<unsigned> octets;
  for (const std::byte octet : bytes) octets.push_back(std::to_integer<unsigned>(octet));
  return octets;
}

// Written by hand from TS 29.281 clauses 7.2.2, 7.3.1 and table 8.1-1.
TEST(gtpu_signals, an_echo_response_repeats_the_number_and_says_no_restart) {
  std::array<std::byte, signal_bytes_max> room{};
  ByteWriter out(room);
  write_echo_response(out, 77);
  EXPECT_EQ(octets_of(out.written()),
            (std::vector<unsigned>{0x32, 2, 0, 6, 0, 0, 0, 0, 0, 77, 0, 0, 14, 0}));
  EXPECT_TRUE(parse_gtpu(out.written()).ok());
}

TEST(gtpu_signals, an_error_indication_names_the_tunnel_and_who_says_so) {
  std::array<std::byte, signal_bytes_max> room{};
  ByteWriter out(room);
  write_error_indication(out, 0x01020304, model::Ipv4Address{{10, 100, 3, 2}});
  EXPECT_EQ(octets_of(out.written()),
            (std::vector<unsigned>{0x32, 26, 0, 16, 0, 0,   0, 0, 0,  0,   0, 0,
                                   16,   1,  2, 3,  4, 133, 0, 4, 10, 100, 3, 2}));
  std::array<std::byte, signal_bytes_max> wide{};
  ByteWriter six(wide);
  write_error_indication(six, 1, model::Ipv6Address{});
  EXPECT_TRUE(six.ok());
  EXPECT_EQ(parse_gtpu(six.written()).message.size(), 12U + 5 + 3 + 16);
}

TEST(gtpu_signals, a_notification_lists_the_extension_headers_that_we_understand) {
  std::array<std::byte, signal_bytes_max> room{};
  ByteWriter out(room);
  write_supported_extensions(out);
  EXPECT_EQ(octets_of(out.written()),
            (std::vector<unsigned>{0x32, 31, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 141, 3, 0x85, 4, 0x86}));
  EXPECT_TRUE(parse_gtpu(out.written()).ok());
}

}  // namespace
}  // namespace lobo::gtpu
