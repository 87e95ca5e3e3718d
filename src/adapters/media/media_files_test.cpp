#include "adapters/media/media_files.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/ports.hpp"
#include "support/temp_dir.hpp"

namespace lobo::adapters::media {
namespace {

/// Runs what is posted when the test says so.
class Posted final : public runtime::Scheduler {
 public:
  TimerId after(std::chrono::microseconds /*delay*/, std::function<void()> work) override {
    post(std::move(work));
    return 1;
  }
  void cancel(TimerId /*timer*/) override {}
  void post(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    came_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !work_.empty(); });
    const auto work = std::move(work_.front());
    work_.pop_front();
    lock.unlock();
    work();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> work_;
};

struct Stage {
  std::unique_ptr<MediaFiles> open(std::uint64_t bytes_max = 1000) {
    auto opened = MediaFiles::open({folder, bytes_max}, loop);
    EXPECT_TRUE(opened);
    return std::move(*opened);
  }
  Result<void> write(MediaFiles& files, std::string name, std::uint64_t offset, std::string octets,
                     bool last) {
    std::optional<Result<void>> out;
    files.write(std::move(name), offset, std::move(octets), last,
                [&](Result<void> done) { out = std::move(done); });
    while (!out) loop.run_one();
    return *out;
  }
  bool there(const std::string& name) const { return std::filesystem::exists(folder + '/' + name); }

  lobo::testing::TempDir dir;
  std::string folder = dir.file("media");
  Posted loop;
};

TEST(media_files, parts_become_a_file_with_the_last_one) {
  Stage s;
  const auto files = s.open();
  EXPECT_TRUE(s.write(*files, "a", 0, "hello ", false));
  EXPECT_FALSE(files->read("a", 0, 1));
  EXPECT_TRUE(s.there("a.part"));
  EXPECT_TRUE(s.write(*files, "a", 6, "world", true));
  EXPECT_FALSE(s.there("a.part"));
  EXPECT_EQ(files->read("a", 0, 11), "hello world");
  EXPECT_EQ(files->read("a", 4, 3), "o w");
  EXPECT_FALSE(files->read("a", 4, 30));
}

TEST(media_files, a_last_part_that_comes_again_after_a_crash_does_no_harm) {
  Stage s;
  const auto files = s.open();
  EXPECT_TRUE(s.write(*files, "a", 0, "hello ", false));
  EXPECT_TRUE(s.write(*files, "a", 6, "world", true));
  EXPECT_TRUE(s.write(*files, "a", 6, "world", true));
  EXPECT_EQ(files->read("a", 0, 11), "hello world");
  EXPECT_FALSE(s.write(*files, "b", 6, "world", true));  // Its beginning is nowhere.
}

TEST(media_files, no_more_than_there_is_room_for_and_what_is_erased_makes_room) {
  Stage s;
  const auto files = s.open(10);
  EXPECT_TRUE(s.write(*files, "a", 0, "12345678", true));
  EXPECT_EQ(s.write(*files, "b", 0, "123", true).error().code, Errc::too_many);
  files->erase("a");
  EXPECT_FALSE(s.there("a"));
  EXPECT_TRUE(s.write(*files, "b", 0, "123", true));
}

TEST(media_files, what_nobody_knows_is_gone_after_a_start_and_the_rest_counts) {
  Stage s;
  {
    const auto files = s.open();
    EXPECT_TRUE(s.write(*files, "kept", 0, "1234", true));
    EXPECT_TRUE(s.write(*files, "begun", 0, "12", false));
    EXPECT_TRUE(s.write(*files, "orphan", 0, "12", true));
    EXPECT_TRUE(s.write(*files, "lost", 0, "12", false));
  }
  const auto files = s.open(10);
  EXPECT_TRUE(files->keep_only({"kept", "begun"}));
  EXPECT_TRUE(s.there("kept") && s.there("begun.part"));
  EXPECT_FALSE(s.there("orphan") || s.there("lost.part"));
  EXPECT_FALSE(s.write(*files, "more", 0, "12345", true));
  EXPECT_TRUE(s.write(*files, "begun", 2, "3456", true));
  EXPECT_EQ(files->read("begun", 0, 6), "123456");
}

TEST(media_files, a_folder_that_cannot_be_made_is_told) {
  Stage s;
  std::ofstream(s.dir.file("file")) << "x";
  EXPECT_FALSE(MediaFiles::open({s.dir.file("file") + "/media", 1}, s.loop));
}

}  // namespace
}  // namespace lobo::adapters::media
