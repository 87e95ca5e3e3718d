#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "mmec/types.hpp"
#include "wire/sdd/token.hpp"

namespace lobo::mmec {

Result<Grant> read_grant(std::vector<std::byte> token, Place at) {
  if (token.size() <= sdd::signature_bytes || token.size() > sdd::token_bytes_max)
    return fail(Errc::malformed, "a flow token is longer than its signature, and not endless",
                {{Errc::out_of_range, "/token", std::to_string(token.size()) + " octets"}});
  auto claims = sdd::decode_claims(Bytes(token).first(token.size() - sdd::signature_bytes));
  if (!claims) return fail(std::move(claims.error()));
  if (at.host.empty() || at.port == 0)
    return fail(Errc::missing, "the grant does not say where the node is",
                {{Errc::missing, "/ddServerConnInfo", "an address and a port"}});
  return Grant{std::move(token), std::move(*claims), std::move(at)};
}

}  // namespace lobo::mmec
