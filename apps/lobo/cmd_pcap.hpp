#pragma once
// What the verbs of `lobo pcap` have in common: the options that tell how marks are read, and how
// they say what became of a capture.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/capture/file.hpp"
#include "adapters/capture/sink.hpp"
#include "adapters/capture/source.hpp"
#include "base/result.hpp"
#include "cli.hpp"
#include "dataplane/marker.hpp"
#include "exit_code.hpp"
#include "toolbox/mark_reader.hpp"
#include "toolbox/mark_writer.hpp"
#include "toolbox/packet_marker.hpp"

namespace lobo::app {

/// "--he-id", "--option-kind", "--exid", "--keys", "--strict", "--protected-only".
std::vector<Option> reading_options();
Result<ReadSettings> read_settings(const Arguments& arguments);

std::vector<Option> joined(std::vector<Option> own, std::vector<Option> common);

const Option& input_option();
Option output_file_option();

/// A whole number in a range; the fault names the option.
Result<std::uint64_t> number_option(const Arguments& arguments, std::string_view name,
                                    std::uint64_t least, std::uint64_t most);

/// The file of --output. It is refused if something is read from it: `inputs`, a key file, a video.
Result<adapters::ByteSink> open_output(const Arguments& arguments,
                                       std::vector<adapters::FileIdentity> inputs);

/// Says what is wrong with a capture that was read, if anything is; the exit code that follows.
Exit tell_ending(const adapters::CaptureSource& source);

/// "--form", "--fields", "--option-kind" …: how marks are written.
std::vector<Option> writing_options(std::string_view carry_fallback, bool none_too);
Result<WriteSettings> write_settings(const Arguments& arguments);
/// "--set", "--importance".
std::vector<Option> marker_options();
Result<dataplane::MarkerConfig> marker_config(const Arguments& arguments);
/// "--codec", "--payload-type", "--lone", "--port": which packets are marked, and as what.
std::vector<Option> stream_options();
Result<MarkSettings> mark_settings(const Arguments& arguments, const WriteSettings& writing);

std::vector<Verb> pcap_gen_verbs();
std::vector<Verb> pcap_mark_verbs();
std::vector<Verb> pcap_strip_verbs();
std::vector<Verb> pcap_inspect_verbs();
std::vector<Verb> pcap_compare_verbs();  // convert, verify, squeeze, diff
std::vector<Verb> pcap_fuzz_verbs();

}  // namespace lobo::app
