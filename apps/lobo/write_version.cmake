# Writes ${OUT} from what git and the build know; left alone when nothing changed.
set(commit "unknown")
execute_process(COMMAND git -C ${SOURCE} describe --always --abbrev=12 --exclude=* --dirty=+changes
                OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
if(NOT failed)
  set(commit ${described})
endif()
set(text "#include \"version_info.hpp\"
namespace lobo::app {
const std::string_view build_version = \"${VERSION}\";
const std::string_view build_commit = \"${commit}\";
const std::string_view build_compiler = \"${COMPILER}\";
const std::string_view build_flags = \"${FLAGS}\";
const std::string_view build_sanitizers = \"${SANITIZERS}\";
const std::string_view build_nghttp2 = \"${NGHTTP2}\";
const std::string_view build_openssl = \"${OPENSSL}\";
const std::string_view build_sqlite = \"${SQLITE}\";
const std::string_view build_gstreamer = \"${GSTREAMER}\";
}  // namespace lobo::app
")
set(before "")
if(EXISTS ${OUT})
  file(READ ${OUT} before)
endif()
if(NOT before STREQUAL text)
  file(WRITE ${OUT} "${text}")
endif()
