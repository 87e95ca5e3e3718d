// Key files: what is read is written and read the same; what is refused says where, within bounds.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/require.hpp"
#include "wire/xrm/key_file.hpp"
#include "wire/xrm/receiver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace xrm = lobo::xrm;
  using lobo::require;
  // Octets are characters here, as in a file.
  const auto file = xrm::read_key_file({reinterpret_cast<const char*>(data), size});
  if (!file) {
    const auto& faults = file.error().faults;
    require(size > xrm::key_file_bytes_max || !faults.empty());
    require(faults.size() <= xrm::key_file_faults_max);
    for (const auto& fault : faults) require(fault.where.starts_with("line "));
    return 0;
  }
  require(file->contexts.size() <= xrm::contexts_max && file->auth.size() <= xrm::auth_keys_max);
  const auto again = xrm::read_key_file(xrm::write_key_file(*file));
  require(again.has_value() && *again == *file);
  return 0;
}
