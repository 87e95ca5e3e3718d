#pragma once
// Resources that are read, replaced, changed by a merge patch and ended as a whole: subscriptions
// and policy configurations. The text is kept as it came, so that members that are not known here
// are shown again; what each kind adds stands in its Terms.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/state/sealdd.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/sealdd/ports.hpp"
#include "wire/resource/machine.hpp"

namespace lobo::sealdd {

/// Of every API here: members that the standard does not have (docs/spec-map.md, Extensions).
inline constexpr std::size_t extension_feature = 41;
/// SupportedFeatures of an answer to who said which ones he knows.
std::string shared_features(bool extended);
inline constexpr std::size_t kept_max = 100'000;  ///< of one kind

class KeptMachine : public resource::Machine {
 public:
  using State = api::state::sealdd::KeptState;

  struct Terms {
    std::string_view kind;
    std::string_view subject;  ///< of all of them, by which they are found at the start
    std::string_view path;     ///< of the collection, below the API root
    std::string_view create, replace, modify;  ///< operations; every other one ends it
    std::string_view clause;
    std::string_view observe;   ///< lets its state know by that name; empty when it is gone
    std::string_view expiry;    ///< member that shows when it ends; empty: it does not
    std::chrono::seconds life;  ///< until then
    std::vector<std::string_view> extensions;  ///< members that are read where negotiated only
  };

  KeptMachine(const Settings& settings, Terms terms)
      : settings_(settings), terms_(std::move(terms)) {}

  std::string_view kind() const override { return terms_.kind; }
  Result<resource::Outcome> step(const resource::Record* current, const resource::Key& key,
                                 const resource::Event& event, Instant now,
                                 const resource::Lookup& lookup) const override;

  /// As it is shown.
  std::string represent(const State& state) const;

 protected:
  /// Whether the text is one, and fits what is configured.
  virtual Result<void> check(const std::string& text, Instant now) const = 0;
  /// Whether a patch has the types that it must have.
  virtual Result<void> check_patch(const std::string& body) const = 0;
  /// By what it is found.
  virtual std::string subject_of(const State& state) const;
  /// Members to be shown besides, as a JSON object.
  virtual std::string more(const State& state) const;
  virtual Result<resource::Outcome> told(State state, const resource::Record& current,
                                         const resource::Told& what) const;
  resource::Outcome kept(const State& state, const std::string& owner) const;

  const Settings& settings_;

 private:
  Result<resource::Outcome> create(const resource::Record* current, const resource::Key& key,
                                   const resource::Command& command, Instant now,
                                   const resource::Lookup& lookup) const;
  Result<resource::Outcome> change(State state, const resource::Record& current,
                                   const resource::Command& command, Instant now) const;
  std::string admitted(const std::string& text) const;

  Terms terms_;
};

/// Whether the text's suppFeat has the extensions.
bool is_extended(const std::string& text);
/// `notifUri` of a text; empty where it has none.
std::string notif_uri_of(const std::string& text);

}  // namespace lobo::sealdd
