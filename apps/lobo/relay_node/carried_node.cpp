#include "relay_node/carried_node.hpp"

#include <span>
#include <vector>

#include "adapters/crypto/flow_token.hpp"
#include "api/sdd_relay.hpp"
#include "base/result.hpp"
#include "wire/json/formats.hpp"

namespace lobo::app {

Result<void> CarriedNode::trust(const std::vector<api::sdd_relay::TokenKey>& keys) {
  if (keys == trusted_ && verifier_.keys() > 0) return {};
  auto all = own_;
  for (const auto& told : keys) {
    const auto raw = json::base64_decode(told.public_key);
    if (!raw) return fail(Errc::malformed, "a token key of the server is no base64");
    const auto key = adapters::crypto::flow_public_key(std::as_bytes(std::span(*raw)));
    if (!key) return fail(key.error());
    all.push_back(*key);
  }
  if (auto trusted = verifier_.trust(all); !trusted) return trusted;
  trusted_ = keys;
  return {};
}

}  // namespace lobo::app
