#pragma once
// The live demo's network on one machine: four namespaces joined by virtual Ethernet, and in them
// the programs as anybody would start them.
//
//   server            core                     ran               ue
//   ffmpeg, lobo eas -- n6 lobo upf n3 -- gnb0 lobo gnb air0 -- air1 lobo ue, ffmpeg
//                     lobo netsim, lobo serve, the application that asks (this process)
//
// With an edge the server is a router too: behind it, over edge1 and edge0, the UE reaches what
// listens in the core's namespace, beside the control plane that it belongs to.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/trace/trace_view.hpp"
#include "api_client.hpp"
#include "base/quantity.hpp"
#include "base/result.hpp"
#include "demo_live/clip.hpp"
#include "demo_live/n4_listener.hpp"
#include "demo_live/network_namespace.hpp"
#include "demo_live/recorder.hpp"
#include "demo_live_path.hpp"
#include "demo_world.hpp"
#include "process.hpp"

namespace lobo::app {

class NamespacePath final : public LivePath {
 public:
  /// Makes the namespaces and goes into that of the core. The fault says what is missing.
  enum class Edge : bool { without, with };
  static Result<std::unique_ptr<NamespacePath>> build(const std::string& directory, Edge edge);
  ~NamespacePath() override;

  std::string_view network() const override { return "namespaces"; }
  std::string network_config(const Clip& clip) const override;
  Result<std::string> start(DemoWorld& world, const Clip& clip, const CellTerms& begin) override;
  Result<PassFigures> play(DemoWorld& world, const Clip& clip, const PassTerms& terms) override;
  std::string edge_address() const override { return std::string(live_edge_address); }
  bool edge_is_behind_the_cell() const override { return true; }
  Result<ChildProcess> start_at_ue(const std::vector<std::string>& words,
                                   const std::string& log_file) override;
  std::string end(DemoWorld& world) override;
  std::vector<adapters::trace::SeenMessage> messages() const override;
  std::vector<std::pair<std::string, double>> figures() const override;

 private:
  struct Spaces {
    NetworkNamespace server, core, ran, ue;
  };
  NamespacePath(std::string directory, Spaces spaces, std::string by, Edge edge)
      : directory_(std::move(directory)),
        spaces_(std::move(spaces)),
        by_(std::move(by)),
        edge_(edge) {}
  static Result<void> join_edge(const Spaces& spaces);

  Result<ChildProcess> child(const NetworkNamespace& where, const std::vector<std::string>& words,
                             std::string_view log);
  Result<void> start_captures();
  Result<void> start_upf(DemoWorld& world);
  Result<void> start_ran(DemoWorld& world, const CellTerms& begin);
  Result<void> start_eas(DemoWorld& world);
  Result<void> registered(DemoWorld& world);
  Result<void> warm_up(DemoWorld& world);
  Result<void> set_cell(const PassTerms& terms);
  Result<json::Value> gnb_status();
  void settle(DemoWorld& world);
  Result<PassFigures> totals(std::int64_t qfi);
  Result<ChildProcess> start_receiver(DemoWorld& world, const Clip& clip, const std::string& file);
  Result<void> send(DemoWorld& world, const Clip& clip);
  void note(std::string from, std::string to, std::string text, std::string clause);
  std::vector<std::string> leftovers(DemoWorld& world);

  std::string directory_;
  Spaces spaces_;
  std::string by_;  ///< what permits the namespaces
  Edge edge_;
  std::unique_ptr<Recorder> n6_, n3_, n4_;
  N4Listener n4_messages_;
  std::optional<ChildProcess> upf_, gnb_, ue_, eas_;
  std::unique_ptr<ApiClient> gnb_api_, upf_api_;
  std::vector<adapters::trace::SeenMessage> notes_;
  std::string eas_in_;  ///< where `lobo eas` listens
  std::uint64_t n3_frames_ = 0;
  std::uint64_t n6_frames_ = 0;
};

}  // namespace lobo::app
