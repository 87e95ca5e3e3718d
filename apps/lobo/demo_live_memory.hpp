#pragma once
// The live demo where no network may be made. `lobo netsim` and `lobo serve` are the processes that
// they always are, on loopback; this process is the UPF, on N4 too, and the gNB: packets go over
// memory rings, in virtual time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/crypto/system_rng.hpp"
#include "adapters/http/loop.hpp"
#include "adapters/trace/trace_view.hpp"
#include "base/result.hpp"
#include "dataplane/rules/worker_event.hpp"
#include "dataplane/stages/rule_board.hpp"
#include "demo_live/clip.hpp"
#include "demo_live_path.hpp"
#include "demo_live_ring.hpp"
#include "demo_world.hpp"
#include "gnb/session_terms.hpp"
#include "runtime/ports.hpp"
#include "upf/n4_loop.hpp"

namespace lobo::app {

class MemoryPath final : public LivePath {
 public:
  static Result<std::unique_ptr<MemoryPath>> build(const std::string& directory);
  ~MemoryPath() override;

  std::string_view network() const override { return "memory"; }
  std::string network_config(const Clip& clip) const override;
  Result<std::string> start(DemoWorld& world, const Clip& clip, const CellTerms& begin) override;
  Result<PassFigures> play(DemoWorld& world, const Clip& clip, const PassTerms& terms) override;
  std::string edge_address() const override { return "127.0.0.1"; }
  bool edge_is_behind_the_cell() const override { return false; }
  Result<ChildProcess> start_at_ue(const std::vector<std::string>& words,
                                   const std::string& log_file) override {
    return start_own(words, log_file);
  }
  std::string end(DemoWorld& world) override;
  std::vector<adapters::trace::SeenMessage> messages() const override { return {}; }
  std::vector<std::pair<std::string, double>> figures() const override;

 private:
  explicit MemoryPath(std::string directory) : directory_(std::move(directory)) {}
  Result<void> look_at_session(DemoWorld& world);
  Result<void> tell_notices(DemoWorld& world);
  std::uint64_t upf_sessions();
  PassFigures totals(std::int64_t qfi);
  void end_control();

  std::string directory_;
  // The UPF's control plane: a loop and a thread of its own, as in `lobo upf`.
  adapters::EventLoop loop_;
  adapters::SystemClock clock_;
  adapters::crypto::SystemRng rng_;
  std::unique_ptr<runtime::Log> log_;
  dataplane::RuleBoard rules_;
  dataplane::WorkerEvents events_;
  std::unique_ptr<N4Loop> n4_;
  std::uint16_t n4_port_ = 0;
  std::thread control_;

  std::unique_ptr<MemoryRing> ring_;
  std::optional<SessionTerms> terms_;
  std::uint64_t queue_bytes_ = 0;
};

}  // namespace lobo::app
