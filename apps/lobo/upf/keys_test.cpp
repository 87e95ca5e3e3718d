#include "upf/keys.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>

#include "support/temp_dir.hpp"
#include "upf/handover.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::app {
namespace {

std::string context(int id, std::string_view key = "000102030405060708090a0b0c0d0e0f") {
  return "context id=" + std::to_string(id) + " alg=aes-128-gcm key=" + std::string(key) +
         " iv=a0a1a2a3a4a5a6a7a8a9aaab\n";
}

class UpfKeys : public ::testing::Test {
 protected:
  void write(const std::string& lines) { std::ofstream(path_) << "lobodon-xrm-keys 1\n" << lines; }
  /// What the worker does between two batches; what was removed and what was added.
  std::string take() {
    KeyChange* const change = handover_.take_new();
    if (change == nullptr) return "nothing new";
    const std::string said =
        "-" + std::to_string(change->remove.size()) + " +" + std::to_string(change->add.size());
    change->apply(receiver_);
    return said;
  }

  testing::TempDir folder_;
  std::string path_ = folder_.file("keys");
  Handover<KeyChange> handover_;
  xrm::Receiver receiver_{{}};
};

TEST_F(UpfKeys, only_what_changed_is_handed_over) {
  write(context(7));
  Keys keys(path_, {&handover_});
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-0 +1");
  write(context(7) + context(8));
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-0 +1");
  EXPECT_EQ(receiver_.contexts(), 2U);
  write(context(8));
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-1 +0");
  EXPECT_TRUE(receiver_.remove(xrm::KeyId{8}));
  EXPECT_FALSE(receiver_.remove(xrm::KeyId{7}));
}

TEST_F(UpfKeys, another_key_under_the_same_number_takes_the_place_of_the_first) {
  write(context(7));
  Keys keys(path_, {&handover_});
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-0 +1");
  write(context(7, "ff0102030405060708090a0b0c0d0e0f"));
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-1 +1");
  EXPECT_EQ(receiver_.contexts(), 1U);
}

TEST_F(UpfKeys, two_changes_before_the_worker_takes_one_are_one_change) {
  write(context(7));
  Keys keys(path_, {&handover_});
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-0 +1");
  write(context(7) + context(8));
  ASSERT_TRUE(keys.reload());
  write(context(9));
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-1 +1");
  EXPECT_EQ(receiver_.contexts(), 1U);
  EXPECT_TRUE(receiver_.remove(xrm::KeyId{9}));
}

TEST_F(UpfKeys, a_file_that_cannot_be_read_changes_nothing_of_what_is_on_its_way) {
  write(context(7));
  Keys keys(path_, {&handover_});
  ASSERT_TRUE(keys.reload());
  std::ofstream(path_) << "no key file";
  EXPECT_FALSE(keys.reload());
  EXPECT_EQ(keys.contexts(), 1U);
  EXPECT_EQ(take(), "-0 +1");
  EXPECT_EQ(receiver_.contexts(), 1U);
  Keys missing(folder_.file("not there"), {&handover_});
  EXPECT_FALSE(missing.reload());
}

TEST_F(UpfKeys, without_a_file_there_are_no_contexts) {
  Keys keys({}, {&handover_});
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-0 +0");
  EXPECT_EQ(receiver_.contexts(), 0U);
}

xrm::ContextSettings agreed(unsigned id, unsigned char first) {
  std::array<std::byte, 16> key{static_cast<std::byte>(first)};
  return {.key_id = xrm::KeyId{static_cast<std::uint8_t>(id)}, .key = *xrm::Key::from(key)};
}

TEST_F(UpfKeys, what_was_agreed_stands_beside_the_file_and_neither_touches_the_other) {
  write(context(7));
  Keys keys(path_, {&handover_},
            {{xrm::KeyId{192}, xrm::KeyId{195}}, {xrm::KeyId{196}, xrm::KeyId{199}}});
  ASSERT_TRUE(keys.reload());
  ASSERT_TRUE(keys.agree(0, {agreed(192, 1)}));
  EXPECT_EQ(take(), "-0 +2");
  ASSERT_TRUE(keys.agree(1, {agreed(196, 1)}));
  EXPECT_EQ(take(), "-0 +1");
  ASSERT_TRUE(keys.agree(0, {agreed(192, 1), agreed(193, 1)}));
  EXPECT_EQ(take(), "-0 +1");
  write(context(8));
  ASSERT_TRUE(keys.reload());
  EXPECT_EQ(take(), "-1 +1");
  ASSERT_TRUE(keys.agree(0, {}));
  EXPECT_EQ(take(), "-2 +0");
  EXPECT_EQ(receiver_.contexts(), 2U);
  EXPECT_EQ(keys.contexts(), 1U);
  // Another key under the same number is another context.
  ASSERT_TRUE(keys.agree(1, {agreed(196, 2)}));
  EXPECT_EQ(take(), "-1 +1");
}

TEST_F(UpfKeys, a_file_with_an_id_of_a_key_channel_is_refused) {
  write(context(193));
  Keys keys(path_, {&handover_}, {{xrm::KeyId{192}, xrm::KeyId{195}}});
  const auto read = keys.reload();
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().detail.find("id 193"), std::string::npos);
  ASSERT_TRUE(keys.agree(0, {agreed(193, 1)}));
  EXPECT_EQ(take(), "-0 +1");
}

}  // namespace
}  // namespace lobo::app
