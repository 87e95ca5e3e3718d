#include "wire/xrm/key_file.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/receiver.hpp"

namespace lobo::xrm {
namespace {

const std::string head = std::string(key_file_head) + '\n';
const std::string key16 = "000102030405060708090a0b0c0d0e0f";
const std::string iv = "a0a1a2a3a4a5a6a7a8a9aaab";
const std::string good = "context id=7 alg=aes-128-gcm key=" + key16 + " iv=" + iv;

TEST(key_file, a_context_has_its_usual_values_where_nothing_is_said) {
  const auto file = read_key_file(head + "# for the laboratory\n\n  " + good + "\n");
  ASSERT_TRUE(file) << file.error().detail;
  ASSERT_EQ(file->contexts.size(), 1U);
  const ContextSettings& context = file->contexts[0];
  EXPECT_EQ(context.key_id, KeyId{7});
  EXPECT_EQ(context.key.bytes().size(), 16U);
  EXPECT_EQ(context.key.bytes()[15], std::byte{0x0F});
  EXPECT_EQ(context.iv[0], std::byte{0xA0});
  EXPECT_EQ(context.tag, TagLength::full);
  EXPECT_EQ(context.bind, Bind::full);
  EXPECT_EQ(context.senders, SenderRange{});
}

TEST(key_file, each_field_is_read) {
  const auto file = read_key_file(head + "context sid=3-9\tbind=length tag=8 iv=" + iv +
                                  " alg=chacha20-poly1305 id=255 key=" + key16 + key16 +
                                  "\nauth id=1 key=" + key16 + " cover=all");
  ASSERT_TRUE(file) << file.error().detail;
  const ContextSettings& context = file->contexts.at(0);
  EXPECT_EQ(context.algorithm, Algorithm::chacha20_poly1305);
  EXPECT_EQ(context.tag, TagLength::short_);
  EXPECT_EQ(context.bind, Bind::length);
  EXPECT_EQ(context.senders, (SenderRange{SenderId{3}, SenderId{9}}));
  EXPECT_EQ(file->auth.at(0).cover, AuthCover::all);
}

struct Bad {
  std::string text;
  std::string where;
  Errc code;
};

TEST(key_file, what_is_wrong_is_told_with_its_line) {
  const std::vector<Bad> cases{
      {"", "line 1", Errc::missing},
      {good, "line 1", Errc::malformed},
      {head + "\n\nfoo id=1", "line 4", Errc::not_allowed},
      {head + good + " tag", "line 2", Errc::malformed},
      {head + good + " tag=", "line 2", Errc::malformed},
      {head + good + " =8", "line 2", Errc::malformed},
      {head + good + " tag=8 tag=8", "line 2", Errc::duplicate},
      {head + good + " colour=red", "line 2", Errc::not_allowed},
      {head + good + " tag=12", "line 2", Errc::out_of_range},
      {head + good + " bind=none", "line 2", Errc::out_of_range},
      {head + good + " sid=9-3", "line 2", Errc::out_of_range},
      {head + good + " sid=0-65536", "line 2", Errc::out_of_range},
      {head + good + " sid=1-2-3", "line 2", Errc::out_of_range},
      {head + good + "\n" + good, "line 3", Errc::duplicate},
      {head + "context id=256 alg=aes-128-gcm key=" + key16 + " iv=" + iv, "line 2",
       Errc::out_of_range},
      {head + "context id=-1 alg=aes-128-gcm key=" + key16 + " iv=" + iv, "line 2",
       Errc::out_of_range},
      {head + "context alg=aes-128-gcm key=" + key16 + " iv=" + iv, "line 2", Errc::missing},
      {head + "context id=1 alg=aes-256-gcm key=" + key16 + " iv=" + iv, "line 2",
       Errc::out_of_range},
      {head + "context id=1 alg=AES key=" + key16 + " iv=" + iv, "line 2", Errc::out_of_range},
      {head + "context id=1 alg=aes-128-gcm key=" + key16 + " iv=" + iv + "00", "line 2",
       Errc::out_of_range},
      {head + "context id=1 alg=aes-128-gcm key=x" + key16.substr(1) + " iv=" + iv, "line 2",
       Errc::out_of_range},
      {head + "auth id=1 key=" + key16 + " cover=none", "line 2", Errc::out_of_range},
      {head + "auth id=1 key=" + key16 + "\nauth id=1 key=" + key16, "line 3", Errc::duplicate},
      {head + "context id=1\r\n", "line 2", Errc::malformed},
      {head + std::string(key_file_line_max + 1, '#'), "line 2", Errc::too_large},
      {head + "context a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", "line 2", Errc::too_many},
  };
  for (const Bad& bad : cases) {
    const auto file = read_key_file(bad.text);
    ASSERT_FALSE(file) << bad.text;
    ASSERT_FALSE(file.error().faults.empty()) << bad.text;
    EXPECT_EQ(file.error().faults[0].where, bad.where) << bad.text;
    EXPECT_EQ(file.error().faults[0].code, bad.code) << bad.text;
    EXPECT_EQ(file.error().detail.find(key16.substr(1)), std::string::npos) << "quotes a key";
  }
}

TEST(key_file, every_bad_line_is_told_up_to_a_bound) {
  std::string text = head;
  for (int i = 0; i < 100; ++i) text += "nonsense\n";
  const auto file = read_key_file(text);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().faults.size(), key_file_faults_max);
  EXPECT_EQ(file.error().faults[3].where, "line 5");
}

TEST(key_file, has_bounds) {
  std::string text = head;
  for (std::size_t i = 0; i <= contexts_max; ++i)
    text +=
        "context id=" + std::to_string(i) + " alg=aes-128-gcm key=" + key16 + " iv=" + iv + "\n";
  const auto many = read_key_file(text);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().faults[0].code, Errc::too_many);
  EXPECT_EQ(read_key_file(std::string(key_file_bytes_max + 1, '\n')).error().code, Errc::too_large);
}

RC_GTEST_PROP(key_file, what_was_written_is_read_the_same, ()) {
  KeyFile file;
  const auto any_bytes = [](std::size_t bytes) {
    std::vector<std::byte> octets;
    octets.reserve(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
      octets.push_back(std::byte{*rc::gen::arbitrary<std::uint8_t>()});
    return octets;
  };
  const auto count = *rc::gen::inRange<std::size_t>(0, 5);
  for (std::size_t i = 0; i < count; ++i) {
    ContextSettings one{.key_id = static_cast<KeyId>(50 * i + *rc::gen::inRange(0U, 50U)),
                        .algorithm = static_cast<Algorithm>(*rc::gen::inRange(1, 4))};
    one.key = *Key::from(any_bytes(key_bytes(one.algorithm)));
    std::ranges::copy(any_bytes(nonce_bytes), one.iv.begin());
    one.tag = static_cast<TagLength>(*rc::gen::inRange(0, 2));
    one.bind = static_cast<Bind>(*rc::gen::inRange(0, 2));
    const auto first = *rc::gen::inRange(0U, 0x10000U);
    one.senders = {static_cast<SenderId>(first),
                   static_cast<SenderId>(*rc::gen::inRange(first, 0x10000U))};
    file.contexts.push_back(one);
    file.auth.push_back({.id = one.key_id,
                         .key = *Key::from(any_bytes(mac_key_bytes)),
                         .cover = static_cast<AuthCover>(*rc::gen::inRange(0, 2))});
  }
  const auto read = read_key_file(write_key_file(file));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == file);
}

}  // namespace
}  // namespace lobo::xrm
