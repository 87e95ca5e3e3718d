#pragma once
// A whole file as text. Only for tests.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace lobo::testing {

inline std::string text_of_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

}  // namespace lobo::testing
