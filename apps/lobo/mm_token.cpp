// `lobo mm token`: what lets a client in at a node that knows no SEALDD server.
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "adapters/http/loop.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "cmd_pcap.hpp"
#include "config_section.hpp"
#include "exit_code.hpp"
#include "mm_join.hpp"
#include "output.hpp"
#include "wire/sdd/token.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::app {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view what = "no token was made";

Result<sdd::FlowToken> claims_of(const Arguments& arguments) {
  const auto life = parse_duration(arguments.text("life"));
  if (!life || *life < 1s || *life > 24h * 365)
    return fail(Errc::out_of_range, "--life wants a time such as 1h");
  const auto alias = number_option(arguments, "alias", 1, 65'535);
  if (!alias) return fail(alias.error());
  const auto reliability = number_option(arguments, "class", 0, sdd::flow_class_max);
  if (!reliability) return fail(reliability.error());
  const auto components = number_option(arguments, "components", 1, sdd::all_components);
  if (!components) return fail(components.error());
  sdd::FlowToken out;
  out.room = arguments.text("room");
  out.ue = arguments.text("ue");
  out.node = arguments.text("node");
  out.epoch = 1;
  out.issued = std::chrono::floor<std::chrono::seconds>(adapters::SystemClock{}.now());
  out.expires = out.issued + std::chrono::duration_cast<std::chrono::seconds>(*life);
  const auto number = static_cast<sdd::Alias>(*alias);
  // A flow to publish with has the alias's number, so that those of a room differ.
  if (arguments.given("asset"))
    out.flows.push_back({.id = number * 2U,
                         .alias = number,
                         .asset = std::string(arguments.text("asset")),
                         .direction = sdd::Direction::pub,
                         .components = static_cast<sdd::ComponentMask>(*components),
                         .reliability = *sdd::flow_class_of(*reliability)});
  out.flows.push_back({.id = number * 2U + 1, .direction = sdd::Direction::sub});
  return out;
}

Exit make(const Arguments& arguments) {
  auto claims = claims_of(arguments);
  if (!claims) return tell(what, claims.error(), "lobo mm token --help"), Exit::usage;
  const auto signer = adapters::crypto::FlowTokenSigner::open(std::string(arguments.text("key")));
  if (!signer)
    return tell(what, signer.error(), "lobo pki flow-key makes such a key"), Exit::configuration;
  const auto token = sdd::sign_token(std::move(*claims), **signer);
  if (!token) return tell(what, token.error()), Exit::failed;
  std::cout << sdd::token_text(*token) << '\n' << std::flush;
  return Exit::ok;
}

}  // namespace

Verb mm_token_verb() {
  return {.path = "mm token",
          .summary = "sign a flow token by hand, for a relay node without a SEALDD server",
          .example =
              "  lobo mm token --key pki/flow.key --ue alice --asset urn:avatar:alice "
              "--alias 1 > alice.token",
          .options = {{.name = "--key", .help = "the private flow key", .required = true},
                      {.name = "--ue", .help = "whom it lets in", .required = true},
                      {.name = "--room", .help = "into which room", .fallback = "room"},
                      {.name = "--node", .help = "at which node", .fallback = "relay1"},
                      {.name = "--asset", .help = "what it publishes; absent: it sees only"},
                      {.name = "--alias",
                       .help = "of the asset; one number for each UE of a room",
                       .fallback = "1"},
                      {.name = "--class", .help = "of the asset's states: 0 to 4", .fallback = "0"},
                      {.name = "--components",
                       .help = "mask of what it may publish",
                       .fallback = "4294967295"},
                      {.name = "--life", .help = "how long it is good", .fallback = "1h"}},
          .run = make};
}

}  // namespace lobo::app
