#pragma once
// Pictures within a page: RFC 4648 clause 4.

#include <string>

#include "base/bytes.hpp"

namespace lobo::app {

std::string base64(Bytes bytes);

}  // namespace lobo::app
