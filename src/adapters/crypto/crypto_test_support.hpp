#pragma once
// What the tests of this folder share: programs run, files, an HTTP client in the test's hand.

#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "base/require.hpp"
#include "runtime/ports.hpp"

namespace lobo::adapters::crypto {

struct Ran {
  int status = -1;
  std::string output;
};
inline Ran run(const std::string& command) {
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  require(pipe != nullptr);
  Ran ran;
  for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) ran.output += static_cast<char>(c);
  ran.status = ::pclose(pipe);
  return ran;
}

inline std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Keeps each request until the test answers it.
struct HandClient final : runtime::HttpClient {
  struct Sent {
    http::Request request;
    Done done;
  };
  void send(http::Request request, std::chrono::milliseconds, Done done) override {
    sent.push_back({std::move(request), std::move(done)});
  }
  void answer(Result<http::Response> response) {
    require(!sent.empty());
    auto first = std::move(sent.front());
    sent.pop_front();
    first.done(std::move(response));
  }
  void answer(int status, std::string body) {
    answer(http::Response{.status = status, .headers = {}, .body = std::move(body)});
  }
  std::deque<Sent> sent;
};

}  // namespace lobo::adapters::crypto
