#pragma once
// What of the SEALDD server lives in memory only, and meets there: the relay nodes, what they
// measured, who wants to know of it, what policies make of it. Everything that must survive is a
// resource, which lets it know by Observe (docs/adr/0010-observations.md). Reads no clock: time
// goes in.

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "services/sealdd/measures.hpp"
#include "services/sealdd/nodes.hpp"
#include "services/sealdd/policy.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/effect.hpp"
#include "wire/resource/record.hpp"

namespace lobo::sealdd {

class Hub {
 public:
  Hub(const Settings& settings, Instant began);

  /// What the resources let it know.
  void observed(const resource::Key& from, const resource::Observe& what, Instant now);
  /// The same at the start, for each record that is stored: nodes first, then connections.
  void restored(const resource::Record& record, Instant now);
  void advance(Instant now);
  Instant next_deadline(Instant now) const;

  using Answer = Nodes::Answer;
  struct Dues {
    std::vector<Answer> answers;
    std::vector<resource::Tell> told;
  };
  Dues take_dues();

  Nodes& nodes() { return nodes_; }
  const Nodes& nodes() const { return nodes_; }
  const Measures& measures() const { return measures_; }

 private:
  void connection(const std::string& id, const std::string& body, bool restored, Instant now);
  void session(const std::string& id, const std::string& body);
  void kept(const resource::Key& key, const std::string& body, Instant now);

  const Settings& settings_;
  Nodes nodes_;
  Measures measures_;
  Policies policies_;
  std::vector<resource::Tell> told_;
};

}  // namespace lobo::sealdd
