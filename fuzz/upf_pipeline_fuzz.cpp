// Frames on both sides of a UPF with rules present: whatever comes, each packet is accounted for
// and what leaves can be read.
//
// Input: frames one after the other, each with two octets in front: which side and how it is
// treated (bit 0: N3; bit 1: the frame's headers are made for it, so that the rest is reached), and
// its length.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;

constexpr std::size_t frames_max = 256;

test::Upf& upf() {
  static test::Upf* const made = [] {
    auto* const upf = new test::Upf();
    auto video = test::marked_session(test::rtp_description());
    video.qers.at({1}).maximum_bit_rate = test::kbps(5000, 5000);
    video.urrs[{7}] = {.id = {7}};
    require(video.pdrs.at({1}).urrs.add({7}) && video.pdrs.at({2}).urrs.add({7}));
    Session options = test::session(2, "10.45.0.3", 0x11);
    options.pdrs.at({1}).protocol = test::option_description();
    options.qers.at({1}).indications = pfcp::QerIndications{pfcp::QerIndication::pdusm};
    upf->serve({video, options, test::session(3, "2001:db8:45::", 0x12)});
    return upf;
  }();
  return *made;
}

void check(const test::Sent& sent) {
  for (const Octets& frame : sent.n3) {
    const auto view = packet::parse_ethernet(frame);
    require(view.whole_udp() && view.ip_end == frame.size());
    require(gtpu::parse_gtpu(view.user_data()).ok());
  }
  for (const Octets& frame : sent.n6) require(packet::parse_ethernet(frame).has_ip());
}

/// What the fuzzer would have to guess: our addresses, lengths and checksums.
Octets wrapped(Bytes input, bool n3) {
  if (n3) return test::n3_frame(input);
  return test::down_frame(input, 5004, input.size() % 2 == 0 ? test::ue : "10.45.0.3");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  std::vector<Octets> n3;
  std::vector<Octets> n6;
  for (std::size_t i = 0; i < frames_max && in.left() > 2; ++i) {
    const unsigned how = in.u8();
    const std::size_t length = in.u8();
    const Bytes body = in.bytes(std::min(length, in.left()));
    const bool on_n3 = (how & 1U) != 0;
    Octets frame = (how & 2U) != 0 ? wrapped(body, on_n3) : Octets(body.begin(), body.end());
    (on_n3 ? n3 : n6).push_back(std::move(frame));
  }
  test::Upf& under_test = upf();
  check(under_test.downlink(n6));
  check(under_test.uplink(n3));
  under_test.now += std::chrono::milliseconds{5};
  require(test::adds_up(under_test.pipeline->counters()));
  while (under_test.events.pop()) {}
  while (under_test.pipeline->wanted().pop()) {}
  return 0;
}

}  // namespace lobo::dataplane
