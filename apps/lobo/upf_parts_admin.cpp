// What speaks to others than users: PFCP, and the pages by which the UPF is seen.

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "adapters/http/server.hpp"
#include "base/result.hpp"
#include "config.hpp"
#include "dataplane/n4/config.hpp"
#include "dataplane/n4/types.hpp"
#include "dataplane/stages/wanted_addresses.hpp"
#include "model/address.hpp"
#include "pages/status_pages.hpp"
#include "upf/n4_loop.hpp"
#include "upf/ports.hpp"
#include "upf/status.hpp"
#include "upf/upf_config.hpp"
#include "upf_parts.hpp"
#include "upf_server.hpp"
#include "wiring.hpp"

namespace lobo::app {
namespace {

using dataplane::PathSide;

dataplane::n4::N4Config n4_config(const UpfConfig& config, const UpfSide& n3) {
  dataplane::n4::N4Config n4 = config.n4;
  for (const auto& one : config.pfcp) {
    if (const auto* v4 = std::get_if<model::Ipv4Address>(&one.address)) n4.n4_v4 = *v4;
    if (const auto* v6 = std::get_if<model::Ipv6Address>(&one.address)) n4.n4_v6 = *v6;
  }
  n4.n3_v4 = n3.addresses.v4;
  n4.n3_v6 = n3.addresses.v6;
  return n4;
}

}  // namespace

Result<void> UpfServer::Parts::listen() {
  n4.emplace(n4_config(config, *n3),
             N4Loop::World{loop, clock, rng, *log, rules, pointers(events)});
  if (auto open = n4->listen(config.pfcp); !open) return open;
  admin.emplace(StatusSources{.name = "upf",
                              .more = {},
                              .metrics =
                                  [this] {
                                    copied->copy();
                                    return metrics.expose();
                                  },
                              .status =
                                  [this] {
                                    return status_page(
                                        {.n3 = *n3,
                                         .n6 = *n6,
                                         .n3_neighbours = keeper->known(PathSide::n3),
                                         .n6_neighbours = keeper->known(PathSide::n6),
                                         .workers = workers,
                                         .agent = n4->agent(),
                                         .key_channels = *key_channels});
                                  },
                              .ready = [this]() -> Result<void> {
                                if (ending)
                                  return fail(Errc::unavailable, "the UPF is shutting down");
                                return {};
                              }});
  for (const auto& [address, port] : config.metrics) {
    ServerAddress at;
    at.address = model::to_text(address);
    at.port = port;
    admin_servers.push_back(
        std::make_unique<adapters::HttpServer>(loop, server_config(at, {}), *admin));
    if (auto open = admin_servers.back()->listen(); !open) return open;
  }
  return {};
}

void UpfServer::Parts::count() {
  copied.emplace(metrics);
  copied->add_workers(workers);
  key_channels->add_metrics(*copied);
  const auto* agent = &n4->agent();
  copied->gauge("lobo_upf_sessions", {}, [agent] { return agent->sessions(); });
  copied->gauge("lobo_upf_associations", {}, [agent] { return agent->associations(); });
  copied->gauge("lobo_upf_tunnels", {}, [agent] { return agent->own_tunnels(); });
  copied->gauge("lobo_upf_key_contexts", {}, [this] { return workers.front().contexts(); });
  copied->gauge("lobo_upf_rule_sets_kept", {}, [this] { return rules.kept(); });
  for (const auto side : {PathSide::n3, PathSide::n6})
    copied->gauge("lobo_upf_neighbours", {{"side", std::string(to_string(side))}},
                  [this, side] { return keeper->known(side); });
  const auto n4_counter = [this, agent](const char* what,
                                        std::uint64_t dataplane::n4::Counters::* member) {
    copied->counter("lobo_upf_n4_total", {{"what", what}},
                    [agent, member] { return agent->counters().*member; });
  };
  using N4Counters = dataplane::n4::Counters;
  n4_counter("messages_in", &N4Counters::messages_in);
  n4_counter("messages_out", &N4Counters::messages_out);
  n4_counter("refused", &N4Counters::refused);
  n4_counter("repeated", &N4Counters::repeated);
  n4_counter("sent_again", &N4Counters::sent_again);
  n4_counter("not_taken", &N4Counters::not_taken);
  n4_counter("notes_lost", &N4Counters::notes_lost);
  n4_counter("reports_lost", &N4Counters::reports_lost);
  n4_counter("unknown_events", &N4Counters::unknown_events);
  copied->counter("lobo_upf_n4_total", {{"what", "datagrams_lost"}},
                  [this] { return n4->datagrams_lost(); });
}

}  // namespace lobo::app
