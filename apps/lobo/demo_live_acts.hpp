#pragma once
// The acts of a story about video on the live path: it is encoded, asked for, congested, handled by
// PDU Sets, released, judged. Each tells its steps; a story says which acts there are and what
// stands between them.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "base/quantity.hpp"
#include "demo_live/clip.hpp"
#include "demo_live/drawings.hpp"
#include "demo_live/viewing.hpp"
#include "demo_live_path.hpp"
#include "demo_report.hpp"
#include "demo_world.hpp"

namespace lobo::app {

inline constexpr double live_seconds_max = 60;
inline constexpr double live_overload_max = 100;

struct LiveDemoSettings {
  ClipSettings clip;
  double overload_percent = 20;
  std::string directory;
  BitsPerSecond beside{0};  ///< what the congested cell carries besides the video
};

class LiveActs {
 public:
  /// Both outlive it.
  LiveActs(LiveDemoSettings settings, LivePath& path, DemoReport& report)
      : settings_(std::move(settings)), path_(path), report_(report) {}

  void video_is_encoded();
  void programs_start();
  void application_asks();
  void plain();
  void with_sets();
  void guarantee_is_broken();
  void well_again();
  void released();
  void evaluated();

  /// Notes a step and tells it. Real where the path is.
  bool step(std::string name, std::string clause, bool ok, std::string detail);
  void figure(std::string name, double value) {
    report_.figures.emplace_back(std::move(name), value);
  }
  /// Nothing before programs_start().
  DemoWorld* world() { return world_ ? &*world_ : nullptr; }
  bool real() const { return path_.network() == "namespaces"; }
  bool interrupted() const { return world_ && world_->interrupted(); }
  /// Whatever still runs, in the order in which it depends on each other.
  void end();
  /// The sequence of the report, when all has ended: what was recorded, and `more`.
  void draw(std::vector<adapters::trace::SeenMessage> more = {});

 private:
  struct Pass {
    PassTerms terms;
    std::string words;  ///< "plain scheduling"
    PassFigures figures;
    Viewing viewing;
  };

  BitsPerSecond congested() const;
  BitsPerSecond roomy() const;
  std::int64_t qfi();
  bool play_pass(PassTerms terms, std::string words, std::string name);
  std::vector<DrawnPass> drawn() const;
  void pictures();

  LiveDemoSettings settings_;
  LivePath& path_;
  DemoReport& report_;
  std::optional<Clip> clip_;
  std::optional<DemoWorld> world_;
  std::vector<Pass> passes_;
  std::string resource_;
  std::size_t heard_before_ = 0;
  std::chrono::steady_clock::time_point narrowed_{};
  bool ended_ = false;
};

}  // namespace lobo::app
