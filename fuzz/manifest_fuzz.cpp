// Manifests that get the tags of content steering. What is taken names every location, and is not
// taken a second time.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/require.hpp"
#include "wire/manifest/steering_tags.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using lobo::require;
  static const lobo::manifest::SteeringTags tags{
      .locations = {{"SL1", "http://a.example/"}, {"SL2", "http://b.test/x/"}},
      .server_url = "http://steer.invalid/steer?g=all"};
  // Octets are characters here, as in a file.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tagged = lobo::manifest::with_steering(text, tags);
  if (!tagged) return 0;
  require(tagged->find("http://a.example/") != std::string::npos);
  require(tagged->find("http://b.test/") != std::string::npos);
  require(!lobo::manifest::with_steering(*tagged, tags).has_value());
  return 0;
}
