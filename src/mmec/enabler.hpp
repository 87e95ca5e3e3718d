#pragma once
// What the client says to the enabler's server (api/mm_das.yaml): its policies, a session, what it
// got, and goodbye. MMES has the last word; with a copy of its policies and the same merge
// (src/sync) the client asks for nothing that they refuse, and shows no more than they allow.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/mm_das.hpp"
#include "base/result.hpp"
#include "base/rng.hpp"
#include "mmec/ports.hpp"
#include "mmec/types.hpp"
#include "sync/policy.hpp"
#include "wire/http/message.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::mmec {

inline constexpr std::size_t policies_max = 1024;
inline constexpr std::size_t policy_pages_max = 16;
inline constexpr std::size_t session_id_bytes_max = 512;
inline constexpr std::size_t cursor_bytes_max = 2048;
inline constexpr std::chrono::milliseconds enabler_patience{10'000};

/// What an answer that is no success says: its problem details, with what was asked.
Error problem_of(const http::Request& asked, const http::Response& answer);

class Enabler {
 public:
  /// All outlive it.
  Enabler(const Settings& settings, Network& network, Rng& rng);

  /// What an answer changed.
  struct News {
    std::optional<Grant> grant;
    std::optional<Error> error;
    bool for_good = false;  ///< the same request would be refused again
    bool over = false;      ///< there is no session any more
  };

  /// Policies and session; News follow. Begins again where it was, after a failure.
  void ask();
  /// What holds now, with a later token; News follow.
  void refresh();
  /// Takes out what was put in, and where it is asked for the whole session; nobody waits.
  void leave(bool end_session);
  std::optional<News> answered(std::uint64_t number, const Result<http::Response>& answer);
  bool busy() const { return under_way_.has_value() || farewells_ > 0; }

  const std::string& session() const { return session_; }
  /// Components of an asset that the policies here allow; all where none speaks of it.
  sdd::ComponentMask allowed(std::string_view asset) const;
  std::size_t policies() const { return policies_.size(); }

 private:
  enum class Purpose : std::uint8_t { policies, create, read, put };
  struct UnderWay {
    std::uint64_t number = 0;
    Purpose purpose{};
    http::Request request;
  };
  using Request = api::mm_das::SyncSessionReq;

  void call(Purpose purpose, std::string method, const std::string& path, std::string body);
  void bid_farewell(const std::string& path);
  api::mm_das::SyncAsset tightened(const Wanted& wanted) const;
  Result<http::Request> request_of(std::string method, const std::string& path, std::string body);
  void next_step();
  Request wish() const;
  std::optional<News> join(const api::mm_das::SyncSession& session);
  std::optional<News> take_policies(const http::Response& answer);
  std::optional<News> resolve_here();
  std::optional<News> take_session(const http::Response& answer);
  News of_session(const api::mm_das::SyncSession& session);
  static News broken(Error error) { return {{}, std::move(error), true, false}; }

  const Settings& settings_;
  Network& network_;
  std::string key_;
  std::string session_;
  bool created_ = false;
  bool policies_known_ = false;
  std::size_t pages_ = 0;
  std::string page_;
  std::vector<sync::PolicyPtr> policies_;
  std::map<std::string, sdd::ComponentMask, std::less<>> allowed_;
  std::size_t put_ = 0;  ///< of our assets: in the session
  std::vector<std::string> added_;
  std::size_t farewells_ = 0;  ///< not answered yet
  std::optional<UnderWay> under_way_;
  std::uint64_t calls_ = 0;
  std::uint64_t calls_before_leaving_ = 0;
};

}  // namespace lobo::mmec
