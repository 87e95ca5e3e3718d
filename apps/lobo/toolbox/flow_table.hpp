#pragma once
// The flows of a capture, and the RTP streams in them: their names as text, and the audit of their
// PDU Sets. Made once for each, so that a packet costs a look-up and no allocation.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "toolbox/set_audit.hpp"
#include "toolbox/stream_key.hpp"

namespace lobo::app {

inline constexpr std::size_t flows_max = 65536;
/// Flows whose PDU Sets are followed: 6 KiB each.
inline constexpr std::size_t audited_flows_max = 8192;

struct Flow {
  StreamKey key;
  std::string source;  ///< address and port
  std::string destination;
  std::unique_ptr<SetAudit> audit;  ///< once it has a mark
};

class FlowTable {
 public:
  /// Never fails: beyond flows_max all new flows share one entry, which is named anew each time.
  Flow& of(const StreamKey& key);
  /// nullptr where too many flows are followed already.
  SetAudit* audit_of(Flow& flow);

  template <class Visit>
  void for_each(Visit&& visit) {
    for (auto& [key, flow] : flows_) visit(*flow);
  }

 private:
  std::unordered_map<StreamKey, std::unique_ptr<Flow>, StreamHash> flows_;
  Flow* last_ = nullptr;  ///< most packets belong to the flow of the one before
  Flow shared_;
  std::size_t audited_ = 0;
};

}  // namespace lobo::app
