// Every operation of the metaverse enabler's server, against what api/mm_*.yaml declare of it: each
// status that can be provoked is provoked, each answer has a declared status and a body of its
// schema.

#include "metaverse/operations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/mm_das.hpp"
#include "contract/declared.hpp"
#include "metaverse/world.hpp"
#include "wire/http/message.hpp"
#include "wire/json/json.hpp"

namespace lobo::app::testing {
namespace {

using contract::declared_metaverse;

constexpr std::size_t beyond_any_limit = 1'100'000;

/// Asks the operation as it stands, with these changes.
struct Ask {
  http::Headers headers{};
  std::optional<std::string> body{};
  std::optional<std::string> who{};
};

class Provoker {
 public:
  explicit Provoker(const MmOperation& operation) : operation_(operation) {
    world.on_answer = [](const http::Request& request, const http::Response& response) {
      const auto wrong = contract::wrong_with(request, response);
      EXPECT_TRUE(wrong.empty()) << wrong;
    };
    at = operation.path(world);
    world.idle();  // What SEALDD is still asked for beside would be taken up again after a crash.
  }
  http::Request request(const Ask& with = {}) const {
    return world.request(operation_.method, at, with.body.value_or(operation_.body), with.headers,
                         with.who.value_or(operation_.who));
  }
  int ask(const Ask& with = {}) { return world.ask(request(with)).status; }

  MmWorld world;
  std::string at;

 private:
  const MmOperation& operation_;
};

/// How each status of any operation is provoked.
int provoke(const MmOperation& operation, int status) {
  Provoker p(operation);
  const bool takes_body = !operation.body.empty();
  const bool creates = operation.status == 201;
  const http::Headers key{{"idempotency-key", "k"}};
  switch (status) {
    case 200:
      if (creates) p.ask({.headers = key});
      return p.ask({.headers = creates ? key : http::Headers{}});
    case 202:
      if (operation.id != "DeleteSyncSession") return p.ask();
      p.world.idle();
      p.world.sealdd.status = 503;
      return p.ask();
    case 400:
      if (takes_body) return p.ask({.body = "{"});
      if (operation.id == "ListSyncSessions" || operation.id == "ListSyncSubscriptions" ||
          operation.id == "ListSyncPolicies" || operation.id.starts_with("ListMdrb")) {
        p.at = p.at.substr(0, p.at.find('?')) + "?limit=0";
        return p.ask();
      }
      return p.ask({.body = "{}"});
    case 401: return p.ask({.who = ""});
    case 403: return p.ask({.headers = {{"x-lobo-scopes", "other"}}});
    case 404:
      if (operation.of_one) return p.ask({.who = "other"});
      {
        // Of a callback: the secret is another.
        const auto slash = p.at.rfind('/');
        p.at = p.at.substr(0, p.at.rfind('/', slash - 1)) + "/none" + p.at.substr(slash);
      }
      return p.ask();
    case 406: return p.ask({.headers = {{"accept", "text/html"}}});
    case 409:
      if (creates) {
        p.ask({.headers = key});
        auto other = operation.body;
        other.back() = ' ';
        other += '}';
        return p.ask({.headers = key, .body = other});
      }
      if (operation.id == "GetSyncAsset" || operation.id == "RemoveSyncAsset") {
        p.world.ask("PUT", p.at, MmWorld::asset("1", "ue-2"));
        return p.ask();
      }
      if (operation.id == "VetoTier") return p.ask({.body = R"({"tier":8,"holdSec":1})"});
      if (operation.id == "DeleteMdrbBlock") {
        p.world.ask("POST", "/mm-mdrb/v1/assets",
                    R"({"blockId":")" + p.at.substr(p.at.rfind('/') + 1) + R"(","name":"a"})");
        return p.ask();
      }
      p.world.ask("DELETE",
                  p.at.substr(0, p.at.find('/', std::string("/mm-das/v1/sessions/").size())));
      return p.ask();
    case 412: return p.ask({.headers = {{"if-match", "\"999\""}}});
    case 413: return p.ask({.body = std::string(beyond_any_limit, ' ')});
    case 415: return p.ask({.headers = {{"content-type", "text/plain"}}});
    case 422:
      p.world.policy(R"({"match":{},"outOfRange":"REFUSE","qosCeil":{"mbrDl":"1 Kbps"}})");
      if (operation.id == "ModifySyncSession")
        return p.ask({.body = R"({"assets":[)" +
                              MmWorld::asset("1", "ue-1", R"({"mbrDl":"9 Mbps"})") + "]}"});
      return p.ask();
    case 424: p.world.sealdd.refused_ues = {"ue-1"}; return p.ask();
    case 429:
      if (operation.who.empty()) return 0;
      p.world.server().plane.router().change_limits(
          {.resources_per_owner_max = 1000, .requests_per_second = 0.001, .request_burst = 0});
      return p.ask();
    case 500: {
      const Ask with{.headers = creates ? key : http::Headers{}};
      if (creates) p.ask(with);
      p.world.idle();
      p.world.spoil();
      return p.ask(with);
    }
    case 503:
      p.world.crash_and_restart();  // What was used a moment ago would be in memory.
      p.world.server().store.set_gone(true);
      return p.ask();
    case 504: p.world.sealdd.silent = true; return p.ask();
    default: return p.ask();
  }
}

struct Exception {
  std::string_view operation;
  int status;
  std::string_view reason;
};
constexpr std::array exceptions{
    Exception{"*", 307, "this server redirects nobody; the standard lets a server do so"},
    Exception{"*", 308, "this server redirects nobody; the standard lets a server do so"},
    Exception{"*", 411,
              "a request without a length has no body here, and is refused as 400 or 415"},
    Exception{"DELETE", 400, "nothing of it is read but what HTTP itself refuses"},
    Exception{"ReceiveConnectionStatus", 429,
              "a callback has no rate of its own; a session's queue has"},
    Exception{"ReceiveNetworkQos", 429, "as ReceiveConnectionStatus"},
    Exception{"ReceiveQualityMeasurement", 429, "as ReceiveConnectionStatus"},
    Exception{"ReplaceSyncSubscription", 409, "it takes any change; declared for all writes alike"},
    Exception{"ModifySyncSubscription", 409, "as ReplaceSyncSubscription"},
    Exception{"ReplaceSyncPolicy", 409, "as ReplaceSyncSubscription"},
    Exception{"ModifySyncPolicy", 409, "as ReplaceSyncSubscription"},
    Exception{"ReplaceMdrbBlock", 409, "as ReplaceSyncSubscription"},
    Exception{"ReplaceMdrbBlock", 500, "what is stored is replaced unread"},
    Exception{"DeleteMdrbBlock", 500, "nothing stored is read for it"},
    Exception{"DeleteSyncSession", 409, "a session can be deleted in any state"},
    Exception{"DeleteSyncSubscription", 500, "nothing stored is read but whether it can be"},
    Exception{"ListMissedNotifications", 500, "the subscription itself is not read for it"},
};
bool excepted(const MmOperation& operation, int status) {
  return std::ranges::any_of(exceptions, [&](const Exception& one) {
    return one.status == status && (one.operation == "*" || one.operation == operation.id ||
                                    one.operation == operation.method);
  });
}

TEST(mm_operations, each_declared_status_that_can_be_provoked_comes_as_declared) {
  std::set<std::string_view> seen;
  for (const auto& operation : mm_operations()) {
    seen.insert(operation.id);
    const auto found = declared_metaverse().find(std::string(operation.id));
    ASSERT_NE(found, declared_metaverse().end()) << operation.id;
    for (const auto& [status, body] : found->second.answers) {
      if (excepted(operation, status)) continue;
      SCOPED_TRACE(std::string(operation.id) + ' ' + std::to_string(status));
      EXPECT_EQ(provoke(operation, status), status);
    }
  }
  // Of assets in blocks and their media: mdrb_test.cpp.
  seen.insert({"CreateMdrbAsset", "ReplaceMdrbAsset", "PutMdrbMedia", "GetMdrbMedia"});
  for (const auto& [id, operation] : declared_metaverse()) EXPECT_TRUE(seen.contains(id)) << id;
}

TEST(mm_operations, the_server_serves_what_the_documents_declare_and_nothing_else) {
  MmWorld world;
  std::set<std::string> served, written;
  for (const auto& operation : world.server().plane.router().operations())
    served.emplace(operation.id);
  for (const auto& [id, operation] : declared_metaverse()) written.insert(id);
  EXPECT_EQ(served, written);
}

TEST(mm_operations, a_list_goes_on_where_its_page_ended) {
  MmWorld w;
  std::set<std::string> made, listed;
  for (int i = 0; i < 5; ++i)
    made.insert(w.session(MmWorld::asset("1", "ue-" + std::to_string(i))));
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto answer = w.ask("GET", "/mm-das/v1/sessions?limit=2" + cursor);
    const auto list = json::read<api::mm_das::SyncSessionList>(answer.body);
    ASSERT_TRUE(list) << answer.body;
    for (const auto& one : list->items) listed.insert("/mm-das/v1/sessions/" + one.session_id);
    if (!list->next) break;
    cursor = "&cursor=" + *list->next;
  }
  EXPECT_EQ(listed, made);
}

}  // namespace
}  // namespace lobo::app::testing
