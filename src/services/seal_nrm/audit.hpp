#pragma once
// The books of the core against ours.
//
// The problem: nothing tells us of a loss where the word about it was lost, where the core forgot
// what it held, or where it said "no such session" and held it all the same. So from time to time
// the core is asked for its list (TS 29.122 clause 5.14, GET of the collection), and one round
// compares the two:
//
// - A resource at rest whose reservation is not listed is told "audited"; it asks the core by name
//   and only then believes it.
// - What is listed with the notification URI of a resource, secret included, and is unknown to it,
//   is told to that resource, which releases it.
// - What is listed at our callback base for a resource that does not exist is released here. There
//   is no race with a create: a resource is in the store before the core hears of it, and leaves
//   the store after the core has let go.
// - What changed since less than a create may take, or has a call under way, is left to the next
//   round; so is everything after audit_orphans_max. What has no notification URI of ours is never
//   touched.
//
// Where the whole list is too large to be read, sessions are asked for at the addresses of one page
// of UEs at a time; sessions at addresses where nobody of ours is are then not seen.
//
// A PCF has no list: there each resource at rest is told that its reservation may be missing, asks
// for it by name, and nothing of nobody is found. One that cannot be asked by name is not audited.
// A NEF beside it lists what it watches, as the only door would.
//
// Of background data transfer policies (ApplyingBdtPolicy) the same is looked for, but what is
// listed and unknown to us is left alone: there is no notification URI by which it could be told
// from what another server of this AF applied.
//
// Keeps nothing in the store: a round that dies with the process is begun anew. Cost: one list of
// each kind, and two reads of the store for each resource, a page at a time.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "services/seal_nrm/ports.hpp"
#include "services/seal_nrm/southbound.hpp"
#include "services/seal_nrm/southbound_nef.hpp"
#include "wire/http/message.hpp"
#include "wire/resource/record.hpp"

namespace lobo::seal_nrm {

inline constexpr std::size_t audit_orphans_max = 256;  ///< released in one round

struct AuditTell {
  resource::Key to;
  std::string body;  ///< of Told "audited"
};

/// What is to be done before the next turn: first the tells, then the question.
struct AuditTurn {
  std::vector<AuditTell> tells;
  std::optional<CoreCall> ask;  ///< its answer goes to answered()
  bool over = false;
};

enum class AuditResult : std::uint8_t {
  compared,     ///< all of it
  in_part,      ///< at the addresses of our UEs only
  by_name,      ///< this core has no list: each is asked for by its name
  unsupported,  ///< this NEF has no list
  failed,       ///< the core or the store did not answer
};
std::string_view to_string(AuditResult result);

class AuditRound {
 public:
  /// Both outlive the round.
  AuditRound(const Settings& settings, const resource::Lookup& lookup)
      : settings_(settings), lookup_(lookup) {}

  AuditTurn next(Instant now);
  void answered(const Result<http::Response>& response);

  AuditResult result() const { return result_; }
  std::uint64_t missing() const { return missing_; }    ///< resources that were told so
  std::uint64_t extra() const { return extra_; }        ///< told to the resource they belong to
  std::uint64_t released() const { return released_; }  ///< of nobody, released here

 private:
  enum class Stage : std::uint8_t {
    sessions,
    watches,
    policies,
    listed,
    ues,
    addresses,
    page,
    applied,
    release,
    over
  };
  struct Facts;
  struct Orphan {
    std::string_view kind;
    std::string id;
  };

  /// Of the NEF, which is the only one that lists.
  AuditTurn ask(http::Request request);
  AuditTurn look_at_listed();
  AuditTurn next_page(Instant now);
  AuditTurn look_at_page();
  bool applies() const;
  AuditTurn next_applied();
  AuditTurn release_one();
  void compare_listed(std::string_view kind, const std::vector<ListedOurs>& listed,
                      std::size_t from, std::size_t to, std::vector<AuditTell>& tells);
  void compare_known(const resource::Record& record, const std::vector<ListedOurs>& listed,
                     std::vector<AuditTell>& tells);
  Result<std::optional<Facts>> facts(const resource::Key& key) const;
  std::optional<Facts> facts_of(const resource::Record& record) const;
  void give_up(AuditResult why);

  const Settings& settings_;
  const resource::Lookup& lookup_;
  Stage stage_ = Stage::sessions;
  AuditResult result_ = AuditResult::compared;
  Instant asked_{};  ///< when the list that is compared was asked for
  std::vector<ListedOurs> sessions_;
  std::vector<ListedOurs> watches_;
  bool watches_known_ = false;
  std::optional<std::vector<std::string>> policies_;  ///< their names; nothing: not compared
  std::size_t at_ = 0;                                ///< of sessions_, then of watches_
  std::string after_;                                 ///< the last UE of the page before
  std::vector<resource::Record> page_;
  std::vector<Orphan> orphans_;
  std::uint64_t missing_ = 0;
  std::uint64_t extra_ = 0;
  std::uint64_t released_ = 0;
};

}  // namespace lobo::seal_nrm
