#include "toolbox/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "adapters/capture/source.hpp"

namespace lobo::app {
namespace {

constexpr std::chrono::seconds silent_at_first{2};
constexpr std::chrono::milliseconds between_lines{200};
constexpr double percent = 100;

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      to_a_person_(::isatty(STDERR_FILENO) == 1),
      next_(Clock::now() + silent_at_first) {}

Progress::~Progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
}

bool Progress::due() {
  if (!to_a_person_ || Clock::now() < next_) return false;
  next_ = Clock::now() + between_lines;
  return shown_ = true;
}

void Progress::line(const std::string& text) const {
  fmt::print(stderr, "\r\033[K{}: {}", what_, text);
}

void Progress::share(double done) {
  if (due())
    fmt::print(stderr, "\r\033[K{}: {:.0f} %", what_, std::clamp(done, 0.0, 1.0) * percent);
}

void Progress::look(const adapters::CaptureSource& source) {
  if (!due()) return;
  if (source.bytes_total() > 0)
    fmt::print(stderr, "\r\033[K{}: {:.0f} %, {} packets", what_,
               percent * static_cast<double>(source.bytes_taken()) /
                   static_cast<double>(source.bytes_total()),
               source.packets());
  else
    fmt::print(stderr, "\r\033[K{}: {} packets", what_, source.packets());
}

}  // namespace lobo::app
