#pragma once
// Why there is no key: the closed list of what either end says, to the other and to people.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace lobo::xrm {

enum class KeyFailure : std::uint8_t {
  // The connection and who is at its ends.
  unreachable,                ///< no connection came to be
  closed,                     ///< the connection ended
  silent,                     ///< no answer in time
  authority_unknown,          ///< the certificate is signed by nobody who is believed
  certificate_expired,        ///< or
  certificate_not_yet_valid,  ///< by the clock of who looks at it
  certificate_missing,        ///< none was shown
  certificate_refused,        ///< for another reason
  name_not_expected,          ///< the certificate is good, but for somebody else
  handshake_failed,           ///< TLS broke: altered, another version, no TLS at all
  // What is said on it.
  message_malformed,   ///< no message of the channel
  message_unexpected,  ///< one that has no place here
  version_unknown,     ///< of the channel
  // What is offered.
  algorithm_not_common,
  tag_not_allowed,       ///< short tags where whole ones are wanted
  bind_not_allowed,      ///< ports uncovered where they are to be covered
  lifetime_not_allowed,  ///< too long or too short
  senders_not_allowed,   ///< SIDs that this application server does not have
  senders_of_another,    ///< SIDs that another one has
  key_id_not_allowed,    ///< a KeyID outside the range that was given
  key_id_used,           ///< live, or given on this connection already
  too_many_keys,         ///< a third one beside two that live
  not_installed,         ///< the UPF could not make it ready
};
inline constexpr std::size_t key_failures = 23;

constexpr std::string_view to_string(KeyFailure failure) {
  switch (failure) {
    case KeyFailure::unreachable: return "unreachable";
    case KeyFailure::closed: return "closed";
    case KeyFailure::silent: return "silent";
    case KeyFailure::authority_unknown: return "authority_unknown";
    case KeyFailure::certificate_expired: return "certificate_expired";
    case KeyFailure::certificate_not_yet_valid: return "certificate_not_yet_valid";
    case KeyFailure::certificate_missing: return "certificate_missing";
    case KeyFailure::certificate_refused: return "certificate_refused";
    case KeyFailure::name_not_expected: return "name_not_expected";
    case KeyFailure::handshake_failed: return "handshake_failed";
    case KeyFailure::message_malformed: return "message_malformed";
    case KeyFailure::message_unexpected: return "message_unexpected";
    case KeyFailure::version_unknown: return "version_unknown";
    case KeyFailure::algorithm_not_common: return "algorithm_not_common";
    case KeyFailure::tag_not_allowed: return "tag_not_allowed";
    case KeyFailure::bind_not_allowed: return "bind_not_allowed";
    case KeyFailure::lifetime_not_allowed: return "lifetime_not_allowed";
    case KeyFailure::senders_not_allowed: return "senders_not_allowed";
    case KeyFailure::senders_of_another: return "senders_of_another";
    case KeyFailure::key_id_not_allowed: return "key_id_not_allowed";
    case KeyFailure::key_id_used: return "key_id_used";
    case KeyFailure::too_many_keys: return "too_many_keys";
    case KeyFailure::not_installed: return "not_installed";
  }
  std::abort();
}

constexpr std::optional<KeyFailure> key_failure_of(std::string_view name) {
  for (std::size_t i = 0; i < key_failures; ++i)
    if (to_string(static_cast<KeyFailure>(i)) == name) return static_cast<KeyFailure>(i);
  return std::nullopt;
}

/// Somebody said no, as against a connection that was not there or went.
constexpr bool is_refusal(KeyFailure failure) { return failure > KeyFailure::silent; }

struct KeyCause {
  KeyFailure failure{};
  bool by_peer = false;  ///< it was the other end that said so
  bool operator==(const KeyCause&) const = default;
};

}  // namespace lobo::xrm
