// The packet path of the UPF, downlink, beside what a packet costs at least: touching four of its
// cache lines, and copying it.
//
//   upf_path                     Google Benchmark, all cases
//   upf_path count CASE TIMES    passes once and TIMES more: for instruction counts
//
// Packets of 1,200 bytes of user data. `hot`: 512 of them; `cold`: 65,536 in rooms of 2,048 bytes,
// 134 MB, in random order. `path`: parse, classify, open, track and encapsulate; `whole`: with two
// QERs, PDU Set handling and usage as well. The option is protected, or where the name says so
// clear. `aead`: nothing but the opening of as many options, 32 at a time, by what the path uses
// and by the library alone: the part of the path that no order of its steps makes smaller. The
// number behind it: sessions, of 8 PDRs each. Before each pass the frames are made as they came and
// the replay windows forgotten, untimed. Times are the thread's own, so that a busy neighbour costs
// precision and is not counted.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "adapters/aead/choose.hpp"
#include "adapters/aead/ipsec_mb.hpp"
#include "adapters/aead/lanes.hpp"
#include "adapters/aead/openssl.hpp"
#include "base/bytes.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "dataplane/rules/rule_set.hpp"
#include "dataplane/rules/session.hpp"
#include "dataplane/stages/passage.hpp"
#include "dataplane/stages/path_test_support.hpp"
#include "dataplane/stages/pipeline.hpp"
#include "model/address.hpp"
#include "model/pdu_set.hpp"
#include "upf/protected_stream.hpp"
#include "wire/packet/parse.hpp"
#include "wire/packet_io/batch.hpp"
#include "wire/pfcp/rules.hpp"
#include "wire/pfcp/values.hpp"
#include "wire/xrm/aead.hpp"
#include "wire/xrm/metadata.hpp"
#include "wire/xrm/receiver.hpp"
#include "wire/xrm/sender.hpp"

namespace lobo {
namespace {

using dataplane::Session;
using test::Octets;

constexpr std::size_t room_bytes = 2048;
constexpr std::size_t headroom = packet_io::headroom_min;
constexpr std::size_t kept_bytes = 64;  // of each frame: what the path writes over
constexpr std::size_t senders = 64;
constexpr std::size_t user_bytes = 1200;
constexpr unsigned pdus_per_set = 10;

enum class Depth : std::uint8_t { path, whole };
enum class Marks : std::uint8_t { protected_, clear };

std::string address_of(std::size_t session) {
  return "10." + std::to_string(64 + session / 65536) + "." + std::to_string(session / 256 % 256) +
         "." + std::to_string(session % 256);
}

/// Seven PDRs towards the UE by port, of which the fourth has the video, and one from it.
Session session_of(std::size_t number, Depth depth) {
  Session session = dataplane::test::session(number + 1, address_of(number),
                                             static_cast<std::uint32_t>(number + 1));
  dataplane::Pdr down = session.pdrs.at({1});
  if (depth == Depth::whole) {
    session.qers.at({1}).maximum_bit_rate = dataplane::test::kbps(1'000'000, 1'000'000);
    session.qers[{2}] = {.id = {2},
                         .maximum_bit_rate = dataplane::test::kbps(2'000'000, 2'000'000)};
    session.urrs[{1}] = {.id = {1}};
    require(down.qers.add({2}) && down.urrs.add({1}));
  }
  session.qers.at({1}).indications = pfcp::QerIndications{pfcp::QerIndication::pdusm};
  session.pdrs.erase({1});
  for (std::uint16_t i = 0; i < 7; ++i) {
    down.precedence = i;
    down.filters = {dataplane::test::from_port(static_cast<std::uint16_t>(5001 + i))};
    down.protocol.reset();
    if (i == 3) down.protocol = dataplane::test::option_description();
    session.pdrs[{static_cast<std::uint16_t>(10 + i)}] = down;
  }
  return session;
}

PduSetMark mark_of(std::uint64_t n) {
  return {.end_of_pdu_set = n % pdus_per_set == pdus_per_set - 1,
          .psi = Psi::low_bits_of(1),
          .pssn = Pssn::wrapped(n / pdus_per_set),
          .psn = Psn::wrapped(n % pdus_per_set),
          .pdu_set_size = 12800,
          .pdus_in_set = std::uint16_t{pdus_per_set}};
}

/// The frames, each in a room of its own, in the order in which they come.
struct Frames {
  std::vector<std::byte> rooms;
  std::vector<std::size_t> order;  ///< places of rooms
  std::vector<std::uint32_t> sizes;
  std::vector<std::array<std::byte, kept_bytes>> heads;

  MutableBytes room(std::size_t at) {
    return MutableBytes(rooms).subspan(order[at] * room_bytes, room_bytes);
  }
  void restore() {
    for (std::size_t i = 0; i < order.size(); ++i)
      std::memcpy(room(i).data() + headroom, heads[i].data(), kept_bytes);
  }
};

Octets with_clear_mark(const PduSetMark& mark, const Octets& frame) {
  std::array<std::byte, xrm::body_bytes_max> body{};
  return test::with_body(frame, Bytes(body).first(xrm::write_body(body, mark)));
}

Frames make_frames(std::size_t count, std::size_t sessions, Marks marks,
                   const xrm::Crypto& crypto) {
  SeededRng rng(1);
  Frames frames;
  frames.rooms.resize(count * room_bytes);
  frames.order.resize(count);
  std::iota(frames.order.begin(), frames.order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i)
    std::swap(frames.order[i - 1], frames.order[rng.below(i)]);
  std::vector<test::ProtectedStream> streams;
  for (std::size_t i = 0; i < senders; ++i)
    streams.emplace_back(crypto, std::uint8_t{1}, static_cast<std::uint16_t>(i));
  std::vector<std::uint64_t> sent(sessions, 0);
  const Octets user(user_bytes, std::byte{0x5A});
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t session = rng.below(sessions);
    const Octets plain = dataplane::test::down_frame(user, 5004, address_of(session));
    const PduSetMark mark = mark_of(sent[session]++);
    const Octets frame = marks == Marks::clear ? with_clear_mark(mark, plain)
                                               : streams[i % senders].marked(mark, plain);
    std::memcpy(frames.room(i).data() + headroom, frame.data(), frame.size());
    frames.sizes.push_back(static_cast<std::uint32_t>(frame.size()));
    std::memcpy(frames.heads.emplace_back().data(), frame.data(), kept_bytes);
  }
  return frames;
}

/// Options of 16 octets to open, without the packets around them.
class Sealed {
 public:
  static constexpr std::size_t count = 512;
  explicit Sealed(const xrm::Crypto& crypto) {
    const auto by = aead(crypto);
    for (std::size_t i = 0; i < count; ++i) {
      Text& text = texts_[i];
      put_be64_at(text.nonce, 4, i);
      std::array jobs{xrm::SealJob{&text.nonce, text.aad, text.sealed, text.sealed, text.tag}};
      require(by->seal(jobs));
      jobs_.push_back({&text.nonce, text.aad, text.sealed, text.tag, text.plain});
    }
  }
  void open(xrm::Aead& aead) {
    for (std::size_t at = 0; at < count; at += xrm::batch_jobs_max)
      aead.open(std::span(jobs_).subspan(at, xrm::batch_jobs_max));
    require(std::ranges::all_of(jobs_, &xrm::OpenJob::authentic));
  }
  static std::unique_ptr<xrm::Aead> aead(const xrm::Crypto& crypto) {
    const std::array<std::byte, 16> key{std::byte{7}};
    return std::move(crypto.aead(xrm::Algorithm::aes_128_gcm, key).value());
  }

 private:
  struct Text {
    xrm::Nonce nonce{};
    std::array<std::byte, 16> aad{}, sealed{}, tag{}, plain{};
  };
  std::vector<Text> texts_{count};
  std::vector<xrm::OpenJob> jobs_;
};

/// The sessions with what changes in them: one clock for all that passes under them.
struct Site {
  Site(std::size_t sessions, Depth depth) {
    std::vector<std::shared_ptr<const dataplane::SessionRules>> compiled;
    for (std::size_t i = 0; i < sessions; ++i)
      compiled.push_back(std::make_shared<const dataplane::SessionRules>(session_of(i, depth)));
    rules = std::make_unique<dataplane::RuleSet>(std::move(compiled));
  }
  std::unique_ptr<dataplane::RuleSet> rules;
  std::chrono::nanoseconds now = std::chrono::seconds{100};
};

class World {
 public:
  World(Frames& frames, Site& site, const xrm::Crypto& crypto)
      : crypto_(crypto),
        frames_(frames),
        site_(site),
        neighbours_(dataplane::test::n3_side(), dataplane::test::n6_side()) {}

  std::size_t packets() const { return frames_.order.size(); }

  void prepare() {
    frames_.restore();
    (void)receiver_.remove(xrm::KeyId{1});
    require(receiver_.add(test::context(crypto_, 1)).has_value());
    site_.now += std::chrono::seconds{2};
  }
  void path() {
    std::size_t sent = 0;
    for (std::size_t at = 0; at < packets();) {
      batch_.clear();
      for (; at < packets() && !batch_.full(); ++at)
        batch_.push({frames_.room(at), headroom, frames_.sizes[at], {}});
      pipeline_.downlink(batch_, {*site_.rules, neighbours_, site_.now, site_.now}, out_);
      sent += out_.n3.size();
      site_.now += std::chrono::microseconds{64};
    }
    require(sent == packets());
  }
  void touch() {
    std::uint64_t sum = 0;
    constexpr std::size_t ahead = 12;
    for (std::size_t i = 0; i < packets(); ++i) {
      if (i + ahead < packets())
        for (const std::size_t at : lines(i + ahead))
          __builtin_prefetch(&frames_.room(i + ahead)[at]);
      for (const std::size_t at : lines(i)) sum += std::to_integer<unsigned>(frames_.room(i)[at]);
    }
    benchmark::DoNotOptimize(sum);
  }
  void copy() {
    for (std::size_t i = 0; i < packets(); ++i) {
      std::memcpy(copied_.data(), frames_.room(i).data() + headroom, frames_.sizes[i]);
      benchmark::DoNotOptimize(copied_);
    }
  }
  /// Each packet came through with its marking.
  bool all_marked() const {
    const auto& counters = pipeline_.counters();
    return counters.marked.value() == counters.downlink.received.packets.value();
  }

 private:
  std::array<std::size_t, 4> lines(std::size_t at) const {
    const std::size_t last = headroom + frames_.sizes[at] - 1;
    return {headroom, headroom + 64, last - 64, last};
  }

  const xrm::Crypto& crypto_;
  Frames& frames_;
  Site& site_;
  dataplane::Neighbours neighbours_;
  xrm::Receiver receiver_{{.accept = xrm::Accept::clear_and_protected}};
  dataplane::WorkerEvents events_;
  dataplane::Pipeline pipeline_{{}, receiver_, events_};
  packet_io::Batch batch_;
  dataplane::Outgoing out_;
  std::array<std::byte, room_bytes> copied_{};
};

struct Case {
  std::size_t packets = 512;
  std::size_t sessions = 1000;
  Depth depth = Depth::path;
  Marks marks = Marks::protected_;
  void (World::*work)() = &World::path;
};

const std::map<std::string, Case>& cases() {
  constexpr std::size_t hot = 512;
  constexpr std::size_t cold = 65'536;
  constexpr auto sealed = Marks::protected_;
  static const std::map<std::string, Case> all{
      {"path_hot_1000", {hot, 1000}},
      {"path_cold_1000", {cold, 1000}},
      {"path_clear_hot_1000", {hot, 1000, Depth::path, Marks::clear}},
      {"path_clear_cold_1000", {cold, 1000, Depth::path, Marks::clear}},
      {"whole_hot_1000", {hot, 1000, Depth::whole}},
      {"whole_cold_1000", {cold, 1000, Depth::whole}},
      {"whole_hot_100000", {hot, 100'000, Depth::whole}},
      {"whole_cold_100000", {cold, 100'000, Depth::whole}},
      {"touch_hot", {hot, 1000, Depth::path, sealed, &World::touch}},
      {"touch_cold", {cold, 1000, Depth::path, sealed, &World::touch}},
      {"copy_hot", {hot, 1000, Depth::path, sealed, &World::copy}},
      {"copy_cold", {cold, 1000, Depth::path, sealed, &World::copy}}};
  return all;
}

/// What the cases share, made when one first asks for it: 134 MB of packets, 100,000 sessions.
class Worlds {
 public:
  explicit Worlds(const xrm::Crypto& crypto) : crypto_(crypto) {}

  World& of(const std::string& name, const Case& of) {
    std::unique_ptr<World>& world = worlds_[name];
    if (world) return *world;
    auto& site = sites_[{of.sessions, of.depth}];
    if (!site) site = std::make_unique<Site>(of.sessions, of.depth);
    auto& frames = frames_[{of.packets, of.sessions, of.marks}];
    if (!frames)
      frames = std::make_unique<Frames>(make_frames(of.packets, of.sessions, of.marks, crypto_));
    world = std::make_unique<World>(*frames, *site, crypto_);
    return *world;
  }

 private:
  const xrm::Crypto& crypto_;
  std::map<std::tuple<std::size_t, std::size_t, Marks>, std::unique_ptr<Frames>> frames_;
  std::map<std::pair<std::size_t, Depth>, std::unique_ptr<Site>> sites_;
  std::map<std::string, std::unique_ptr<World>> worlds_;
};

/// What this thread had of a processor.
double cpu_seconds() {
  timespec now{};
  require(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void measure(benchmark::State& state, World& world, const Case& of) {
  for (auto _ : state) {
    world.prepare();
    const double begin = cpu_seconds();
    (world.*of.work)();
    state.SetIterationTime(cpu_seconds() - begin);
  }
  require(world.all_marked());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(of.packets));
}

void measure_aead(benchmark::State& state, const xrm::Crypto& crypto) {
  Sealed sealed(crypto);
  const auto aead = Sealed::aead(crypto);
  for (auto _ : state) {
    const double begin = cpu_seconds();
    sealed.open(*aead);
    state.SetIterationTime(cpu_seconds() - begin);
  }
}

/// The library that the path would use without lanes.
std::unique_ptr<xrm::Crypto> library() {
  auto made = adapters::aead::make_ipsec_mb();
  return made ? std::move(*made) : adapters::aead::make_openssl();
}

/// The instructions of the widest paths are unknown to callgrind.
std::unique_ptr<xrm::Crypto> countable_crypto() {
  return adapters::aead::with_lanes(adapters::aead::make_openssl(),
                                    adapters::aead::LanesPath::aes_ni);
}

int count_case(const std::string& name, std::size_t times) {
  const auto found = cases().find(name);
  if (found == cases().end()) return 2;
  const auto crypto = countable_crypto();
  const Case& of = found->second;
  Worlds worlds(*crypto);
  World& world = worlds.of(name, of);
  for (std::size_t i = 0; i <= times; ++i) {
    world.prepare();
    (world.*of.work)();
  }
  return world.all_marked() ? 0 : 1;
}

int run(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "count")
    return count_case(argv[2], std::strtoul(argv[3], nullptr, 10));
  const auto crypto = adapters::aead::make_fastest();
  Worlds worlds(*crypto);
  benchmark::Initialize(&argc, argv);
  for (const auto& [name, of] : cases())
    benchmark::RegisterBenchmark(name.c_str(), [&, name = name, of = of](benchmark::State& state) {
      measure(state, worlds.of(name, of), of);
    })->UseManualTime();
  const auto without_lanes = library();
  for (const auto& [name, by] :
       {std::pair("aead_hot", crypto.get()), std::pair("aead_library_hot", without_lanes.get())})
    benchmark::RegisterBenchmark(name, [by = by](benchmark::State& state) {
      measure_aead(state, *by);
    })->UseManualTime();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace lobo

int main(int argc, char** argv) { return lobo::run(argc, argv); }
