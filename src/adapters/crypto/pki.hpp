#pragma once
// A certification authority for a laboratory: what `lobo pki init` writes, and tokens signed with
// its key. Keys lie in the clear beside each other: for tests and demonstrations, never for
// service.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace lobo::adapters::crypto {

inline constexpr std::chrono::days ca_life{3650};
inline constexpr std::chrono::days certificate_life{730};
inline constexpr std::size_t pki_names_max = 64;

struct PkiOptions {
  std::string folder;                     ///< made where it is missing
  std::vector<std::string> server_names;  ///< DNS names and addresses beside this machine's
  std::vector<std::string> clients;       ///< a certificate each, whose subject is the name
};

/// Writes ca.pem, ca.key, server.pem, server.key, client-NAME.pem, client-NAME.key, token.key (a
/// private JWK) and jwks.json into the folder, all with mode 0600, and returns their paths. Nothing
/// is written where one of them exists already. The server's certificate is good for localhost,
/// 127.0.0.1, ::1 and 127.0.0.60 to 127.0.0.69.
Result<std::vector<std::string>> make_pki(const PkiOptions& options, Instant now);

struct KeyPkiOptions {
  std::string folder;             ///< made where it is missing
  std::vector<std::string> upfs;  ///< DNS names, a client certificate each
  std::vector<std::string> eas;   ///< DNS names, a server certificate each
  std::chrono::seconds life = certificate_life;
};

/// What a key channel between UPFs and application servers takes: ca.pem, ca.key, upf-NAME.pem,
/// upf-NAME.key, eas-NAME.pem, eas-NAME.key, as make_pki() writes files.
Result<std::vector<std::string>> make_key_pki(const KeyPkiOptions& options, Instant now);

/// The key of flow tokens (sdd/1): flow.key, which signs, and flow.pub, which nodes trust.
Result<std::vector<std::string>> make_flow_key_files(const std::string& folder);

struct TokenRequest {
  std::string issuer;
  std::string audience;
  std::string subject;
  std::vector<std::string> scopes;
  Instant issued;
  std::chrono::seconds life{3600};
};

/// A token signed with ES256 by the private JWK in `key_file`.
Result<std::string> issue_token(const std::string& key_file, const TokenRequest& request);

}  // namespace lobo::adapters::crypto
