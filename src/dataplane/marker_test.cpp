#include "dataplane/marker.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/elapsed.hpp"
#include "dataplane/importance.hpp"
#include "model/pdu_set.hpp"
#include "support/octets.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::dataplane {
namespace {

using namespace std::chrono_literals;

using Octets = std::vector<std::byte>;

using test::octets;

// ue(v) 0 and a slice_type: 5 "00110" is P, 6 "00111" B, 7 "0001000" I.
const Octets idr = octets({0x65, 0b1'0001000});
const Octets p_slice = octets({0x41, 0b1'00110'00});
const Octets reference_b = octets({0x41, 0b1'00111'00});
const Octets disposable_b = octets({0x01, 0b1'00111'00});
const Octets sei = octets({0x06, 5});
const Octets fragment_begin = octets({0x7C, 0x85, 0b1'0001000});
const Octets fragment_middle = octets({0x7C, 0x05, 9});

class Stream {
 public:
  explicit Stream(const MarkerConfig& config = {}) : marker_(config) {}

  Stream& packet(const Octets& payload, bool marker, Elapsed at, std::uint32_t bytes = 1000) {
    if (begin_) ++timestamp_;
    begin_ = marker;
    marker_.offer({.rtp_timestamp = timestamp_,
                   .marker = marker,
                   .payload = payload,
                   .bytes = bytes,
                   .at = at},
                  [this](const PduSetMark& mark) { marks.push_back(mark); });
    return *this;
  }
  Stream& end() {
    marker_.finish([this](const PduSetMark& mark) { marks.push_back(mark); });
    return *this;
  }

  bool looks_foreign() const { return marker_.looks_foreign(); }

  std::vector<PduSetMark> marks;

 private:
  SetMarker marker_;
  std::uint32_t timestamp_ = 0;
  bool begin_ = false;
};

Psi psi_of(const Octets& payload) {
  return Stream{}.packet(payload, true, 0ms).end().marks.at(0).psi;
}

TEST(marker, the_importance_follows_from_slice_type_and_reference) {
  EXPECT_EQ(psi_of(idr).value(), 1);
  EXPECT_EQ(psi_of(octets({0x67, 0x42})).value(), 1) << "a parameter set";
  EXPECT_EQ(psi_of(p_slice).value(), 2);
  EXPECT_EQ(psi_of(reference_b).value(), 4);
  EXPECT_EQ(psi_of(disposable_b).value(), 8);
  EXPECT_EQ(psi_of(octets({0x41, 0b1'0001000})).value(), 1) << "an I picture that is no IDR";
  EXPECT_EQ(psi_of(sei).value(), 0) << "nobody can say";
}

TEST(marker, a_frame_is_a_set_and_its_numbers_are_known_to_all_of_its_pdus) {
  Stream stream;
  stream.packet(sei, false, 0ms, 60)
      .packet(fragment_begin, false, 0ms, 1240)
      .packet(fragment_middle, true, 0ms, 700);
  EXPECT_TRUE(stream.marks.empty()) << "one access unit is looked ahead";
  stream.packet(p_slice, true, 16ms, 900);
  ASSERT_EQ(stream.marks.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(stream.marks[i].pssn.value(), 0);
    EXPECT_EQ(stream.marks[i].psn.value(), i);
    EXPECT_EQ(stream.marks[i].psi.value(), 1);
    EXPECT_EQ(stream.marks[i].pdu_set_size, 2000U);
    EXPECT_EQ(stream.marks[i].pdus_in_set, 3);
    EXPECT_EQ(stream.marks[i].end_of_pdu_set, i == 2);
    EXPECT_EQ(stream.marks[i].psn16, std::nullopt);
  }
  stream.end();
  EXPECT_EQ(stream.marks.at(3).pssn.value(), 1);
}

TEST(marker, a_burst_says_its_size_at_its_beginning_and_the_gap_at_its_end) {
  Stream stream;
  stream.packet(fragment_begin, false, 0ms)
      .packet(fragment_middle, false, 0ms)
      .packet(fragment_middle, true, 1ms)
      .packet(p_slice, true, 16ms)
      .end();
  EXPECT_EQ(stream.marks[0].burst_size, 3000U);
  EXPECT_EQ(stream.marks[1].burst_size, 3000U);
  EXPECT_EQ(stream.marks[2].burst_size, std::nullopt);
  EXPECT_EQ(stream.marks[0].time_to_next_burst, std::nullopt);
  EXPECT_FALSE(stream.marks[1].end_of_data_burst);
  EXPECT_TRUE(stream.marks[2].end_of_data_burst);
  EXPECT_EQ(stream.marks[2].time_to_next_burst, 150) << "15 ms in units of 0.1 ms";
  EXPECT_EQ(stream.marks[3].burst_size, 1000U);
  EXPECT_TRUE(stream.marks[3].end_of_data_burst);
  EXPECT_EQ(stream.marks[3].time_to_next_burst, std::nullopt) << "nothing is known of what follows";
}

TEST(marker, a_burst_of_two_frames_ends_once_and_does_not_invent_its_size) {
  Stream stream;
  stream.packet(idr, true, 0ms).packet(p_slice, true, 1ms).packet(p_slice, true, 100ms).end();
  EXPECT_FALSE(stream.marks[0].end_of_data_burst);
  EXPECT_EQ(stream.marks[0].burst_size, std::nullopt);
  EXPECT_TRUE(stream.marks[1].end_of_data_burst);
  EXPECT_EQ(stream.marks[1].time_to_next_burst, 990);
  EXPECT_EQ(stream.marks[2].burst_size, 1000U);
}

TEST(marker, a_pause_too_long_for_16_bits_is_unknown) {
  Stream stream;
  stream.packet(idr, true, 0ms).packet(p_slice, true, 7s).end();
  EXPECT_EQ(stream.marks[0].time_to_next_burst, 0xFFFF);
}

TEST(marker, a_slice_can_be_a_set_and_what_precedes_it_belongs_to_it) {
  Stream stream({.set_is = MarkerConfig::SetIs::slice});
  stream.packet(sei, false, 0ms)
      .packet(idr, false, 0ms)
      .packet(p_slice, false, 0ms)
      .packet(disposable_b, true, 0ms)
      .end();
  const std::array<unsigned, 4> pssn{0, 0, 1, 2};
  const std::array<unsigned, 4> psi{1, 1, 2, 8};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(stream.marks[i].pssn.value(), pssn[i]);
    EXPECT_EQ(stream.marks[i].psi.value(), psi[i]);
    EXPECT_EQ(stream.marks[i].end_of_pdu_set, i != 0);
  }
  EXPECT_EQ(stream.marks[0].burst_size, 4000U) << "the burst is the whole frame";
}

TEST(marker, a_timestamp_that_changes_ends_a_frame_whose_marker_bit_was_lost) {
  SetMarker marker{MarkerConfig{}};
  std::vector<PduSetMark> marks;
  const auto keep = [&](const PduSetMark& mark) { marks.push_back(mark); };
  marker.offer({.rtp_timestamp = 1, .payload = idr, .bytes = 10}, keep);
  marker.offer({.rtp_timestamp = 2, .payload = p_slice, .bytes = 10}, keep);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_TRUE(marks[0].end_of_pdu_set);
}

TEST(marker, a_set_of_over_64_pdus_tells_its_sequence_in_full) {
  Stream stream;
  for (int i = 0; i < 100; ++i) stream.packet(fragment_middle, i == 99, 0ms);
  stream.end();
  EXPECT_EQ(stream.marks[70].psn.value(), 6);
  EXPECT_EQ(stream.marks[70].psn16, 70);
  EXPECT_EQ(stream.marks[70].pdus_in_set, 100);
}

TEST(marker, an_access_unit_without_end_is_cut_and_owns_to_know_no_size) {
  Stream stream;
  for (std::size_t i = 0; i <= marker_window_max; ++i) stream.packet(fragment_middle, false, 0ms);
  ASSERT_EQ(stream.marks.size(), marker_window_max);
  EXPECT_EQ(stream.marks.back().pdu_set_size, 0U);
  EXPECT_FALSE(stream.marks.back().end_of_pdu_set);
  stream.end();
  EXPECT_EQ(stream.marks.back().pssn.value(), 1);
}

TEST(marker, temporal_layers_bound_the_importance) {
  SetImportance importance;
  importance.add({.slice_data = true,
                  .reference = true,
                  .temporal_id = 2,
                  .slice = rtp::SliceKind::predicted});
  EXPECT_EQ(importance.psi(ImportanceRule{}).value(), 6);
}

TEST(marker, a_stream_of_the_other_codec_is_noticed_and_one_of_its_own_is_not) {
  const std::vector<Octets> h265{octets({0x40, 1, 0x0C}),    octets({0x42, 1, 1}),
                                 octets({0x44, 1, 0xC0}),    octets({0x62, 1, 0x93, 0xAF}),
                                 octets({0x62, 1, 0x13, 9}), octets({0x02, 1, 0xD0})};
  const std::vector<Octets> h264{octets({0x67, 0x42}), octets({0x68, 0xCE}), sei,     idr,
                                 fragment_begin,       fragment_middle,      p_slice, disposable_b};
  const auto foreign = [](rtp::VideoCodec codec, const std::vector<Octets>& payloads) {
    Stream stream({.codec = codec});
    for (int round = 0; round < 3; ++round)
      for (const Octets& payload : payloads) stream.packet(payload, false, 0ms);
    return stream.looks_foreign();
  };
  EXPECT_TRUE(foreign(rtp::VideoCodec::h264, h265));
  EXPECT_TRUE(foreign(rtp::VideoCodec::h265, h264));
  EXPECT_FALSE(foreign(rtp::VideoCodec::h264, h264));
  EXPECT_FALSE(foreign(rtp::VideoCodec::h265, h265));
  EXPECT_FALSE(foreign(rtp::VideoCodec::h264, {h265.front()})) << "three packets say too little";
}

TEST(marker, lone_packets_are_sets_of_their_own) {
  LoneMarker marker(Psi::low_bits_of(1));
  const auto first = marker.mark(120);
  EXPECT_TRUE(first.end_of_pdu_set);
  EXPECT_EQ(first.pdus_in_set, 1);
  EXPECT_EQ(first.pdu_set_size, 120U);
  EXPECT_EQ(marker.mark(120).pssn.value(), 1);
}

TEST(marker, a_payload_type_without_a_rule_stays_unmarked) {
  const std::array rules{PayloadRule{.payload_type = 96, .treatment = PayloadRule::Treatment::h264},
                         PayloadRule{.payload_type = 111,
                                     .treatment = PayloadRule::Treatment::lone,
                                     .psi = Psi::low_bits_of(1)}};
  EXPECT_EQ(rule_for(111, rules).treatment, PayloadRule::Treatment::lone);
  EXPECT_EQ(rule_for(0, rules).treatment, PayloadRule::Treatment::unmarked);
}

TEST(marker, live_a_frame_leaves_with_its_last_packet_and_not_with_the_next_frame) {
  Stream stream({.look_ahead = LookAhead::pdu_set});
  stream.packet(sei, false, 0ms, 60).packet(fragment_begin, false, 1ms, 1240);
  EXPECT_TRUE(stream.marks.empty());
  stream.packet(fragment_middle, true, 2ms, 700);
  ASSERT_EQ(stream.marks.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& mark = stream.marks[i];
    EXPECT_EQ(mark.psn.value(), i);
    EXPECT_EQ(mark.psi.value(), 1);
    EXPECT_EQ(mark.pdu_set_size, 2000U);
    EXPECT_EQ(mark.pdus_in_set, 3);
    EXPECT_EQ(mark.end_of_pdu_set, i == 2);
    EXPECT_EQ(mark.end_of_data_burst, i == 2);
    EXPECT_EQ(mark.burst_size,
              i < burst_size_pdus ? std::optional<std::uint32_t>(2000) : std::nullopt);
    EXPECT_EQ(mark.time_to_next_burst, std::nullopt) << "the future is not known";
  }
  stream.packet(p_slice, true, 2ms, 900);
  ASSERT_EQ(stream.marks.size(), 4U);
  EXPECT_EQ(stream.marks[3].pssn.value(), 1);
  EXPECT_EQ(stream.marks[3].burst_size, 900U) << "each frame is a burst";
}

TEST(marker, live_a_slice_leaves_when_it_ends) {
  Stream stream({.set_is = MarkerConfig::SetIs::slice, .look_ahead = LookAhead::pdu_set});
  stream.packet(idr, false, 0ms);
  ASSERT_EQ(stream.marks.size(), 1U);
  stream.packet(p_slice, true, 1ms);
  ASSERT_EQ(stream.marks.size(), 2U);
  EXPECT_TRUE(stream.marks[0].end_of_pdu_set);
  EXPECT_FALSE(stream.marks[0].end_of_data_burst);
  EXPECT_TRUE(stream.marks[1].end_of_data_burst);
  EXPECT_EQ(stream.marks[1].pssn.value(), 1);
  EXPECT_EQ(stream.marks[0].burst_size, std::nullopt) << "left before the burst was over";
  EXPECT_EQ(stream.marks[1].burst_size, std::nullopt);
}

TEST(marker, live_a_frame_without_its_marker_bit_leaves_when_the_next_begins) {
  SetMarker marker{{.look_ahead = LookAhead::pdu_set}};
  std::vector<PduSetMark> marks;
  const auto keep = [&](const PduSetMark& mark) { marks.push_back(mark); };
  marker.offer({.rtp_timestamp = 1, .payload = idr, .bytes = 10, .at = 0ms}, keep);
  EXPECT_TRUE(marks.empty());
  marker.offer({.rtp_timestamp = 2, .marker = true, .payload = p_slice, .bytes = 20, .at = 16ms},
               keep);
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_TRUE(marks[0].end_of_pdu_set);
  EXPECT_TRUE(marks[0].end_of_data_burst);
  EXPECT_EQ(marks[0].burst_size, 10U);
  EXPECT_EQ(marks[1].burst_size, 20U);
  EXPECT_EQ(marks[1].pssn.value(), 1);
}

TEST(marker, live_what_waited_too_long_is_told_without_sizes_and_the_rest_is_another_set) {
  SetMarker marker{{.look_ahead = LookAhead::pdu_set}};
  std::vector<PduSetMark> marks;
  const auto keep = [&](const PduSetMark& mark) { marks.push_back(mark); };
  marker.offer({.rtp_timestamp = 1, .payload = fragment_begin, .bytes = 10}, keep);
  marker.cut(keep);
  ASSERT_EQ(marks.size(), 1U);
  EXPECT_EQ(marks[0].psi.value(), 1);
  EXPECT_EQ(marks[0].pdu_set_size, 0U);
  EXPECT_FALSE(marks[0].end_of_pdu_set);
  marker.cut(keep);
  EXPECT_EQ(marks.size(), 1U) << "nothing waits";
  marker.offer({.rtp_timestamp = 1, .marker = true, .payload = fragment_middle, .bytes = 30}, keep);
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[1].pssn.value(), 1);
  EXPECT_EQ(marks[1].psn.value(), 0);
  EXPECT_EQ(marks[1].pdu_set_size, 30U);
  EXPECT_TRUE(marks[1].end_of_pdu_set);
}

TEST(marker, without_look_ahead_each_packet_is_told_at_once_and_says_what_can_be_known) {
  Stream stream({.look_ahead = LookAhead::none});
  stream.packet(sei, false, 0ms);
  ASSERT_EQ(stream.marks.size(), 1U);
  EXPECT_FALSE(stream.marks[0].psi.known());
  stream.packet(fragment_begin, false, 0ms).packet(fragment_middle, true, 0ms);
  ASSERT_EQ(stream.marks.size(), 3U);
  EXPECT_EQ(stream.marks[1].psi.value(), 1);
  EXPECT_EQ(stream.marks[2].psi.value(), 1);
  EXPECT_EQ(stream.marks[2].psn.value(), 2);
  EXPECT_TRUE(stream.marks[2].end_of_pdu_set);
  EXPECT_EQ(stream.marks[2].pdu_set_size, std::nullopt);
  EXPECT_EQ(stream.marks[2].pdus_in_set, std::nullopt);
  stream.packet(p_slice, true, 16ms).end();
  ASSERT_EQ(stream.marks.size(), 4U);
  EXPECT_EQ(stream.marks[3].pssn.value(), 1);
  EXPECT_EQ(stream.marks[3].psn.value(), 0);
  EXPECT_EQ(stream.marks[3].psi.value(), 2);
}

TEST(marker, without_look_ahead_a_lost_last_packet_does_not_join_two_frames) {
  SetMarker marker{{.look_ahead = LookAhead::none}};
  std::vector<PduSetMark> marks;
  const auto keep = [&](const PduSetMark& mark) { marks.push_back(mark); };
  marker.offer({.rtp_timestamp = 1, .payload = fragment_begin, .bytes = 10}, keep);
  marker.offer({.rtp_timestamp = 2, .payload = p_slice, .bytes = 10}, keep);
  ASSERT_EQ(marks.size(), 2U);
  EXPECT_EQ(marks[1].pssn.value(), 1);
  EXPECT_EQ(marks[1].psn.value(), 0);
}

RC_GTEST_PROP(marker, every_packet_gets_one_mark_and_the_sets_add_up,
              (const std::vector<bool>& ends, bool by_slice, bool live)) {
  Stream stream({.set_is = by_slice ? MarkerConfig::SetIs::slice : MarkerConfig::SetIs::frame,
                 .look_ahead = live ? LookAhead::pdu_set : LookAhead::next_access_unit});
  Elapsed at{};
  for (const bool end : ends) {
    stream.packet(end ? p_slice : fragment_middle, end, at += 3ms);
    RC_ASSERT(stream.marks.size() <= ends.size());
  }
  stream.end();
  RC_ASSERT(stream.marks.size() == ends.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const auto& mark = stream.marks[i];
    std::uint32_t in_set = 0;
    for (const auto& other : stream.marks) in_set += other.pssn == mark.pssn ? 1U : 0U;
    if (ends.size() < 1024) RC_ASSERT(mark.pdus_in_set == in_set);
    if (ends[i]) RC_ASSERT(mark.end_of_pdu_set);
    if (i > 0 && !stream.marks[i - 1].end_of_pdu_set)
      RC_ASSERT(mark.pssn == stream.marks[i - 1].pssn);
  }
}

}  // namespace
}  // namespace lobo::dataplane
