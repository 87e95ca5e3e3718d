#include "wire/xrm_keys/message.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm_keys/failure.hpp"
#include "wire/xrm_keys/terms.hpp"

namespace lobo::xrm {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

std::string without_end(std::string line) {
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

const ContextOffer an_offer{.terms = {.key_id = KeyId{193},
                                      .algorithm = Algorithm::aes_256_gcm,
                                      .tag = TagLength::short_,
                                      .bind = Bind::length,
                                      .senders = {SenderId{1}, SenderId{4}},
                                      .lifetime = 1500ms},
                            .replaces = {KeyId{192}}};

TEST(key_message, each_is_one_line_of_json) {
  EXPECT_EQ(write_key_message(Welcome{"eas1.example"}),
            R"({"type":"Welcome","version":1,"eas":"eas1.example"})"
            "\n");
  EXPECT_EQ(
      write_key_message(Hello{{Algorithm::aes_128_gcm, Algorithm::chacha20_poly1305},
                              {KeyId{192}, KeyId{195}},
                              24h,
                              {KeyId{192}}}),
      R"({"type":"Hello","algorithms":["aes-128-gcm","chacha20-poly1305"],"keyIds":[192,195],)"
      R"("lifetimeMaxMs":86400000,"live":[192]})"
      "\n");
  EXPECT_EQ(write_key_message(an_offer),
            R"({"type":"ContextOffer","keyId":193,"algorithm":"aes-256-gcm","tag":8,)"
            R"("bind":"length","senders":[1,4],"lifetimeMs":1500,"replaces":[192]})"
            "\n");
  EXPECT_EQ(write_key_message(ContextAccept{KeyId{193}}),
            "{\"type\":\"ContextAccept\",\"keyId\":193}\n");
  EXPECT_EQ(write_key_message(Refuse{KeyFailure::senders_of_another}),
            "{\"type\":\"Refuse\",\"reason\":\"senders_of_another\"}\n");
  EXPECT_EQ(write_key_message(Ping{}), "{\"type\":\"Ping\"}\n");
  EXPECT_EQ(write_key_message(Pong{}), "{\"type\":\"Pong\"}\n");
}

TEST(key_message, none_is_longer_than_a_line_may_be) {
  const Hello longest{
      {Algorithm::aes_128_gcm, Algorithm::aes_256_gcm, Algorithm::chacha20_poly1305},
      {KeyId{252}, KeyId{255}},
      key_lifetime_max,
      {KeyId{254}, KeyId{255}}};
  EXPECT_LE(write_key_message(longest).size(), key_message_max);
  EXPECT_LE(write_key_message(Welcome{std::string(eas_name_max, '"')}).size(), key_message_max);
}

TEST(key_message, what_was_written_reads_as_the_same) {
  for (const KeyMessage& message : std::vector<KeyMessage>{
           Welcome{"a"}, Hello{{Algorithm::aes_128_gcm}, {KeyId{0}, KeyId{255}}, 1ms, {}}, an_offer,
           ContextAccept{KeyId{0}}, Refuse{KeyFailure::silent}, Ping{}, Pong{}}) {
    const auto read = read_key_message(without_end(write_key_message(message)));
    ASSERT_TRUE(read) << write_key_message(message);
    EXPECT_EQ(*read, message);
  }
}

RC_GTEST_PROP(key_message, an_offer_reads_as_it_was_written, ()) {
  const auto first = *rc::gen::arbitrary<std::uint16_t>();
  const auto last = *rc::gen::inRange<std::uint32_t>(first, 0x10000);
  const ContextOffer offer{
      .terms = {.key_id = KeyId{*rc::gen::arbitrary<std::uint8_t>()},
                .algorithm = *rc::gen::element(Algorithm::aes_128_gcm, Algorithm::aes_256_gcm,
                                               Algorithm::chacha20_poly1305),
                .tag = *rc::gen::element(TagLength::full, TagLength::short_),
                .bind = *rc::gen::element(Bind::full, Bind::length),
                .senders = {SenderId{first}, SenderId{static_cast<std::uint16_t>(last)}},
                .lifetime = std::chrono::milliseconds{*rc::gen::inRange<std::int64_t>(
                    1, key_lifetime_max.count())}},
      .replaces = *rc::gen::element(std::vector<KeyId>{}, std::vector{KeyId{9}},
                                    std::vector{KeyId{255}, KeyId{0}})};
  const std::string line = without_end(write_key_message(offer));
  RC_ASSERT(read_key_message(line) == KeyMessage(offer));
  const auto cut = *rc::gen::inRange<std::size_t>(0, line.size());
  RC_ASSERT(read_key_message(line.substr(0, cut)).error() == KeyFailure::message_malformed);
}

TEST(key_message, what_is_not_exactly_one_is_refused) {
  for (
      const auto line :
      {""sv,
       "{}"sv,
       "[]"sv,
       "7"sv,
       R"({"type":7})"sv,
       R"({"type":"Hullo"})"sv,
       R"({"type":"Ping","more":1})"sv,
       "{"sv,
       R"({"type":"Ping"} x)"sv,
       R"({"type":"Ping","type":"Ping"})"sv,
       R"({"type":"ContextAccept"})"sv,
       R"({"type":"ContextAccept","keyId":256})"sv,
       R"({"type":"ContextAccept","keyId":-1})"sv,
       R"({"type":"ContextAccept","keyId":1.5})"sv,
       R"({"type":"ContextAccept","keyId":"1"})"sv,
       R"({"type":"Welcome","version":1,"eas":""})"sv,
       R"({"type":"Welcome","version":1,"eas":"a b"})"sv,
       R"({"type":"Welcome","version":1,"eas":"a\u0000"})"sv,
       R"({"type":"Welcome","eas":"a"})"sv,
       R"({"type":"Refuse","reason":"because"})"sv,
       R"({"type":"Refuse","reason":"unreachable"})"sv,
       R"({"type":"Hello","algorithms":[],"keyIds":[1,4],"lifetimeMaxMs":1,"live":[]})"sv,
       R"({"type":"Hello","algorithms":["rot13"],"keyIds":[1,4],"lifetimeMaxMs":1,"live":[]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm"],"keyIds":[4,1],"lifetimeMaxMs":1,"live":[]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm"],"keyIds":[1],"lifetimeMaxMs":1,"live":[]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm"],"keyIds":[1,4],"lifetimeMaxMs":0,"live":[]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm"],"keyIds":[1,4],"lifetimeMaxMs":1,"live":[1,1]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm"],"keyIds":[1,4],"lifetimeMaxMs":1,"live":[1,2,3]})"sv,
       R"({"type":"Hello","algorithms":["aes-128-gcm","aes-128-gcm"],"keyIds":[1,4],"lifetimeMaxMs":1,"live":[]})"sv}) {
    const auto read = read_key_message(line);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error(), KeyFailure::message_malformed) << line;
  }
  std::string offer = without_end(write_key_message(an_offer));
  ASSERT_TRUE(read_key_message(offer));
  for (const auto& [from, to] :
       std::vector<std::pair<std::string_view, std::string_view>>{{"\"tag\":8", "\"tag\":12"},
                                                                  {"\"tag\":8", "\"tag\":0"},
                                                                  {"\"length\"", "\"ports\""},
                                                                  {"[1,4]", "[4,1]"},
                                                                  {"[1,4]", "[1,65536]"},
                                                                  {":1500", ":0"},
                                                                  {":1500", ":2592000001"},
                                                                  {"aes-256", "AES-256"}}) {
    std::string changed = offer;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_FALSE(read_key_message(changed)) << changed;
  }
}

TEST(key_message, another_version_is_told_from_a_broken_message) {
  const auto read = read_key_message(R"({"type":"Welcome","version":2,"name":"a"})");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), KeyFailure::version_unknown);
}

TEST(key_lines, come_in_pieces_of_any_size_and_have_a_bound) {
  const std::string text = "one\ntwo\n\nfour";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    KeyLines lines;
    std::vector<std::string> read;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      std::string_view bytes = std::string_view(text).substr(at, piece);
      while (!bytes.empty()) {
        ASSERT_TRUE(lines.take(bytes));
        if (lines.whole()) read.emplace_back(lines.line());
      }
    }
    EXPECT_EQ(read, (std::vector<std::string>{"one", "two", ""})) << piece;
  }
  KeyLines lines;
  const std::string most(key_message_max, 'x');
  std::string_view bytes = most;
  EXPECT_TRUE(lines.take(bytes));
  bytes = "x";
  EXPECT_FALSE(lines.take(bytes));
  bytes = "\n";
  EXPECT_TRUE(lines.take(bytes));
  EXPECT_TRUE(lines.whole());
}

TEST(key_terms, key_and_iv_are_cut_from_what_was_exported) {
  std::vector<std::byte> exported;
  for (int i = 0; i < 44; ++i) exported.push_back(static_cast<std::byte>(i));
  const KeyTerms terms{.key_id = KeyId{7}, .algorithm = Algorithm::aes_128_gcm, .lifetime = 1s};
  const auto settings = settings_of(terms, Bytes(exported).first(28));
  EXPECT_EQ(settings.key.bytes().size(), 16U);
  EXPECT_EQ(settings.key.bytes().back(), std::byte{15});
  EXPECT_EQ(settings.iv.front(), std::byte{16});
  EXPECT_EQ(settings.iv.back(), std::byte{27});
  KeyTerms longer = terms;
  longer.algorithm = Algorithm::chacha20_poly1305;
  EXPECT_EQ(settings_of(longer, exported).iv.front(), std::byte{32});
}

TEST(key_terms, key_id_direction_and_name_make_the_context_of_the_exporter) {
  const auto context = exporter_context(KeyId{0xC1}, Direction::to_upf, "eas1");
  EXPECT_EQ(context, (std::vector{std::byte{0xC1}, std::byte{1}, std::byte{'e'}, std::byte{'a'},
                                  std::byte{'s'}, std::byte{'1'}}));
  EXPECT_NE(context, exporter_context(KeyId{0xC1}, Direction::from_upf, "eas1"));
  EXPECT_NE(context, exporter_context(KeyId{0xC2}, Direction::to_upf, "eas1"));
}

}  // namespace
}  // namespace lobo::xrm
