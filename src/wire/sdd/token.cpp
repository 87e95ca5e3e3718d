#include "wire/sdd/token.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "wire/sdd/cbor.hpp"
#include "wire/sdd/types.hpp"

namespace lobo::sdd {
namespace {

constexpr std::uint64_t version = 1;
constexpr std::uint64_t u32_max = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t u16_max = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint64_t number_max = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t seconds_max = 253'402'300'799;  // the end of the year 9999
constexpr std::uint64_t tier_max = token_steps_max - 1;
constexpr std::size_t flow_members = 11;  // and the ladder, where there is one
constexpr std::size_t claims_pairs_max = 32;

enum Key : std::uint64_t {
  key_version = 1,
  key_key_id = 2,
  key_room = 3,
  key_ue = 4,
  key_flows = 5,
  key_role = 6,
  key_issued = 7,
  key_expires = 8,
  key_node = 9,
  key_epoch = 10,
};
constexpr std::size_t claims_pairs = 10;

void write_flow(CborWriter& out, const TokenFlow& flow) {
  out.array(flow.ladder.empty() ? flow_members : flow_members + 1);
  out.number(flow.id);
  out.number(flow.alias);
  out.text(flow.asset);
  out.number(static_cast<std::uint64_t>(flow.direction));
  out.number(flow.components);
  out.number(static_cast<std::uint64_t>(flow.reliability));
  out.number(static_cast<std::uint64_t>(flow.ttl.count()));
  out.number(flow.priority);
  out.number(flow.mbr_dl_bps);
  out.number(flow.tier);
  out.number(flow.redundant ? 1 : 0);
  if (flow.ladder.empty()) return;
  out.array(flow.ladder.size());
  for (const TokenStep& step : flow.ladder) {
    out.array(2);
    out.number(step.rate_mhz);
    out.number(step.components);
  }
}

TokenFlow read_flow(CborReader& in) {
  TokenFlow flow;
  const std::size_t members = in.array(flow_members + 1);
  if (members < flow_members) in.refuse();
  flow.id = static_cast<FlowId>(in.number(u32_max));
  flow.alias = static_cast<Alias>(in.number(u16_max));
  flow.asset = in.text(asset_bytes_max);
  flow.direction = static_cast<Direction>(in.number(direction_max));
  flow.components = static_cast<ComponentMask>(in.number(u32_max));
  flow.reliability = static_cast<FlowClass>(in.number(flow_class_max));
  flow.ttl = std::chrono::milliseconds(in.number(token_ttl_ms_max));
  flow.priority = static_cast<std::uint8_t>(in.number(token_priority_max));
  flow.mbr_dl_bps = in.number(token_bps_max);
  flow.tier = static_cast<std::uint8_t>(in.number(tier_max));
  flow.redundant = in.number(1) != 0;
  if (members == flow_members) return flow;
  const std::size_t steps = in.array(token_steps_max);
  if (steps == 0) in.refuse();
  for (std::size_t i = 0; in.ok() && i < steps; ++i) {
    if (in.array(2) != 2) in.refuse();
    const auto rate = static_cast<std::uint32_t>(in.number(token_rate_mhz_max));
    flow.ladder.push_back({rate, static_cast<ComponentMask>(in.number(u32_max))});
  }
  return flow;
}

void read_flows(CborReader& in, std::vector<TokenFlow>& flows) {
  const std::size_t count = in.array(token_flows_max);
  for (std::size_t i = 0; in.ok() && i < count; ++i) flows.push_back(read_flow(in));
}

void read_claim(CborReader& in, std::uint64_t key, FlowToken& token) {
  switch (key) {
    case key_version:
      if (in.number(number_max) != version) in.refuse();
      break;
    case key_key_id: token.key_id = static_cast<std::uint32_t>(in.number(u32_max)); break;
    case key_room: token.room = in.text(room_bytes_max); break;
    case key_ue: token.ue = in.text(ue_bytes_max); break;
    case key_flows: read_flows(in, token.flows); break;
    case key_role: token.role = static_cast<Role>(in.number(role_max)); break;
    case key_issued: token.issued = Seconds(std::chrono::seconds(in.number(seconds_max))); break;
    case key_expires: token.expires = Seconds(std::chrono::seconds(in.number(seconds_max))); break;
    case key_node: token.node = in.text(node_bytes_max); break;
    case key_epoch: token.epoch = in.number(number_max); break;
    default: in.skip(); break;  // what a later version adds
  }
}

/// Why the claims of well-formed bytes cannot be: null where they can.
const char* fault_of(const FlowToken& token) {
  if (token.room.empty() || token.ue.empty()) return "has no room or no UE";
  if (!is_utf8(token.room) || !is_utf8(token.ue) || !is_utf8(token.node)) return "is not UTF-8";
  std::vector<FlowId> ids;
  for (const TokenFlow& flow : token.flows) {
    ids.push_back(flow.id);
    if (flow.id == 0) return "has a flow without number";
    if (!is_utf8(flow.asset)) return "is not UTF-8";
    const bool whole_room = flow.alias == 0;
    if (whole_room && publishes(flow.direction)) return "publishes an asset without alias";
    if (whole_room != flow.asset.empty()) return "has an asset without alias, or an alias without";
  }
  std::ranges::sort(ids);
  if (std::ranges::adjacent_find(ids) != ids.end()) return "names a flow twice";
  return nullptr;
}

}  // namespace

std::vector<std::byte> encode_claims(const FlowToken& token) {
  const auto seconds = [](Seconds at) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(at.time_since_epoch().count(), 0));
  };
  CborWriter out;
  out.map(claims_pairs);
  out.number(key_version), out.number(version);
  out.number(key_key_id), out.number(token.key_id);
  out.number(key_room), out.text(token.room);
  out.number(key_ue), out.text(token.ue);
  out.number(key_flows), out.array(token.flows.size());
  for (const TokenFlow& flow : token.flows) write_flow(out, flow);
  out.number(key_role), out.number(static_cast<std::uint64_t>(token.role));
  out.number(key_issued), out.number(seconds(token.issued));
  out.number(key_expires), out.number(seconds(token.expires));
  out.number(key_node), out.text(token.node);
  out.number(key_epoch), out.number(token.epoch);
  return out.take();
}

Result<FlowToken> decode_claims(Bytes claims) {
  CborReader in(claims);
  FlowToken token;
  std::uint64_t seen = 0;
  const std::size_t pairs = in.map(claims_pairs_max);
  for (std::size_t i = 0; in.ok() && i < pairs; ++i) {
    const std::uint64_t key = in.number(number_max);
    if (key >= 1 && key <= claims_pairs) {
      if ((seen >> key & 1U) != 0) return fail(Errc::duplicate, "the token says a claim twice");
      seen |= std::uint64_t{1} << key;
    }
    read_claim(in, key, token);
  }
  if (!in.finished()) return fail(Errc::malformed, "the token's claims cannot be read");
  constexpr std::uint64_t all = ((std::uint64_t{1} << (claims_pairs + 1)) - 1) & ~std::uint64_t{1};
  if (seen != all) return fail(Errc::missing, "the token lacks a claim");
  if (const char* fault = fault_of(token))
    return fail(Errc::malformed, fmt::format("the token {}", fault));
  return token;
}

Result<std::vector<std::byte>> sign_token(FlowToken token, TokenSigner& signer) {
  token.key_id = signer.key_id();
  std::vector<std::byte> bytes = encode_claims(token);
  if (bytes.size() + signature_bytes > token_bytes_max)
    return fail(Errc::too_large,
                fmt::format("a token of {} flows would have {} bytes, at most {} "
                            "can be told",
                            token.flows.size(), bytes.size() + signature_bytes, token_bytes_max));
  // What no node would open is not signed.
  if (auto readable = decode_claims(bytes); !readable) return fail(readable.error());
  const auto signature = signer.sign(bytes);
  if (!signature) return fail(signature.error());
  bytes.insert(bytes.end(), signature->begin(), signature->end());
  return bytes;
}

Result<FlowToken> open_token(Bytes token, const TokenVerifier& verifier, Instant now) {
  if (token.size() <= signature_bytes || token.size() > token_bytes_max)
    return fail(Errc::malformed, "no token has this length");
  const Bytes claims = token.first(token.size() - signature_bytes);
  auto said = decode_claims(claims);
  if (!said) return said;
  Signature signature;
  std::ranges::copy(token.last(signature_bytes), signature.begin());
  if (!verifier.verify(said->key_id, claims, signature))
    return fail(Errc::unauthenticated, "no key of this node made the token's signature");
  if (now >= said->expires) return fail(Errc::unauthenticated, "the token has expired");
  if (now + token_leeway < said->issued)
    return fail(Errc::unauthenticated, "the token is not good yet");
  return said;
}

namespace {

constexpr std::string_view base64url_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string token_text(Bytes token) {
  std::string text;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const std::byte octet : token) {
    held = (held << 8U | std::to_integer<std::uint32_t>(octet)) & 0xFFFFU;
    for (bits += 8; bits >= 6; bits -= 6) text += base64url_digits[held >> (bits - 6) & 63U];
  }
  if (bits > 0) text += base64url_digits[held << (6 - bits) & 63U];
  return text;
}

Result<std::vector<std::byte>> token_of_text(std::string_view text) {
  const auto refuse = [] { return fail(Errc::malformed, "the token is not base64url"); };
  if (text.size() > (token_bytes_max + 2) / 3 * 4)
    return fail(Errc::too_large, "no token is as long as this");
  std::vector<std::byte> bytes;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto digit = base64url_digits.find(c);
    if (digit == std::string_view::npos) return refuse();
    held = (held << 6U | static_cast<std::uint32_t>(digit)) & 0xFFFFU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>(held >> bits & 0xFFU));
  }
  // What is left over is less than an octet and zero, or the text is of no bytes at all.
  if (bits >= 6 || (held & ((1U << bits) - 1U)) != 0) return refuse();
  return bytes;
}

}  // namespace lobo::sdd
