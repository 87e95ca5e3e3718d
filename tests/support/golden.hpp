#pragma once
// Golden vectors: tests/golden/<codec>/NAME.hex holds bytes (hexadecimal digits; white space is
// free,
// '#' begins a comment), NAME.txt beside it what they mean: comment lines with the source, and the
// lines `key = value` that a reader must tell, all of them and in this order.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

// Who links lobo_golden has the absolute path; else the folder is that of a checkout's root.
#ifndef LOBO_GOLDENS
#define LOBO_GOLDENS "tests/golden"
#endif

namespace lobo::test {

struct Golden {
  std::string name;
  std::vector<std::byte> bytes;
  std::string expected;
};

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

/// Bytes of a text in hexadecimal; for tests, so it throws on anything else.
inline std::vector<std::byte> from_hex(std::string_view text) {
  std::string digits;
  bool comment = false;
  for (const char c : text) {
    if (c == '#') comment = true;
    if (c == '\n') comment = false;
    if (!comment && std::string_view(" \t\r\n").find(c) == std::string_view::npos) digits += c;
  }
  if (digits.size() % 2 != 0) throw std::runtime_error("an odd number of hexadecimal digits");
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

inline std::string to_hex(Bytes bytes) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::byte b : bytes) {
    text += digits[std::to_integer<std::size_t>(b) >> 4U];
    text += digits[std::to_integer<std::size_t>(b) & 15U];
  }
  return text;
}

inline std::string without_comments(const std::string& text) {
  std::istringstream in(text);
  std::string kept;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line.front() != '#') kept += line + '\n';
  return kept;
}

/// All vectors of a codec by name; throws if there is none, so that a loop over them tests
/// something.
inline std::vector<Golden> goldens(std::string_view codec) {
  const std::filesystem::path folder = std::filesystem::path(LOBO_GOLDENS) / codec;
  std::vector<Golden> found;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".hex") continue;
    auto beside = entry.path();
    beside.replace_extension(".txt");
    found.push_back({.name = entry.path().stem().string(),
                     .bytes = from_hex(text_of(entry.path())),
                     .expected = without_comments(text_of(beside))});
  }
  if (found.empty()) throw std::runtime_error("no vectors in " + folder.string());
  std::ranges::sort(found, {}, &Golden::name);
  return found;
}

}  // namespace lobo::test
