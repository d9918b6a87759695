#include <doctest/doctest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "server/store/record.hpp"
#include "server/store/sqlite.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace beckon;
using namespace beckon::store;

namespace {

struct Loaded final : Loader {
  std::map<std::string, std::string> values;  // by key
  std::vector<Answer> answers;
  void on_record(Record record) override { values[record.key] = record.value; }
  void on_answer(Answer answer) override { answers.push_back(std::move(answer)); }
};

/// The shard's thread, played by the test: functions posted to it run when the test waits.
class Queue {
 public:
  Executor executor() {
    return [this](std::function<void()> function) {
      const std::lock_guard lock(mutex_);
      functions_.push_back(std::move(function));
      wake_.notify_one();
    };
  }
  void run_until(const std::function<bool()>& done) {
    std::unique_lock lock(mutex_);
    while (!done()) {
      REQUIRE(wake_.wait_for(lock, 30s, [&] { return !functions_.empty(); }));
      auto functions = std::exchange(functions_, {});
      lock.unlock();
      for (auto& function : functions) function();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> functions_;
};

const std::string alice = "sip:alice@example.org";
Change put(std::string key, std::string value) {
  return {{Kind::publication, alice, std::move(key), std::move(value)}, false};
}

SystemClock system_clock;

std::unique_ptr<SqliteState> open_state(const std::filesystem::path& file, Clock& clock = system_clock,
                                        std::string_view boot = "boot 1") {
  SeededRandom random(1);
  auto opened = SqliteState::open(file, Durability::process, clock, boot, random);
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

Loaded load(SqliteState& state) {
  Loaded loaded;
  REQUIRE(state.load(loaded).has_value());
  return loaded;
}

ErrorCode open_error(const std::filesystem::path& file) {
  SeededRandom random(1);
  const auto opened = SqliteState::open(file, Durability::process, system_clock, "boot 1", random);
  return opened ? ErrorCode() : opened.error();
}

Result<Version> commit(StateStore& store, Queue& queue, Batch batch) {
  std::optional<Result<Version>> result;
  store.commit(std::move(batch), [&](Result<Version> version) { result = version; });
  queue.run_until([&] { return result.has_value(); });
  return *result;
}

}  // namespace

TEST_CASE("the callbacks of one transaction run in turns, in order, so that a shard serves others between") {
  constexpr int count = 1000, most = 128;
  const test::TemporaryFolder folder;
  Queue queue;
  std::vector<int> order;
  std::size_t longest = 0;
  const auto state = open_state(folder / "state.db");
  const auto store = state->make_store([&, post = queue.executor()](std::function<void()> function) {
    post([&, function = std::move(function)] {
      const auto before = order.size();
      function();
      longest = std::max(longest, order.size() - before);
    });
  });
  for (int i = 0; i < count; ++i)
    store->commit({alice, {put(std::to_string(i), "x")}, {}}, [&order, i](Result<Version> version) {
      CHECK(version.has_value());
      order.push_back(i);
    });
  queue.run_until([&] { return order.size() == count; });
  CHECK(std::ranges::is_sorted(order));
  CHECK(longest <= most);
}

TEST_CASE("the secret is as old as the file, and another file has another one") {
  const test::TemporaryFolder folder;
  const auto secret_of = [&](const char* name, std::uint64_t seed) {
    SeededRandom random(seed);
    const auto state = SqliteState::open(folder / name, Durability::process, system_clock, "boot 1", random);
    REQUIRE(state.has_value());
    Queue queue;
    return (*state)->make_store(queue.executor())->secret().value();
  };
  const Secret first = secret_of("a.db", 1);
  CHECK(first != Secret{});
  CHECK(secret_of("a.db", 2) == first);
  CHECK(secret_of("b.db", 3) != first);
}

TEST_CASE("what was committed is there after the file is opened again, and versions go on") {
  const test::TemporaryFolder folder;
  Queue queue;
  Version first = 0;
  {
    const auto state = open_state(folder / "state.db");
    const auto store = state->make_store(queue.executor());
    const Answer answer{"call;1", alice, "200 OK", store->scale().at(system_clock.now().mono) + 32s};
    first = commit(*store, queue, {alice, {put("a", "1"), put("b", "2")}, answer}).value();
    Change erase = put("a", "");
    erase.erase = true;
    CHECK(commit(*store, queue, {alice, {erase, put("b", "3")}, {}}).value() > first);
  }
  const auto state = open_state(folder / "state.db");
  const Loaded loaded = load(*state);
  CHECK(loaded.values == std::map<std::string, std::string>{{"b", "3"}});
  REQUIRE(loaded.answers.size() == 1);
  CHECK(loaded.answers[0].request == "call;1");
  CHECK(loaded.answers[0].response == "200 OK");
  const auto store = state->make_store(queue.executor());
  CHECK(commit(*store, queue, {alice, {put("c", "4")}, {}}).value() > first + 1);
}

TEST_CASE("answers stay for two turns of their tables at least, over a restart too, and go after three") {
  const test::TemporaryFolder folder;
  Queue queue;
  test::VirtualClock clock;
  const auto answer_now = [&](SqliteState& state, const std::string& request) {
    const auto store = state.make_store(queue.executor());
    const Answer answer{request, alice, "200", store->scale().at(clock.at.mono) + 600s};
    REQUIRE(commit(*store, queue, {alice, {}, answer}).has_value());
  };
  const auto requests_of = [](SqliteState& state) {
    std::vector<std::string> requests;
    for (const Answer& answer : load(state).answers) requests.push_back(answer.request);
    std::ranges::sort(requests);
    return requests;
  };
  {
    const auto state = open_state(folder / "state.db", clock);
    answer_now(*state, "at 0");
    clock.advance(20s);
    answer_now(*state, "at 20");
    clock.advance(19s);
    answer_now(*state, "at 39");
    CHECK(requests_of(*state) == std::vector<std::string>{"at 0", "at 20", "at 39"});
  }
  const auto state = open_state(folder / "state.db", clock);
  clock.advance(20s);
  answer_now(*state, "at 59");
  CHECK(requests_of(*state) == std::vector<std::string>{"at 0", "at 20", "at 39", "at 59"});
  clock.advance(20s);
  answer_now(*state, "at 79");
  CHECK(requests_of(*state) == std::vector<std::string>{"at 20", "at 39", "at 59", "at 79"});
  clock.advance(20s);
  answer_now(*state, "at 99");
  CHECK(requests_of(*state) == std::vector<std::string>{"at 59", "at 79", "at 99"});
}

TEST_CASE("an answer past its time is not given again") {
  const test::TemporaryFolder folder;
  Queue queue;
  const auto state = open_state(folder / "state.db");
  const auto store = state->make_store(queue.executor());
  const Answer old{"call;1", alice, "200", store->scale().at(system_clock.now().mono) - 1s};
  REQUIRE(commit(*store, queue, {alice, {}, old}).has_value());
  CHECK(load(*state).answers.empty());
}

TEST_CASE(
    "a file that is opened again in the same boot has its times by the same scale, wherever the wall clock "
    "went") {
  struct Row {
    const char* name;
    const char* boot;
    std::chrono::milliseconds jump;
    Duration left;  ///< Of 600 s, after 100 s.
    bool has_answer;
  };
  const Row rows[] = {
      {"no jump", "boot 1", 0s, 500s, true},
      {"forward twenty years", "boot 1", std::chrono::years(20), 500s, true},
      {"set back twenty years", "boot 1", -std::chrono::years(20), 500s, true},
      {"another boot", "boot 2", 0s, 500s, true},
      {"another boot, forward twenty years", "boot 2", std::chrono::years(20), 90s, false},
      {"another boot, set back twenty years", "boot 2", -std::chrono::years(20), 600s, true},
      {"an unknown boot, forward twenty years", "", std::chrono::years(20), 90s, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const test::TemporaryFolder folder;
    Queue queue;
    test::VirtualClock clock;
    {
      const auto state = open_state(folder / "state.db", clock);
      const auto store = state->make_store(queue.executor());
      clock.at.wall += std::chrono::hours(5);  // while it runs: changes nothing of what it writes
      const Time now = clock.at.mono;
      const std::string value = RecordWriter().lifetime(600s, now + 600s, store->scale()).finish();
      const Answer answer{"call;1", alice, "200", store->scale().at(now) + 132s};
      REQUIRE(commit(*store, queue, {alice, {put("a", value)}, answer}).has_value());
    }
    clock.at.wall -= std::chrono::hours(5);
    clock.advance(100s);
    clock.at.wall += row.jump;
    const auto state = open_state(folder / "state.db", clock, row.boot);
    const auto store = state->make_store(queue.executor());
    const Loaded loaded = load(*state);
    RecordReader reader(loaded.values.at("a"));
    CHECK(reader.lifetime(clock.at.mono, store->scale(), 90s).left == row.left);
    CHECK(loaded.answers.size() == (row.has_answer ? 1 : 0));
  }
}

TEST_CASE("the scale of a boot is in the file from the first process on, and stays that of the boot") {
  const test::TemporaryFolder folder;
  Queue queue;
  test::VirtualClock clock;
  const auto scale_in = [&](std::string_view boot) {
    return open_state(folder / "state.db", clock, boot)->make_store(queue.executor())->scale();
  };
  const WallTime origin = scale_in("boot 1").origin;
  clock.at.wall += std::chrono::hours(1);
  CHECK(scale_in("boot 1").is_exact);
  CHECK(scale_in("boot 1").origin == origin);
  CHECK_FALSE(scale_in("boot 2").is_exact);
  CHECK(scale_in("boot 2").is_exact);
  CHECK(scale_in("boot 2").origin == origin + std::chrono::hours(1));
  CHECK_FALSE(scale_in("boot 1").is_exact);
}

TEST_CASE("a batch past its deadline is refused and never written, its neighbours are") {
  const test::TemporaryFolder folder;
  Queue queue;
  const auto state = open_state(folder / "state.db");
  const auto store = state->make_store(queue.executor());
  std::vector<Result<Version>> results;
  const auto done = [&](Result<Version> version) { results.push_back(version); };
  store->commit({alice, {put("late", "1")}, {}, system_clock.now().mono - 1ms}, done);
  store->commit({alice, {put("good", "2")}, {}}, done);
  queue.run_until([&] { return results.size() == 2; });
  CHECK(results[0].error() == Errc::late);
  CHECK(results[1].has_value());
  CHECK(load(*state).values.count("late") == 0);
  CHECK(load(*state).values.count("good") == 1);
}

TEST_CASE("each shard is called back in the order it committed, on its own executor") {
  const test::TemporaryFolder folder;
  Queue here, there;
  const auto state = open_state(folder / "state.db");
  const auto first = state->make_store(here.executor());
  const auto second = state->make_store(there.executor());
  std::vector<int> seen_here, seen_there;
  for (int i = 0; i < 500; ++i) {
    first->commit({alice, {put("n", std::to_string(i))}, {}}, [&, i](auto) { seen_here.push_back(i); });
    second->commit({alice, {put("m", std::to_string(i))}, {}}, [&, i](auto) { seen_there.push_back(i); });
  }
  here.run_until([&] { return seen_here.size() == 500; });
  there.run_until([&] { return seen_there.size() == 500; });
  CHECK(std::is_sorted(seen_here.begin(), seen_here.end()));
  CHECK(std::is_sorted(seen_there.begin(), seen_there.end()));
  CHECK(load(*state).values.at("n") == "499");
}

TEST_CASE("a shard that is gone is not called back; what it committed is written all the same") {
  const test::TemporaryFolder folder;
  Queue queue;
  bool called = false;
  {
    const auto state = open_state(folder / "state.db");
    auto store = state->make_store(queue.executor());
    store->commit({alice, {put("a", "1")}, {}}, [&](auto) { called = true; });
    store.reset();
    auto other = state->make_store(queue.executor());
    REQUIRE(commit(*other, queue, {alice, {put("b", "2")}, {}}).has_value());
  }
  CHECK_FALSE(called);
  CHECK(load(*open_state(folder / "state.db")).values.count("a") == 1);
}

TEST_CASE("a second server cannot take the same file") {
  const test::TemporaryFolder folder;
  const auto state = open_state(folder / "state.db");
  CHECK(open_error(folder / "state.db") == Errc::in_use);
}

TEST_CASE("a file that is not ours, damaged, or from a newer beckond is refused with its own error") {
  const test::TemporaryFolder folder;
  const auto file = folder / "state.db";
  SUBCASE("no database at all") {
    std::ofstream(file) << std::string(8192, 'x');
    CHECK(open_error(file) == Errc::corrupt);
  }
  SUBCASE("a database of another program") {
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    REQUIRE(sqlite3_exec(raw, "CREATE TABLE contacts(name)", nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
    CHECK(open_error(file) == Errc::corrupt);
  }
  SUBCASE("a newer schema") {
    open_state(file).reset();
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
    REQUIRE(sqlite3_exec(raw, "UPDATE schema_version SET version=99", nullptr, nullptr, nullptr) ==
            SQLITE_OK);
    sqlite3_close(raw);
    CHECK(open_error(file) == Errc::newer_schema);
  }
  SUBCASE("pages overwritten") {
    {
      Queue queue;
      const auto state = open_state(file);
      const auto store = state->make_store(queue.executor());
      for (int i = 0; i < 200; ++i)
        REQUIRE(
            commit(*store, queue, {alice, {put(std::to_string(i), std::string(500, 'v'))}, {}}).has_value());
    }
    std::fstream damage(file, std::ios::in | std::ios::out | std::ios::binary);
    damage.seekp(8192);
    damage << std::string(60000, 'x');
    damage.close();
    CHECK(open_error(file) == Errc::corrupt);
  }
  SUBCASE("a folder that is not there") { CHECK(open_error(folder / "no" / "state.db") == Errc::io); }
}

TEST_CASE("load gives the records of one AOR, between the batches before and after it") {
  const test::TemporaryFolder folder;
  Queue queue;
  const auto state = open_state(folder / "state.db");
  const auto store = state->make_store(queue.executor());
  std::vector<Record> records;
  bool loaded = false;
  store->commit({alice, {put("a", "1")}, {}}, [](auto) {});
  store->load(alice, [&](Result<Held> held) {
    loaded = true;
    records = held->records;
  });
  store->commit({alice, {put("b", "2")}, {}}, [](auto) {});
  queue.run_until([&] { return loaded; });
  CHECK(records == std::vector{Record{Kind::publication, alice, "a", "1"}});
}

TEST_CASE("a file of the first schema: documents are kept, soft state is dropped") {
  const test::TemporaryFolder folder;
  const auto file = folder / "state.db";
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &raw) == SQLITE_OK);
  const char* const sql =
      "CREATE TABLE schema_version(version INTEGER NOT NULL); INSERT INTO schema_version VALUES(1);"
      "PRAGMA application_id=1111706451;"  // "BCKS"
      "CREATE TABLE record(kind INTEGER NOT NULL, aor TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL);"
      "CREATE UNIQUE INDEX record_key ON record(aor, kind, key);"
      "CREATE TABLE answer(request TEXT PRIMARY KEY, aor TEXT NOT NULL, response TEXT NOT NULL,"
      "                    until INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE counter(version INTEGER NOT NULL); INSERT INTO counter VALUES(41);"
      "INSERT INTO record VALUES"
      "(1,'sip:alice@example.org','sip:a@192.0.2.9','{\"contact\":\"sip:a@192.0.2.9\"}'),"
      "(5,'sip:alice@example.org','pres-rules/index','{\"etag\":\"bk001.5d\",\"text\":\"<a>\\n\\u00e4</"
      "a>\"}'),"
      "(5,'sip:alice@example.org','pres-rules/bad','not JSON');"
      "INSERT INTO answer VALUES('call;1','sip:alice@example.org','200',9999999999999)";
  REQUIRE(sqlite3_exec(raw, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(raw);
  Queue queue;
  {
    const auto state = open_state(file);
    const Loaded loaded = load(*state);
    CHECK(loaded.answers.empty());
    REQUIRE(loaded.values.size() == 1);
    RecordReader document(loaded.values.at("pres-rules/index"));
    CHECK(document.text() == "bk001.5d");
    CHECK(document.text() == "<a>\n\u00e4</a>");
    CHECK(document.ok());
    CHECK(commit(*state->make_store(queue.executor()), queue, {alice, {put("c", "4")}, {}}).value() > 41);
  }
  CHECK(load(*open_state(file)).values.size() == 2);
}

TEST_CASE("kill -9 in the middle of writing: everything acknowledged is there after reopening") {
  const test::TemporaryFolder folder;
  const auto file = folder / "state.db";
  int pipe_ends[2];
  REQUIRE(pipe(pipe_ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    // Writes without end and says over the pipe what was acknowledged, until it is killed.
    Queue queue;
    const auto state = open_state(file);
    const auto store = state->make_store(queue.executor());
    int last = -1;  // acknowledged
    for (int i = 0;; ++i) {
      store->commit({alice, {put(std::to_string(i), "v")}, {}}, [&, i](Result<Version> version) {
        if (!version || write(pipe_ends[1], &i, sizeof i) != sizeof i) _exit(1);
        last = i;
      });
      if (i % 7 == 0) queue.run_until([&] { return last == i; });
    }
  }
  close(pipe_ends[1]);
  std::vector<int> acknowledged;
  int number = 0;
  while (acknowledged.size() < 300 && read(pipe_ends[0], &number, sizeof number) == sizeof number)
    acknowledged.push_back(number);
  REQUIRE(kill(child, SIGKILL) == 0);
  while (read(pipe_ends[0], &number, sizeof number) == sizeof number) acknowledged.push_back(number);
  close(pipe_ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(acknowledged.size() >= 300);
  const auto state = open_state(file);
  const Loaded loaded = load(*state);
  for (const int i : acknowledged) {
    CAPTURE(i);
    CHECK(loaded.values.count(std::to_string(i)) == 1);
  }
}
