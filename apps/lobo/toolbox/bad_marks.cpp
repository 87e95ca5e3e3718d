#include "toolbox/bad_marks.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "toolbox/bad_frames.hpp"
#include "toolbox/reason.hpp"

namespace lobo::app {
namespace {

/// EM of the packets here: E, PSI 1, PSSN 341, PSN 42 would not begin a set; so E, PSI 1, PSSN 5,
/// PSN 0.
constexpr std::string_view mandatory = "810140";

/// Each packet is a flow of its own, so that no verdict depends on another packet.
class Corpus {
 public:
  void option(std::string name, Reason verdict, std::string_view body) {
    add(std::move(name), verdict, with_surplus(frame(), xrm_option(hex(body))));
  }
  void surplus(std::string name, Reason verdict, std::string_view options, Ocs ocs = Ocs::right) {
    add(std::move(name), verdict, with_surplus(frame(), hex(options), ocs));
  }
  void extension(std::string name, Reason verdict, std::string_view bytes) {
    FrameOf what{.source_port = port_, .extension = hex(bytes)};
    add(std::move(name), verdict, frame_of(what));
  }
  void tunnel(std::string name, Reason verdict, std::uint8_t type, std::string_view extensions) {
    add(std::move(name), verdict, in_tunnel(frame(), type, hex(extensions)));
  }
  void add(std::string name, Reason verdict, ByteVector frame) {
    all_.push_back({std::move(name), verdict, std::move(frame)});
    ++port_;
  }
  ByteVector frame(bool odd = false) const { return frame_of({.source_port = port_, .odd = odd}); }
  std::uint16_t port() const { return port_; }
  std::vector<BadPacket> take() { return std::move(all_); }

 private:
  std::vector<BadPacket> all_;
  std::uint16_t port_ = corpus_first_port;
};

void surplus_cases(Corpus& corpus) {
  const ByteVector good = xrm_option(hex("03810140 00 00"));
  corpus.add("a mark in an option, even UDP length", Reason::marked,
             with_surplus(corpus.frame(), good));
  corpus.add("a mark in an option, odd UDP length", Reason::marked,
             with_surplus(corpus.frame(true), good));
  corpus.add("OCS off by one bit", Reason::ocs_wrong,
             with_surplus(corpus.frame(), good, Ocs::wrong));
  corpus.add("OCS zero beside a UDP checksum", Reason::ocs_missing,
             with_surplus(corpus.frame(), good, Ocs::zero));
  corpus.add("a pad byte that is not zero", Reason::pad_not_zero,
             with_surplus(corpus.frame(true), good, Ocs::right, std::byte{1}));
  corpus.add("a surplus area of one byte", Reason::surplus_too_short,
             with_raw_surplus(corpus.frame(), hex("00")));
  corpus.surplus("an option beyond the area", Reason::option_cut, "7f 20 5852 03810140 0000");
  corpus.surplus("an option of Length 1", Reason::option_length, "14 01 00 00");
  corpus.surplus("an option of Length 0", Reason::option_length, "14 00 00 00");
  corpus.surplus("an Extended Length below 255", Reason::option_length, "14 ff 0010 00000000");
  corpus.surplus("an APC of two bytes", Reason::option_length, "02 04 0000");
  corpus.surplus("an APC of other user data", Reason::apc_wrong, "02 06 00000000");
  corpus.surplus("a mark behind an APC of other user data", Reason::apc_wrong,
                 "02 06 00000000 7f 0a 5852 03810140 00 00");
  std::string many;  // of kinds that nobody has assigned; a repeated one would not count
  for (const char* kind :
       {"14", "15", "16", "17", "18", "19", "1a", "1b", "1c", "1d", "1e", "1f", "20",
        "21", "22", "23", "24", "25", "26", "27", "28", "29", "2a", "2b", "2c"})
    many += std::string(kind) + " 02 ";
  corpus.surplus("twenty-five options", Reason::too_many_options, many);
  corpus.surplus("an UNSAFE option beside user data", Reason::unsafe_option, "c0 04 0000");
  corpus.surplus("FRAG beside user data", Reason::fragment_misplaced, "03 0a 0030 00000001 0000");
  corpus.surplus("no option but the end", Reason::unmarked, "00 00 00 00");
  corpus.surplus("an experiment of somebody else", Reason::unmarked, "7f 06 1234 0000");
}

void option_cases(Corpus& corpus) {
  const std::string em(mandatory);
  corpus.option("all fields", Reason::marked, "03" + em + "05 000000 0001 05 000000 ffff");
  corpus.option("cut in EM", Reason::truncated, "03 8101");
  corpus.option("cut in EO", Reason::truncated, "03" + em + "05 0000");
  corpus.option("empty", Reason::truncated, "");
  corpus.option("Len_EM 5", Reason::length_invalid, "05" + em + "0000 00 00");
  corpus.option("Len_EM 0", Reason::length_invalid, "00" + em + "00 00");
  corpus.option("Len_EO 4", Reason::length_invalid, "03" + em + "04 00000000 00");
  corpus.option("Len_EN 1", Reason::length_invalid, "03" + em + "00 01 00");
  corpus.option("octets behind EN", Reason::trailing_octets, "03" + em + "00 00 ff");
  corpus.option("lengths that count themselves", Reason::marked, "04" + em + "01 01");
  corpus.option("groups left out", Reason::marked, "03" + em);
  corpus.option("R bits set", Reason::marked, "03 e10140 00 00");
  corpus.option("an extension of an unknown type", Reason::marked,
                "03" + em + "00 09 000000 ffff 7f 02 abcd");
  corpus.option("protected", Reason::sealed,
                "80070001 0000002a 0e2a06a3db84a2876ed56b00a715806c "
                "6bd9709c18142a494551ba4f00c17146");
}

void extension_cases(Corpus& corpus) {
  const std::string em(mandatory);
  corpus.extension("one byte, 3 bytes", Reason::marked, "bede0001 12" + em);
  corpus.extension("one byte, 5 bytes", Reason::marked, "bede0002 14" + em + "0001 0000");
  corpus.extension("one byte, 6 bytes", Reason::marked, "bede0002 15" + em + "000000 00");
  corpus.extension("one byte, 8 bytes", Reason::marked, "bede0003 17" + em + "000000 0001 000000");
  corpus.extension("two byte, 8 bytes", Reason::marked, "10000003 0108" + em + "000000 0001 0000");
  corpus.extension("two byte, appbits set", Reason::marked, "100f0002 0103" + em + "000000");
  corpus.extension("an element of 4 bytes", Reason::extension_length,
                   "bede0002 13" + em + "00 000000");
  corpus.extension("an element beyond the extension", Reason::extension_damaged,
                   "bede0001 17" + em);
  corpus.extension("another identifier", Reason::unmarked, "bede0001 22" + em);
  corpus.extension("identifier 15 ends the reading", Reason::unmarked,
                   "bede0002 f0 12" + em + "000000");
  corpus.extension("another profile", Reason::unmarked, "abcd0001 12" + em);
  corpus.extension("an extension beyond the datagram", Reason::unmarked, "bede0100 12" + em);
}

void tunnel_cases(Corpus& corpus) {
  constexpr std::uint8_t set = 0x04;
  constexpr std::uint8_t session = 0x85;
  corpus.tunnel("both containers", Reason::marked, session, "01 0009 04 02 04 2405 01 00 00 00");
  corpus.tunnel("a session container alone", Reason::unmarked, session, "01 0009 00");
  corpus.tunnel("PSSI without PSSize", Reason::container_malformed, set, "02 06 2405 01 00 00 00");
  corpus.tunnel("an extension header of length zero", Reason::gtpu_malformed, set,
                "00 04 2405 01 00 00 00");
  corpus.tunnel("an extension header beyond the message", Reason::gtpu_malformed, set,
                "ff 04 2405 01 00 00 00");
  ByteVector longer = in_tunnel(corpus.frame(), session, hex("01 0009 00"));
  longer[14 + 20 + 8 + 2] = std::byte{0x7F};
  corpus.add("a G-PDU longer than its datagram", Reason::gtpu_malformed, std::move(longer));
  FrameOf other{.source_port = corpus.port(), .extension = hex("bede0001 12 8101 80")};
  corpus.add("a container and a header extension that differ", Reason::carriages_differ,
             in_tunnel(frame_of(other), set, hex("02 04 2405 01 00 00 00")));
  FrameOf both{.source_port = corpus.port(), .extension = hex("bede0001 12 810180")};
  corpus.add("an option and a header extension that differ", Reason::carriages_differ,
             with_surplus(frame_of(both), xrm_option(hex("03810140 00 00"))));
}

void packet_cases(Corpus& corpus) {
  constexpr std::size_t ip = 14;
  constexpr std::size_t udp = ip + 20;
  auto frame = corpus.frame();
  frame[udp + 4] = std::byte{0x7F};
  corpus.add("UDP Length beyond the IP packet", Reason::packet_malformed, frame);
  frame = corpus.frame();
  frame[udp + 4] = frame[udp + 5] = std::byte{0};
  frame[udp + 5] = std::byte{7};
  corpus.add("UDP Length 7", Reason::packet_malformed, frame);
  frame = corpus.frame();
  frame[ip] = std::byte{0x44};
  corpus.add("an IPv4 header of 16 bytes", Reason::packet_malformed, frame);
  frame = corpus.frame();
  frame[ip + 6] = std::byte{0x20};
  corpus.add("the first of several fragments", Reason::fragment, frame);
  frame = corpus.frame();
  frame[ip + 9] = std::byte{6};
  corpus.add("TCP", Reason::not_udp, frame);
  frame = corpus.frame();
  frame[12] = std::byte{0x08};
  frame[13] = std::byte{0x06};
  corpus.add("ARP", Reason::not_udp, frame);
  frame = corpus.frame();
  frame.resize(frame.size() - 10);
  corpus.add("a frame shorter than its IP packet", Reason::packet_malformed, frame);
}

/// Marks of a flow, PDU by PDU, in a header extension with PSSize and NPDS.
class SetCorpus {
 public:
  explicit SetCorpus(std::uint16_t port) : port_(port) {}
  /// E PSI(4) PSSN PSN.
  void pdu(bool end, unsigned psi, unsigned pssn, unsigned psn, unsigned size, unsigned count,
           Reason verdict = Reason::marked) {
    const std::uint32_t bits = (end ? 0x800000U : 0U) | psi << 16U | pssn << 6U | psn;
    ByteVector extension = hex("bede0003 17");
    const auto number = [&](std::uint32_t value, unsigned octets) {
      for (unsigned i = octets; i > 0; --i)
        extension.push_back(static_cast<std::byte>(value >> 8U * (i - 1) & 0xFFU));
    };
    number(bits, 3);
    number(size, 3);
    number(count, 2);
    number(0, 3);
    packets_.push_back({"", verdict,
                        frame_of({.source_port = port_,
                                  .sequence_number = sequence_number_++,
                                  .extension = extension})});
  }
  /// A set of one PDU with nothing wrong.
  void well(unsigned pssn) { pdu(true, 1, pssn, 0, 0, 1); }
  BadSet set(std::string name, Reason verdict, std::uint16_t pssn) {
    for (auto& packet : packets_) packet.name = name;
    return {std::move(name), verdict, port_, pssn, std::move(packets_)};
  }

 private:
  std::uint16_t port_;
  std::uint16_t sequence_number_ = 1;
  std::vector<BadPacket> packets_;
};

}  // namespace

std::vector<BadPacket> bad_packets() {
  Corpus corpus;
  surplus_cases(corpus);
  option_cases(corpus);
  extension_cases(corpus);
  tunnel_cases(corpus);
  packet_cases(corpus);
  return corpus.take();
}

std::vector<BadSet> bad_sets() {
  std::vector<BadSet> all;
  std::uint16_t port = corpus_first_port + 10000;
  // Each begins with a set that is well, because the first of a flow may be an edge of the capture,
  // and ends with one, because the last may be.
  const auto add = [&](std::string name, Reason verdict, const auto& fill) {
    SetCorpus corpus(port++);
    corpus.well(0);
    fill(corpus);
    corpus.well(2);
    all.push_back(corpus.set(std::move(name), verdict, 1));
  };
  // 20 IP + 8 UDP + 12 RTP + 16 extension + 18 payload: 74 bytes each.
  constexpr unsigned bytes = 74;
  add("a set that is well", Reason::marked, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 2 * bytes, 2);
    c.pdu(true, 2, 1, 1, 2 * bytes, 2);
  });
  add("a PDU is missing", Reason::pdu_missing, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 3 * bytes, 3);
    c.pdu(true, 2, 1, 2, 3 * bytes, 3);
  });
  add("no PDU says E", Reason::end_missing, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 0, 0);
    c.pdu(false, 2, 1, 1, 0, 0);
  });
  add("a PDU behind the one that says E", Reason::pdu_behind_end, [](SetCorpus& c) {
    c.pdu(true, 2, 1, 0, 0, 0);
    c.pdu(false, 2, 1, 1, 0, 0);
  });
  add("PSSize without the headers", Reason::size_wrong, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 2 * (bytes - 40), 2);
    c.pdu(true, 2, 1, 1, 2 * (bytes - 40), 2);
  });
  add("NPDS one too high", Reason::count_wrong, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 0, 3);
    c.pdu(true, 2, 1, 1, 0, 3);
  });
  add("PSI changes within the set", Reason::fields_differ, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 0, 2);
    c.pdu(true, 3, 1, 1, 0, 2);
  });
  add("a set that never came", Reason::set_missing, [](SetCorpus&) {});
  add("a PDU that came twice", Reason::marked, [](SetCorpus& c) {
    c.pdu(false, 2, 1, 0, 0, 2);
    c.pdu(false, 2, 1, 0, 0, 2, Reason::pdu_repeated);
    c.pdu(true, 2, 1, 1, 0, 2);
  });
  add("a set of long ago", Reason::marked, [](SetCorpus& c) {
    c.well(1);
    c.pdu(true, 1, 1000, 0, 0, 1, Reason::set_late);
  });
  return all;
}

}  // namespace lobo::app
