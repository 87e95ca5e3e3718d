// Files that are cut, broken, empty or the output itself; pipes are read as files are.
#include "wire/capture/capture.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "support/temp_dir.hpp"
#include "wire/capture/writer.hpp"

namespace lobo::adapters {
namespace {

/// A capture of `count` packets of 100 bytes.
std::string capture_of(std::size_t count) {
  capture::Writer writer(capture::Format::pcap_nanoseconds);
  std::string file;
  const std::vector<std::byte> bytes(100);
  std::vector<std::byte> room(bytes.size() + capture::writer_room);
  for (std::size_t i = 0; i < count; ++i) {
    const auto size = writer.packet(
        {.link_type = capture::LinkType::raw, .original_length = 100, .bytes = bytes}, room);
    for (std::size_t at = 0; at < *size; ++at) file += std::to_integer<char>(room[at]);
  }
  return file;
}

std::string put(const testing::TempDir& dir, const std::string& content) {
  const auto path = dir.file("a.pcap");
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(capture_source, reads_a_whole_file_over_many_buffers) {
  const testing::TempDir dir;
  auto source = CaptureSource::open(put(dir, capture_of(20000)));
  ASSERT_TRUE(source);
  while (source->next()) continue;
  EXPECT_EQ(source->end(), CaptureSource::End::whole);
  EXPECT_EQ(source->packets(), 20000U);
  EXPECT_EQ(source->bytes_taken(), source->bytes_total());
}

TEST(capture_source, a_cut_file_is_read_up_to_the_cut_and_says_where) {
  const testing::TempDir dir;
  const std::string whole = capture_of(3);
  auto source = CaptureSource::open(put(dir, whole.substr(0, whole.size() - 1)));
  ASSERT_TRUE(source);
  while (source->next()) continue;
  EXPECT_EQ(source->end(), CaptureSource::End::cut);
  EXPECT_EQ(source->packets(), 2U);
  EXPECT_NE(source->what_is_wrong().find("115 bytes into the item at byte 256, behind packet 2"),
            std::string::npos)
      << source->what_is_wrong();
}

TEST(capture_source, an_empty_file_and_one_of_something_else_are_told_apart) {
  const testing::TempDir dir;
  auto empty = CaptureSource::open(put(dir, ""));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->next(), nullptr);
  EXPECT_NE(empty->what_is_wrong().find("is empty"), std::string::npos);
  auto other = CaptureSource::open(put(dir, "this is a letter to a friend of mine"));
  ASSERT_TRUE(other);
  EXPECT_EQ(other->next(), nullptr);
  EXPECT_EQ(other->end(), CaptureSource::End::broken);
  EXPECT_EQ(CaptureSource::open("/nowhere/at/all").error().code, Errc::not_found);
}

TEST(byte_sink, refuses_the_file_that_is_read) {
  const testing::TempDir dir;
  const auto path = put(dir, capture_of(1));
  const auto source = CaptureSource::open(path);
  ASSERT_TRUE(source);
  const std::array inputs{source->identity()};
  const auto sink = ByteSink::open(path, inputs);
  ASSERT_FALSE(sink);
  EXPECT_EQ(sink.error().code, Errc::conflict);
}

TEST(byte_sink, what_a_file_held_goes_when_the_first_bytes_come) {
  const testing::TempDir dir;
  const auto path = put(dir, "what was there before");
  {
    auto nothing = ByteSink::open(path);
    ASSERT_TRUE(nothing);
    EXPECT_TRUE(nothing->close());
  }
  EXPECT_EQ(std::filesystem::file_size(path), 21U);
  auto sink = ByteSink::open(path);
  ASSERT_TRUE(sink);
  sink->write(std::string_view("new"));
  EXPECT_TRUE(sink->close());
  EXPECT_EQ(std::filesystem::file_size(path), 3U);
}

TEST(byte_sink, a_new_file_goes_again_if_its_output_never_came) {
  const testing::TempDir dir;
  const auto path = put(dir, "");
  ASSERT_TRUE(std::filesystem::remove(path));
  ASSERT_TRUE(ByteSink::open(path));
  EXPECT_FALSE(std::filesystem::exists(path));
  {
    auto empty = ByteSink::open(path);
    ASSERT_TRUE(empty);
    EXPECT_TRUE(empty->close());
  }
  EXPECT_TRUE(std::filesystem::exists(path)) << "closed: so it is meant";
  ASSERT_TRUE(ByteSink::open(path));
  EXPECT_TRUE(std::filesystem::exists(path)) << "it was there before";
}

TEST(byte_sink, a_full_device_is_told_at_the_end) {
  auto sink = ByteSink::open("/dev/full");
  ASSERT_TRUE(sink);
  const std::array<std::byte, 10> some{};
  sink->write(some);
  EXPECT_FALSE(sink->close());
}

}  // namespace
}  // namespace lobo::adapters
