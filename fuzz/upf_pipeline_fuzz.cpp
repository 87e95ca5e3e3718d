// Frames on both sides of a UPF with rules present: whatever comes, each packet is accounted for
// and what leaves can be read.
//
// Input: frames one after the other, each with two octets in front: which side and how it is
// treated (bit 0: N3; bit 1: the frame's headers are made for it, so that the rest is reached; bit
// 2: after all of them one gNB more is known; bit 3: until the end of them a UE sleeps), and its
// length.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/require.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/stages/neighbours.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "wire/gtpu/packet.hpp"
#include "wire/packet/parse.hpp"
#include "wire/pfcp/rules.hpp"

namespace lobo::dataplane {
namespace {

using test::Octets;

constexpr std::size_t frames_max = 256;
constexpr auto waiting_ue = "10.45.0.4";
constexpr auto late_gnb = "192.168.3.77";

/// Three UEs that are served, and one whose gNB is not always known and that sleeps at times.
std::vector<Session> sessions(bool asleep) {
  auto video = test::marked_session(test::rtp_description());
  video.qers.at({1}).maximum_bit_rate = test::kbps(5000, 5000);
  video.urrs[{7}] = {.id = {7}};
  require(video.pdrs.at({1}).urrs.add({7}) && video.pdrs.at({2}).urrs.add({7}));
  Session options = test::session(2, "10.45.0.3", 0x11);
  options.pdrs.at({1}).protocol = test::option_description();
  options.qers.at({1}).indications = pfcp::QerIndications{pfcp::QerIndication::pdusm};
  Session waiting = test::session(4, waiting_ue, 0x13);
  waiting.fars.at({1}).outer_header->v4 = test::ipv4(late_gnb);
  if (asleep) waiting.fars.at({1}).action = {pfcp::Action::buff, pfcp::Action::nocp};
  return {video, options, test::session(3, "2001:db8:45::", 0x12), waiting};
}

test::Upf& upf() {
  static test::Upf* const made = new test::Upf();
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
  static constexpr std::array<std::string_view, 3> ues{test::ue, "10.45.0.3", waiting_ue};
  return test::down_frame(input, 5004, ues[input.size() % ues.size()]);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(std::as_bytes(std::span(data, size)));
  std::vector<Octets> n3;
  std::vector<Octets> n6;
  bool gnb_answers = false;
  bool sleeps = false;
  for (std::size_t i = 0; i < frames_max && in.left() > 2; ++i) {
    const unsigned how = in.u8();
    const std::size_t length = in.u8();
    const Bytes body = in.bytes(std::min(length, in.left()));
    const bool on_n3 = (how & 1U) != 0;
    gnb_answers = (how & 4U) != 0;
    sleeps = sleeps || (how & 8U) != 0;
    Octets frame = (how & 2U) != 0 ? wrapped(body, on_n3) : Octets(body.begin(), body.end());
    (on_n3 ? n3 : n6).push_back(std::move(frame));
  }
  test::Upf& under_test = upf();
  static bool asleep = true;
  if (under_test.rules->sessions() == 0 || asleep != sleeps) {
    under_test.serve(sessions(sleeps));
    asleep = sleeps;
  }
  check(under_test.resume());
  check(under_test.downlink(n6));
  check(under_test.uplink(n3));
  auto n3_side = test::n3_side();
  if (gnb_answers) n3_side.known.push_back({test::ip(late_gnb), test::gnb_mac});
  under_test.neighbours = std::make_unique<Neighbours>(n3_side, test::n6_side());
  check(under_test.release());
  under_test.now += std::chrono::milliseconds{5};
  require(test::adds_up(under_test.pipeline->counters()));
  while (under_test.events.pop()) {}
  while (under_test.pipeline->wanted().pop()) {}
  return 0;
}

}  // namespace lobo::dataplane
