#pragma once
// Says on standard error how far it is, once two seconds have passed, and only to a person.

#include <chrono>
#include <cstdint>
#include <string>

#include "adapters/capture/source.hpp"

namespace lobo::app {

class Progress {
 public:
  explicit Progress(std::string what);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// Leaves the line empty.
  ~Progress();

  void share(double done);
  /// `text() -> std::string` is called when the line is due.
  template <class Text>
  void say(Text&& text) {
    if (due()) line(text());
  }
  /// Cheap enough for each packet: looks at the clock once in many.
  void packet(const adapters::CaptureSource& source) {
    if ((++packets_ & (packets_between_looks - 1)) == 0) look(source);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t packets_between_looks = 4096;
  void look(const adapters::CaptureSource& source);
  bool due();
  void line(const std::string& text) const;

  std::string what_;
  bool to_a_person_;
  bool shown_ = false;
  std::uint64_t packets_ = 0;
  Clock::time_point next_;
};

}  // namespace lobo::app
