// Options written by hand, each with what must be read from it: tests/golden/xrm/NAME.hex and .txt.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "adapters/aead/aead_test_support.hpp"
#include "base/bytes.hpp"
#include "model/pdu_set.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/context.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/option.hpp"
#include "wire/xrm/protected.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/sender.hpp"
#include "wire/xrm/unmarked.hpp"

namespace lobo::adapters::aead {
namespace {

struct Golden {
  std::string name;
  std::vector<std::byte> option;
  std::map<std::string, std::string> says;
  std::set<std::string> warnings;

  bool has(const std::string& field) const { return says.contains(field); }
  std::uint32_t number(const std::string& field) const {
    return static_cast<std::uint32_t>(std::stoul(says.at(field)));
  }
};

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Golden read_golden(const std::filesystem::path& hex) {
  Golden golden{hex.stem().string(), from_hex(text_of(hex)), {}, {}};
  std::istringstream lines(text_of(std::filesystem::path(hex).replace_extension(".txt")));
  for (std::string line; std::getline(lines, line);) {
    std::string field;
    std::string value;
    if (line.starts_with('#') || !(std::istringstream(line) >> field >> value)) continue;
    if (field == "warning")
      golden.warnings.insert(value);
    else
      golden.says[field] = value;
  }
  return golden;
}

std::vector<Golden> goldens() {
  std::vector<Golden> all;
  for (const auto& entry : std::filesystem::directory_iterator(LOBO_XRM_GOLDEN))
    if (entry.path().extension() == ".hex") all.push_back(read_golden(entry.path()));
  return all;
}

xrm::OptionKind kind_of(const Golden& golden) {
  if (golden.has("exid"))
    return xrm::OptionKind::experimental(static_cast<std::uint16_t>(golden.number("exid")));
  return *xrm::OptionKind::safe(static_cast<std::uint8_t>(golden.number("kind")));
}

PduSetMark mark_of(const Golden& golden) {
  PduSetMark mark{.end_of_pdu_set = golden.number("e") == 1,
                  .end_of_data_burst = golden.number("d") == 1,
                  .psi = *Psi::from(golden.number("psi")),
                  .pssn = *Pssn::from(golden.number("pssn")),
                  .psn = *Psn::from(golden.number("psn"))};
  const auto number16 = [&](const char* field) {
    return golden.has(field) ? std::optional(static_cast<std::uint16_t>(golden.number(field)))
                             : std::nullopt;
  };
  if (golden.has("pssize")) mark.pdu_set_size = golden.number("pssize");
  if (golden.has("bsize")) mark.burst_size = golden.number("bsize");
  mark.pdus_in_set = number16("npds");
  mark.time_to_next_burst = number16("ttnb");
  mark.psn16 = number16("psn16");
  return mark;
}

xrm::ContextSettings context_of(const Golden& golden) {
  xrm::ContextSettings settings{
      .key_id = static_cast<xrm::KeyId>(golden.number("key_id")),
      .key = *xrm::Key::from(from_hex(golden.says.at("key"))),
      .tag = golden.number("tag") == 8 ? xrm::TagLength::short_ : xrm::TagLength::full,
      .bind = golden.says.at("bind") == "length" ? xrm::Bind::length : xrm::Bind::full};
  for (const auto algorithm : {xrm::Algorithm::aes_256_gcm, xrm::Algorithm::chacha20_poly1305})
    if (to_string(algorithm) == golden.says.at("alg")) settings.algorithm = algorithm;
  const auto iv = from_hex(golden.says.at("iv"));
  std::copy_n(iv.begin(), settings.iv.size(), settings.iv.begin());
  return settings;
}

std::array<std::byte, 8> udp_of(const Golden& golden) {
  std::array<std::byte, 8> udp{};
  if (golden.has("udp")) std::ranges::copy(from_hex(golden.says.at("udp")), udp.begin());
  return udp;
}

std::set<std::string> names_of(xrm::Warnings warnings) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < xrm::warning_kinds; ++i)
    if (const auto one = static_cast<xrm::Warning>(i); warnings.has(one))
      names.emplace(to_string(one));
  return names;
}

class GoldenXrm : public EachLibrary {};

TEST_P(GoldenXrm, each_option_is_read_as_was_written_beside_it) {
  const auto all = goldens();
  ASSERT_GE(all.size(), 37U);
  for (const Golden& golden : all) {
    SCOPED_TRACE(golden.name);
    xrm::Receiver receiver({.accept = xrm::Accept::clear_and_protected});
    if (golden.says.at("form") == "protected") {
      ASSERT_TRUE(receiver.add(*xrm::Context::create(context_of(golden), crypto())));
    }
    const auto body = xrm::body_of(golden.option, kind_of(golden));
    ASSERT_TRUE(body);
    const auto udp = udp_of(golden);
    const auto read = receiver.read(*body, udp);
    if (golden.has("refused")) {
      ASSERT_FALSE(read);
      EXPECT_EQ(to_string(read.error()), golden.says.at("refused"));
      continue;
    }
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->mark, mark_of(golden));
    EXPECT_EQ(names_of(read->warnings), golden.warnings);
    ASSERT_EQ(read->origin.has_value(), golden.says.at("form") == "protected");
    if (!read->origin) continue;
    EXPECT_EQ(read->origin->key_id, static_cast<xrm::KeyId>(golden.number("key_id")));
    EXPECT_EQ(read->origin->sender, static_cast<xrm::SenderId>(golden.number("sid")));
    EXPECT_EQ(read->origin->counter, golden.number("ctr"));
  }
}

std::vector<std::byte> written(const Golden& golden, const xrm::Crypto& crypto) {
  std::array<std::byte, xrm::protected_sent_max> body{};
  std::size_t bytes = 0;
  if (golden.says.at("form") == "clear") {
    ByteWriter out(body);
    xrm::write_body(out, mark_of(golden));
    bytes = out.position();
  } else {
    auto sender =
        xrm::Sender::create(*xrm::Context::create(context_of(golden), crypto),
                            static_cast<xrm::SenderId>(golden.number("sid")), golden.number("ctr"));
    const auto udp = udp_of(golden);
    bytes = *sender->seal(mark_of(golden), udp, body);
  }
  std::vector<std::byte> option(xrm::option_bytes_max);
  ByteWriter out(option);
  write_option(out, kind_of(golden), Bytes(body).first(bytes));
  option.resize(out.position());
  return option;
}

TEST_P(GoldenXrm, what_is_written_is_what_was_written_by_hand) {
  std::size_t compared = 0;
  for (const Golden& golden : goldens()) {
    // A writer has one form; what readers forgive or refuse is none of it.
    if (golden.has("refused") || !golden.warnings.empty()) continue;
    EXPECT_EQ(written(golden, crypto()), golden.option) << golden.name;
    ++compared;
  }
  EXPECT_GE(compared, 13U);
}

INSTANTIATE_TEST_SUITE_P(xrm, GoldenXrm, each_library, name_of_library);

}  // namespace
}  // namespace lobo::adapters::aead
