// Durable creates per second: our store next to raw SQLite with the same statements.
//
// A create is two transactions, as a request makes them: first the resource as requested, its call
// to the network and its idempotency key; then the resource as confirmed, and the call is done.
// "Raw" runs the same statements over the same tables on one connection, n creates to a transaction
// (WAL, synchronous=FULL, SQLite's own checkpoints), with no queue, no thread and no count of
// records.
//
//   store_group_commit [ROUNDS]                          prints one JSON object
//   store_group_commit --raw BATCH CREATES STATE EFFECT  raw creates per second alone, with texts
//   of
//                                                        so many bytes and the timer of a request
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/store/database.hpp"
#include "adapters/store/schema.hpp"
#include "adapters/store/sqlite_store.hpp"
#include "adapters/store/statements.hpp"
#include "base/require.hpp"
#include "base/rng.hpp"
#include "runtime/ports.hpp"

namespace {

using namespace std::chrono_literals;
using lobo::require;
namespace store = lobo::adapters::store;
namespace sql = lobo::adapters::store::sql;

/// What a create stores.
struct Texts {
  std::string document = std::string(609, 'x');
  std::string body = std::string(300, 'y');
  bool timer = false;  ///< the answer's deadline, kept while the network is asked
};
const Texts plain;

/// Posted work, in order, on the thread that runs it.
class Loop final : public lobo::runtime::Scheduler {
 public:
  TimerId after(std::chrono::microseconds, std::function<void()>) override { std::abort(); }
  void cancel(TimerId) override {}
  void post(std::function<void()> work) override {
    const std::lock_guard lock(mutex_);
    work_.push_back(std::move(work));
    wake_.notify_one();
  }
  void run_until(const std::function<bool()>& reached) {
    std::deque<std::function<void()>> taken;
    while (!reached()) {
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !work_.empty(); });
        taken.swap(work_);
      }
      for (auto& work : taken) work();
      taken.clear();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> work_;
};

struct Folder {
  std::string path;
  Folder() {
    path = (std::filesystem::temp_directory_path() / "lobo_bench_XXXXXX").string();
    require(::mkdtemp(path.data()) != nullptr);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
};

lobo::resource::Record record(const std::string& id, std::uint64_t version) {
  return {{"unicast", id}, "vas1", "msisdn-" + id, version, plain.document};
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double ours(std::size_t in_flight, std::size_t creates) {
  const Folder folder;
  Loop loop;
  auto opened = store::SqliteStore::open({.file = folder.path + "/ours.db"}, loop);
  require(opened.has_value());
  auto& db = **opened;
  lobo::SeededRng rng(1);
  std::size_t begun = 0;
  std::size_t done = 0;
  std::function<void()> create = [&] {
    const std::uint64_t n = ++begun;
    const std::string id = lobo::random_id(rng);
    const lobo::resource::Key key{"unicast", id};
    db.commit({lobo::runtime::PutRecord{record(id, 1)},
               lobo::runtime::PutEffect{{n, key, "call", plain.body, false, 0}},
               lobo::runtime::PutIdempotency{{"vas1", id, "digest", key, lobo::Instant{}}}},
              [&, id, n](const lobo::Result<void>& first) {
                require(first.has_value());
                db.commit({lobo::runtime::PutRecord{record(id, 2)}, lobo::runtime::EraseEffect{n}},
                          [&](const lobo::Result<void>& second) {
                            require(second.has_value());
                            ++done;
                            if (begun < creates) create();
                          });
              });
  };
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < in_flight; ++i) create();
  loop.run_until([&] { return done == creates; });
  return static_cast<double>(creates) / seconds_since(begin);
}

struct Raw {
  explicit Raw(const std::string& path)
      : database(store::Database::open(path, store::Database::Mode::read_write).value()) {
    for (const char* pragma : {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL",
                               "PRAGMA cache_size = -32768", "PRAGMA temp_store = MEMORY"})
      require(database.run(pragma).has_value());
    require(store::migrate(database).has_value());
  }
  store::Statement prepare(std::string_view text) {
    return store::Statement::prepare(database, text).value();
  }
  store::Database database;
};

void run(store::Use& use) { require(use->step() == store::Statement::Step::end); }

double raw(std::size_t batch, std::size_t creates, const Texts& texts = plain) {
  const Folder folder;
  Raw r(folder.path + "/raw.db");
  auto begin_statement = r.prepare(sql::begin);
  auto commit_statement = r.prepare(sql::commit);
  auto insert = r.prepare(sql::insert_record);
  auto update = r.prepare(sql::update_record);
  auto put_effect = r.prepare(sql::put_effect);
  auto erase_effect = r.prepare(sql::erase_effect);
  auto idempotency = r.prepare(sql::put_idempotency);
  lobo::SeededRng rng(1);
  auto put_timer = r.prepare(sql::put_timer);
  auto erase_timer = r.prepare(sql::erase_timer);
  const auto put_record = [&texts](store::Statement& statement, const std::string& id,
                                   std::int64_t version) {
    const std::string subject = "msisdn-" + id;
    store::Use use(statement);
    use->bind(1, "unicast").bind(2, id).bind(3, "vas1").bind(4, subject).bind(5, version);
    use->bind(6, texts.document);
    run(use);
  };
  const auto once = [](store::Statement& statement) {
    store::Use use(statement);
    run(use);
  };
  std::int64_t effect = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t made = 0; made < creates; made += batch) {
    std::vector<std::string> ids(batch);
    once(begin_statement);
    for (std::size_t i = 0; i < batch; ++i) {
      ids[i] = lobo::random_id(rng);
      put_record(insert, ids[i], 1);
      store::Use put(put_effect);
      put->bind(1, effect + static_cast<std::int64_t>(i)).bind(2, "unicast").bind(3, ids[i]);
      put->bind(4, "call").bind(5, texts.body).bind(6, std::int64_t{0}).bind(7, std::int64_t{0});
      run(put);
      store::Use key(idempotency);
      key->bind(1, "vas1").bind(2, ids[i]).bind(3, "digest").bind(4, "unicast").bind(5, ids[i]);
      key->bind(6, std::int64_t{0});
      run(key);
      if (!texts.timer) continue;
      store::Use timer(put_timer);
      timer->bind(1, "unicast").bind(2, ids[i]).bind(3, "create_answer").bind(4, std::int64_t{1});
      run(timer);
    }
    once(commit_statement);
    once(begin_statement);
    for (std::size_t i = 0; i < batch; ++i) {
      put_record(update, ids[i], 2);
      store::Use erase(erase_effect);
      erase->bind(1, effect + static_cast<std::int64_t>(i));
      run(erase);
      if (!texts.timer) continue;
      store::Use timer(erase_timer);
      timer->bind(1, "unicast").bind(2, ids[i]).bind(3, "create_answer");
      run(timer);
    }
    once(commit_statement);
    effect += static_cast<std::int64_t>(batch);
  }
  return static_cast<double>(creates) / seconds_since(begin);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double mad(const std::vector<double>& values) {
  std::vector<double> off;
  const double middle = median(values);
  for (const double value : values) off.push_back(std::abs(value - middle));
  return median(off);
}

std::string side(std::string_view name, const std::vector<double>& values) {
  return fmt::format(R"("{}":{{"median":{:.0f},"mad":{:.0f}}})", name, median(values), mad(values));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "--raw") {
    const auto number = [&](int at) { return std::strtoull(argv[at], nullptr, 10); };
    const Texts texts{std::string(number(4), 'x'), std::string(number(5), 'y'), true};
    fmt::print("{:.0f}\n", raw(number(2), number(3), texts));
    return 0;
  }
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const std::map<std::size_t, std::size_t> creates_of{
      {1, 400}, {16, 4800}, {64, 12800}, {256, 25600}};
  std::string cases;
  for (const auto& [in_flight, creates] : creates_of) {
    std::vector<double> our_rates;
    std::vector<double> raw_rates;
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) {
      our_rates.push_back(ours(in_flight, creates));
      raw_rates.push_back(raw(in_flight, creates));
      ratios.push_back(our_rates.back() / raw_rates.back());
    }
    cases += fmt::format(R"({}{{"in_flight":{},{},{},"ratio":{{"median":{:.3f},"mad":{:.3f}}}}})",
                         cases.empty() ? "" : ",", in_flight, side("ours_per_s", our_rates),
                         side("raw_per_s", raw_rates), median(ratios), mad(ratios));
  }
  fmt::print(R"({{"bench":"store_group_commit","repetitions":{},"cases":[{}]}})", rounds, cases);
  fmt::print("\n");
}
