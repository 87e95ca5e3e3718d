#pragma once
// The formats and patterns that schemas may use, as hand-written matchers: no regular expression is
// interpreted at run time. tools/gen_api reads the comments above the declarations: a schema's
// `format:` or `pattern:` must stand here literally, or the generator refuses the document. What
// stands after "must be" completes the sentence of the fault.

#include <optional>
#include <string>
#include <string_view>

namespace lobo::json {

std::string base64_encode(std::string_view octets);
/// RFC 4648 clause 4, with padding, unused bits zero.
std::optional<std::string> base64_decode(std::string_view text);

namespace format {

/// format: uri
/// must be: an absolute URI
bool uri(std::string_view text);

/// format: ipv4
/// pattern:
/// ^(([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])\.){3}([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])$
/// must be: an IPv4 address in dotted decimals
bool ipv4(std::string_view text);

/// pattern:
/// ^(([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])\.){3}([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])(\/([0-9]|[1-2][0-9]|3[0-2]))$
/// must be: an IPv4 address with a prefix length
bool ipv4_mask(std::string_view text);

/// format: ipv6
/// must be: an IPv6 address in lower case without leading zeros
bool ipv6(std::string_view text);

/// format: ipv6-prefix
/// must be: an IPv6 prefix with its length
bool ipv6_prefix(std::string_view text);

/// pattern: ^([0-9a-fA-F]{2})((-[0-9a-fA-F]{2}){5})$
/// must be: a MAC address such as 02-00-00-00-00-01
bool mac48(std::string_view text);

/// pattern: ^[A-Fa-f0-9]*$
/// must be: hexadecimal digits
bool hexadecimal(std::string_view text);

/// pattern: ^[A-Fa-f0-9]+$
/// must be: hexadecimal digits, at least one
bool hexadecimal_not_empty(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{2}$
/// must be: two hexadecimal digits
bool hexadecimal_2(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{4}$
/// must be: four hexadecimal digits
bool hexadecimal_4(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{6}$
/// must be: six hexadecimal digits
bool hexadecimal_6(std::string_view text);

/// pattern: (^[A-Fa-f0-9]{4}$)|(^[A-Fa-f0-9]{6}$)
/// must be: four or six hexadecimal digits
bool hexadecimal_4_or_6(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{7}$
/// must be: seven hexadecimal digits
bool hexadecimal_7(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{9}$
/// must be: nine hexadecimal digits
bool hexadecimal_9(std::string_view text);

/// pattern: ^[A-Fa-f0-9]{11}$
/// must be: eleven hexadecimal digits
bool hexadecimal_11(std::string_view text);

/// pattern: ^\d{3}$
/// must be: three decimal digits
bool digits_3(std::string_view text);

/// pattern: ^\d{2,3}$
/// must be: two or three decimal digits
bool digits_2_to_3(std::string_view text);

/// pattern: ^[0-9]{5,15}$
/// must be: five to fifteen decimal digits
bool digits_5_to_15(std::string_view text);

/// pattern: ^([0-9]E-[0-9])$
/// must be: an error rate such as 1E-4
bool packet_error_rate(std::string_view text);

/// pattern: ^\d+(\.\d+)? (bps|Kbps|Mbps|Gbps|Tbps)$
/// must be: a bit rate such as 2 Mbps
bool bit_rate(std::string_view text);

/// pattern: ^(msisdn-[0-9]{5,15}|extid-[^@]+@[^@]+|.+)$
/// must be: a GPSI such as msisdn-15551230001 or extid-ue1@example.com
bool gpsi(std::string_view text);

/// pattern: ^(imsi-[0-9]{5,15}|nai-.+|gci-.+|gli-.+|.+)$
/// must be: a SUPI such as imsi-001010000000001
bool supi(std::string_view text);

/// pattern: ^extgroupid-[^@]+@[^@]+$
/// must be: an external group identifier such as extgroupid-fleet@example.com
bool external_group_id(std::string_view text);

}  // namespace format
}  // namespace lobo::json
