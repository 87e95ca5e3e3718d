// The child program, and real video where ffmpeg is installed.
#include "toolbox/video.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "toolbox/program.hpp"
#include "wire/rtp/nal_unit.hpp"

namespace lobo::app {
namespace {

TEST(program, that_is_not_there_is_told_with_what_to_install) {
  const auto done = run_program({.words = {"no-such-program-here"}});
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().detail.find("apt-get install no-such-program-here"), std::string::npos);
}

TEST(program, its_lines_arrive_and_its_complaint_is_told) {
  std::vector<std::string> lines;
  const auto done =
      run_program({.words = {"sh", "-c", "echo one; echo two; echo no >&2; exit 3"},
                   .on_line = [&](std::string_view line) { lines.emplace_back(line); }});
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().detail, "sh failed (3): no");
}

TEST(program, writes_to_a_file_without_a_name) {
  const auto file = ScratchFile::create();
  ASSERT_TRUE(file);
  ASSERT_TRUE(run_program({.words = {"sh", "-c", "echo hello >&3"}, .files = {file->fd()}}));
  file->rewind();
  std::vector<std::byte> read(16);
  EXPECT_EQ(file->read(read), 6U);
  EXPECT_EQ(read[0], std::byte{'h'});
}

bool ffmpeg_is_there() { return run_program({.words = {"ffmpeg", "-version"}}).has_value(); }

class RealVideo : public ::testing::TestWithParam<rtp::VideoCodec> {
 protected:
  void SetUp() override {
    if (!ffmpeg_is_there()) GTEST_SKIP() << "ffmpeg is not installed";
  }
  static EncodeSettings settings() {
    return {.codec = GetParam(),
            .width = 160,
            .height = 96,
            .frames_per_second = 30,
            .seconds = 1,
            .kilobits_per_second = 300,
            .pictures_per_group = 15};
  }
  /// All coded pictures but those in `lost`, by their place in decoding order.
  static DecoderInput input_without(const CodedVideo& video, const std::set<std::size_t>& lost) {
    auto input = DecoderInput::create(video.codec);
    video.bytes.rewind();
    for (std::size_t i = 0; i < video.pictures.size(); ++i) {
      std::vector<std::byte> unit(video.pictures[i].size);
      EXPECT_EQ(video.bytes.read(unit), unit.size());
      const bool kept = lost.contains(i) || input->add(video.pictures[i].presentation, unit);
      EXPECT_TRUE(kept);
    }
    return std::move(*input);
  }
};

TEST_P(RealVideo, is_encoded_with_times_and_decoded_picture_by_picture) {
  const auto video = encode(settings());
  ASSERT_TRUE(video) << video.error().detail;
  EXPECT_EQ(video->pictures.size(), 30U);
  std::set<std::int64_t> times;
  for (const auto& picture : video->pictures) times.insert(picture.presentation);
  EXPECT_EQ(times.size(), 30U);
  EXPECT_EQ(*times.rbegin() - *times.begin(), 29 * 3000);
  const auto whole = input_without(*video, {});
  const auto decoded = decode(whole);
  ASSERT_TRUE(decoded) << decoded.error().detail;
  EXPECT_EQ(decoded->size(), 30U);
  EXPECT_EQ(decoded->begin()->first, *times.begin());
  EXPECT_EQ(psnr(whole, input_without(*video, {})).value_or(0), psnr_bit_exact);
}

TEST_P(RealVideo, a_lost_picture_spoils_those_that_need_it_until_the_next_group) {
  const auto video = encode(settings());
  ASSERT_TRUE(video) << video.error().detail;
  const auto whole = input_without(*video, {});
  const auto damaged = input_without(*video, {1});
  const auto right = decode(whole);
  const auto wrong = decode(damaged);
  ASSERT_TRUE(right && wrong);
  EXPECT_FALSE(wrong->contains(video->pictures[1].presentation));
  EXPECT_NE(wrong->at(video->pictures[5].presentation), right->at(video->pictures[5].presentation));
  EXPECT_EQ(wrong->at(video->pictures.back().presentation),
            right->at(video->pictures.back().presentation));
  const auto difference = psnr(whole, damaged);
  ASSERT_TRUE(difference);
  EXPECT_GT(*difference, 5);
  EXPECT_LT(*difference, 60);
}

TEST_P(RealVideo, the_same_settings_give_the_same_pictures) {
  const auto one = encode(settings());
  const auto two = encode(settings());
  ASSERT_TRUE(one && two);
  const auto first = decode(input_without(*one, {}));
  ASSERT_TRUE(first) << first.error().detail;
  EXPECT_EQ(first, decode(input_without(*two, {})));
}

INSTANTIATE_TEST_SUITE_P(video, RealVideo,
                         ::testing::Values(rtp::VideoCodec::h264, rtp::VideoCodec::h265),
                         [](const auto& codec) { return std::string(to_string(codec.param)); });

}  // namespace
}  // namespace lobo::app
