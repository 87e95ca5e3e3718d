#include "toolbox/flow_table.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "model/address.hpp"
#include "toolbox/set_audit.hpp"
#include "toolbox/stream_key.hpp"
#include "wire/packet/flow.hpp"

namespace lobo::app {
namespace {

std::string name_of(const model::IpAddress& address, std::uint16_t port, bool v6) {
  std::string text = model::to_text(address);
  if (port == 0) return text;
  return v6 ? fmt::format("[{}]:{}", text, port) : fmt::format("{}:{}", text, port);
}

void name(Flow& flow, const StreamKey& stream) {
  flow.key = stream;
  const packet::FlowKey& key = stream.flow;
  const bool v6 = key.ip_version == 6;
  if (key.ip_version == 0) {
    flow.source = flow.destination = "-";
    return;
  }
  flow.source = name_of(key.source(), key.source_port, v6);
  flow.destination = name_of(key.destination(), key.destination_port, v6);
}

}  // namespace

Flow& FlowTable::of(const StreamKey& key) {
  if (last_ && last_->key == key) return *last_;
  const auto found = flows_.find(key);
  if (found != flows_.end()) {
    last_ = found->second.get();
    return *last_;
  }
  if (flows_.size() >= flows_max) {
    shared_.audit.reset();
    name(shared_, key);
    return shared_;
  }
  auto fresh = std::make_unique<Flow>();
  name(*fresh, key);
  last_ = flows_.emplace(key, std::move(fresh)).first->second.get();
  return *last_;
}

SetAudit* FlowTable::audit_of(Flow& flow) {
  if (flow.audit) return flow.audit.get();
  if (&flow == &shared_ || audited_ >= audited_flows_max) return nullptr;
  ++audited_;
  flow.audit = std::make_unique<SetAudit>();
  return flow.audit.get();
}

}  // namespace lobo::app
