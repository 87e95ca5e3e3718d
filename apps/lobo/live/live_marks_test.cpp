#include "live/live_marks.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "base/bytes.hpp"
#include "dataplane/elapsed.hpp"
#include "dataplane/importance.hpp"
#include "dataplane/marker.hpp"
#include "model/address.hpp"
#include "model/pdu_set.hpp"
#include "toolbox/mark_writer.hpp"
#include "wire/packet/build.hpp"
#include "wire/packet/flow.hpp"
#include "wire/packet/parse.hpp"
#include "wire/rtp/packet.hpp"
#include "wire/rtp/pdu_set_marking.hpp"
#include "wire/udp_options/surplus.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;
using dataplane::LookAhead;
using Treatment = dataplane::PayloadRule::Treatment;

constexpr std::uint8_t video_type = 96;
constexpr std::uint8_t audio_type = 111;
constexpr std::uint8_t other_type = 0;
constexpr std::size_t rtp_header_bytes = 12;

struct Rtp {
  std::uint8_t type = video_type;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t ssrc = 1;
  bool marker = false;
  std::size_t payload = 100;
};

/// An Ethernet frame with an H.264 IDR slice, or whatever an audio packet holds.
std::vector<std::byte> frame_of(const Rtp& rtp) {
  std::vector<std::byte> data(rtp_header_bytes + rtp.payload, std::byte{0x42});
  ByteWriter out(data);
  out.u8(0x80);
  out.u8(static_cast<std::uint8_t>((rtp.marker ? 0x80U : 0U) | rtp.type));
  out.be16(rtp.sequence);
  out.be32(rtp.timestamp);
  out.be32(rtp.ssrc);
  out.u8(0x65);
  out.u8(0b1'0001000);
  const auto flow = packet::flow_between(model::Ipv4Address{{10, 9, 0, 1}}, 4000,
                                         model::Ipv4Address{{10, 9, 0, 2}}, 5004);
  std::vector<std::byte> frame(data.size() + 100);
  frame.resize(packet::build_udp_frame(frame, {}, flow, {}, data).value_or(0));
  return frame;
}

struct Left {
  std::uint16_t sequence = 0;
  std::uint32_t ssrc = 0;
  std::size_t ip_bytes = 0;
  std::optional<PduSetMark> mark;
};

Left read(Bytes frame) {
  const auto view = packet::parse_ethernet(frame);
  const auto rtp = rtp::parse_rtp(view.user_data());
  Left left{.sequence = rtp.sequence_number,
            .ssrc = rtp.ssrc,
            .ip_bytes = view.ip_end - view.ip_at,
            .mark = {}};
  if (const auto element = rtp::find_element(rtp, 1)) {
    PduSetMark mark;
    if (rtp::read_pdu_set_marking(*element, mark)) left.mark = mark;
    return left;
  }
  const auto surplus = udp_options::read_surplus(view);
  const auto body = xrm::find_body(surplus, xrm::OptionKind{});
  if (!body) return left;
  const auto told = xrm::read_body(*body, xrm::Padding::none, xrm::Leniency::strict);
  if (told) left.mark = told->mark;
  return left;
}

class Live {
 public:
  explicit Live(LookAhead look_ahead = LookAhead::pdu_set, Carry carry = Carry::option,
                std::size_t mtu = 1500)
      : marks_(std::move(*MarkWriter::create({.carry = carry})),
               {.marks = {.marker = {.look_ahead = look_ahead},
                          .rules = {{.payload_type = video_type, .treatment = Treatment::h264},
                                    {.payload_type = audio_type,
                                     .treatment = Treatment::lone,
                                     .psi = Psi::low_bits_of(3)}}},
                .ip_bytes_max = mtu},
               [this](Bytes frame) { left.push_back(read(frame)); }) {}

  Live& push(const Rtp& rtp, dataplane::Elapsed now = {}) {
    marks_.push(frame_of(rtp), now);
    return *this;
  }
  LiveMarks& marks() { return marks_; }

  std::vector<Left> left;

 private:
  LiveMarks marks_;
};

TEST(live_marks, a_frame_waits_for_its_last_packet_and_leaves_with_it) {
  for (const auto carry : {Carry::option, Carry::rtp_extension}) {
    Live live(LookAhead::pdu_set, carry);
    live.push({.sequence = 7}, 0ms).push({.sequence = 8}, 2ms);
    EXPECT_TRUE(live.left.empty());
    live.push({.sequence = 9, .marker = true}, 5ms);
    ASSERT_EQ(live.left.size(), 3U);
    std::size_t bytes = 0;
    for (const auto& one : live.left) bytes += one.ip_bytes;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_EQ(live.left[i].sequence, 7 + i);
      ASSERT_TRUE(live.left[i].mark.has_value());
      const auto& mark = *live.left[i].mark;
      EXPECT_EQ(mark.psn.value(), i);
      EXPECT_EQ(mark.psi.value(), 1);
      EXPECT_EQ(mark.pdus_in_set, 3);
      EXPECT_EQ(mark.pdu_set_size, bytes) << "as sent, marks included";
      EXPECT_EQ(mark.end_of_pdu_set, i == 2);
    }
    EXPECT_EQ(live.marks().tallies().sets, 1U);
    EXPECT_EQ(live.marks().tallies().waited, 8ms);
    EXPECT_EQ(live.marks().tallies().waited_max, 5ms);
  }
}

TEST(live_marks, no_stream_waits_for_another_and_what_is_no_rtp_for_nobody) {
  Live live;
  live.push({.ssrc = 1});
  live.push({.type = audio_type, .ssrc = 2});
  live.push({.type = other_type, .ssrc = 3});
  live.push({.type = 72, .ssrc = 1, .marker = true});  // RTCP: packet type 200
  ASSERT_EQ(live.left.size(), 3U);
  ASSERT_TRUE(live.left[0].mark.has_value());
  EXPECT_EQ(live.left[0].mark->psi.value(), 3);
  EXPECT_EQ(live.left[0].mark->pdus_in_set, 1);
  EXPECT_FALSE(live.left[1].mark.has_value());
  EXPECT_FALSE(live.left[2].mark.has_value());
  EXPECT_EQ(live.marks().tallies().left, 2U);
}

TEST(live_marks, streams_count_their_sets_apart) {
  Live live;
  live.push({.ssrc = 1, .marker = true}).push({.ssrc = 2, .marker = true});
  live.push({.timestamp = 1, .ssrc = 1, .marker = true});
  ASSERT_EQ(live.left.size(), 3U);
  EXPECT_EQ(live.left[0].mark->pssn.value(), 0);
  EXPECT_EQ(live.left[1].mark->pssn.value(), 0);
  EXPECT_EQ(live.left[2].mark->pssn.value(), 1);
}

TEST(live_marks, a_frame_whose_end_does_not_come_leaves_when_patience_is_over) {
  Live live;
  EXPECT_EQ(live.marks().due(), std::nullopt);
  live.push({.sequence = 1}, 10ms).push({.sequence = 2}, 20ms);
  ASSERT_EQ(live.marks().due(), 110ms);
  live.marks().tick(109ms);
  EXPECT_TRUE(live.left.empty());
  live.marks().tick(110ms);
  ASSERT_EQ(live.left.size(), 2U);
  EXPECT_EQ(live.left[0].mark->pdu_set_size, 0U);
  EXPECT_FALSE(live.left[1].mark->end_of_pdu_set);
  EXPECT_EQ(live.marks().tallies().sets_cut, 1U);
  EXPECT_EQ(live.marks().due(), std::nullopt);
}

TEST(live_marks, a_set_with_one_packet_too_long_for_its_mark_leaves_unmarked_and_is_counted) {
  // 28 bytes of headers and 12 of RTP; the option and its frame take 22.
  Live live(LookAhead::pdu_set, Carry::option, 1000);
  live.push({.sequence = 1, .payload = 500}).push({.sequence = 2, .payload = 950});
  live.push({.sequence = 3, .marker = true});
  ASSERT_EQ(live.left.size(), 3U);
  for (const auto& one : live.left) EXPECT_FALSE(one.mark.has_value());
  EXPECT_EQ(live.left[1].ip_bytes, 990U);
  EXPECT_EQ(live.marks().tallies().over_mtu, 3U);
  EXPECT_EQ(live.marks().tallies().marked, 0U);
  live.push({.sequence = 4, .timestamp = 1, .marker = true});
  EXPECT_TRUE(live.left.at(3).mark.has_value()) << "the next set has room";
}

TEST(live_marks, without_look_ahead_nothing_waits) {
  Live live(LookAhead::none);
  live.push({.sequence = 1}, 0ms).push({.sequence = 2, .marker = true}, 9ms);
  ASSERT_EQ(live.left.size(), 2U);
  EXPECT_EQ(live.left[0].mark->pdu_set_size, 0U) << "unknown";
  EXPECT_TRUE(live.left[1].mark->end_of_pdu_set);
  EXPECT_EQ(live.marks().tallies().waited_max, 0ms);
}

TEST(live_marks, streams_beyond_the_bound_pass_unmarked_until_one_has_been_silent) {
  Live live;
  for (std::uint32_t ssrc = 0; ssrc < live_streams_max; ++ssrc)
    live.push({.ssrc = ssrc, .marker = true}, 1s);
  live.push({.ssrc = 5000, .marker = true}, 2s);
  EXPECT_FALSE(live.left.back().mark.has_value());
  EXPECT_EQ(live.marks().tallies().streams_refused, 1U);
  live.push({.ssrc = 5000, .marker = true}, 1s + live_stream_silence);
  EXPECT_TRUE(live.left.back().mark.has_value());
}

TEST(live_marks, the_end_lets_everything_leave) {
  Live live(LookAhead::next_access_unit);
  live.push({.sequence = 1, .marker = true});
  EXPECT_TRUE(live.left.empty());
  live.marks().finish(1ms);
  ASSERT_EQ(live.left.size(), 1U);
  EXPECT_EQ(live.left[0].mark->pdus_in_set, 1);
}

TEST(live_marks, what_waits_of_all_streams_is_bounded) {
  Live live;
  const std::size_t each = 1400;
  const std::size_t enough = live_bytes_waiting_max / each + 2;
  for (std::size_t i = 0; i < enough; ++i)
    live.push({.ssrc = static_cast<std::uint32_t>(i % 64), .payload = each});
  EXPECT_GT(live.left.size(), enough / 2);
  EXPECT_GT(live.marks().tallies().sets_cut, 0U);
}

/// Reads marks with these keys; how many packets came, and how many of them were marked by which.
class KeyedLive {
 public:
  KeyedLive()
      : marks_(std::move(*MarkWriter::create(
                   {.carry = Carry::option, .sid = 3, .keys_come = xrm::TagLength::full})),
               {.marks = {.rules = {{.payload_type = audio_type,
                                     .treatment = Treatment::lone,
                                     .psi = Psi::low_bits_of(3)}}}},
               [this](Bytes frame) { take(frame); }) {}

  void send() { marks_.push(frame_of({.type = audio_type, .sequence = next_++}), 0ms); }
  LiveMarks& marks() { return marks_; }
  xrm::Receiver& receiver() { return receiver_; }

  std::size_t unmarked = 0;
  std::vector<xrm::Origin> marked;

 private:
  void take(Bytes frame) {
    const auto view = packet::parse_ethernet(frame);
    const auto body = xrm::find_body(udp_options::read_surplus(view), xrm::OptionKind{});
    if (!body) {
      EXPECT_TRUE(view.surplus().empty()) << "something else stands where the mark was to be";
      ++unmarked;
      return;
    }
    const auto marking = receiver_.read(*body, view.udp_header().first<8>());
    ASSERT_TRUE(marking) << to_string(marking.error());
    marked.push_back(*marking->origin);
  }

  std::uint16_t next_ = 0;
  xrm::Receiver receiver_{{}};
  LiveMarks marks_;
};

TEST(live_marks, keys_that_come_later_are_waited_for_used_from_zero_and_taken_away) {
  const auto crypto = adapters::aead::make_fastest();
  const auto key_of = [](unsigned id) {
    const std::array<std::byte, 16> octets{static_cast<std::byte>(id)};
    return xrm::ContextSettings{.key_id = xrm::KeyId{static_cast<std::uint8_t>(id)},
                                .key = *xrm::Key::from(octets),
                                .senders = {xrm::SenderId{1}, xrm::SenderId{4}}};
  };
  KeyedLive live;
  live.send();
  EXPECT_EQ(live.unmarked, 1U) << "a mark that nobody protects";
  for (const unsigned id : {192U, 193U}) {
    const auto key = key_of(id);
    ASSERT_TRUE(live.receiver().add(*xrm::Context::create(key, *crypto)));
    ASSERT_TRUE(live.marks().rekey(&key));
    live.send();
    live.send();
    ASSERT_GE(live.marked.size(), 2U);
    const xrm::Origin second{xrm::KeyId{static_cast<std::uint8_t>(id)}, xrm::SenderId{3}, 1};
    EXPECT_EQ(live.marked.back(), second);
  }
  EXPECT_EQ(live.marked.size(), 4U);
  ASSERT_TRUE(live.marks().rekey(nullptr));
  live.send();
  EXPECT_EQ(live.unmarked, 2U);

  auto short_tags = key_of(194);
  short_tags.tag = xrm::TagLength::short_;
  EXPECT_FALSE(live.marks().rekey(&short_tags));
  auto not_ours = key_of(194);
  not_ours.senders = {xrm::SenderId{4}, xrm::SenderId{9}};
  EXPECT_FALSE(live.marks().rekey(&not_ours));
  live.send();
  EXPECT_EQ(live.unmarked, 3U);
}

}  // namespace
}  // namespace lobo::app
