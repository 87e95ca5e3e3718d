#pragma once
// What holds for every XML of a peer, before a member of it is read: no document type, hence no
// entity but XML's own five; bounded depth and number of elements.

#include <pugixml.hpp>
#include <string_view>

#include "base/result.hpp"

namespace lobo::qoe {

/// Faults are at "/". `xml` is bounded by the caller.
Result<void> load_surveyed(pugi::xml_document& document, std::string_view xml);

std::string_view local_name(std::string_view name);
bool is_printable(std::string_view text);

}  // namespace lobo::qoe
