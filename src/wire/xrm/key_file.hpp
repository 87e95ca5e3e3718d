#pragma once
// Contexts as text, for laboratories and tests: one line each, `name=value` between blanks, so that
// a script of any language reads it in a few lines. docs/xrm.md describes the form. Where the text
// comes from is not known here.
//
//   lobodon-xrm-keys 1
//   context id=7 alg=aes-128-gcm key=HEX iv=HEX [tag=16|8] [bind=full|length] [sid=FIRST-LAST]
//   auth id=3 key=HEX [cover=options|all]

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/auth.hpp"
#include "wire/xrm/context.hpp"

namespace lobo::xrm {

inline constexpr std::string_view key_file_head = "lobodon-xrm-keys 1";
inline constexpr std::size_t key_file_bytes_max = 64UL * 1024;
inline constexpr std::size_t key_file_line_max = 512;   ///< octets of a line
inline constexpr std::size_t key_file_faults_max = 16;  ///< told of one file
inline constexpr std::size_t auth_keys_max = 64;

struct AuthKey {
  KeyId id{};
  Key key;
  AuthCover cover = AuthCover::options;
  bool operator==(const AuthKey&) const = default;
};

struct KeyFile {
  std::vector<ContextSettings> contexts;  ///< each KeyID once, at most contexts_max
  std::vector<AuthKey> auth;              ///< each KeyID once, at most auth_keys_max
  bool operator==(const KeyFile&) const = default;
};

/// Each fault says "line N" and quotes no key.
Result<KeyFile> read_key_file(std::string_view text);
/// What read_key_file() reads as the same.
std::string write_key_file(const KeyFile& file);

}  // namespace lobo::xrm
