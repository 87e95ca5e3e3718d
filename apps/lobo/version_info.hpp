#pragma once
// What the build knows about itself; the values are written by write_version.cmake at each build.

#include <string_view>

namespace lobo::app {

extern const std::string_view build_version;
extern const std::string_view build_commit;  ///< with "+changes" where the tree was not clean
extern const std::string_view build_compiler;
extern const std::string_view build_flags;
extern const std::string_view build_sanitizers;
extern const std::string_view build_nghttp2;
extern const std::string_view build_openssl;
extern const std::string_view build_sqlite;
extern const std::string_view build_gstreamer;  ///< empty where the plugin is not built

}  // namespace lobo::app
