#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "tests/server/admin/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::admin;
using namespace beckon::server::test;

TEST_CASE("the admin socket answers one line with one text, for the owner only") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop,
                [](const std::string& line, const ReplyPtr& reply) { reply->finish("you said " + line); });
  const auto path = socket_path(folder.path());
  CHECK(ask(path, "hello").error() == admin::Errc::not_running);
  REQUIRE(socket.listen(path).has_value());
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  Result<std::string> said = admin::Errc::not_running;
  std::atomic<bool> done = false;
  std::jthread asker([&] {
    said = ask(path, "hello");
    loop.post([&] { done = true; });
  });
  CHECK(loop.run_until([&] { return done.load(); }, 10s));
  asker.join();
  REQUIRE(said.has_value());
  CHECK(*said == "you said hello");
}

TEST_CASE("a question of any length beyond the limit is refused, and never handled") {
  int handled = 0;
  Asking asking([&](const std::string&, const ReplyPtr& reply) {
    ++handled;
    reply->finish({});
  });
  for (const std::size_t size : {Socket::line_max, 10 * Socket::line_max, std::size_t{1'000'000}}) {
    CAPTURE(size);
    CHECK(asking.trace(std::string(size, 'a')) == Exit::failed);
    CHECK(asking.errors.str().ends_with("refused: the question is longer than 1024 octets\n"));
  }
  CHECK(handled == 0);
  CHECK(asking.trace("alice@example.org") == Exit::done);
  CHECK(handled == 1);
}

TEST_CASE("when no file can be opened, a client is answered as soon as one can be") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop, [](const std::string& line, const ReplyPtr& reply) { reply->finish(line); });
  const auto path = socket_path(folder.path());
  REQUIRE(socket.listen(path).has_value());
  const int asker = ::socket(AF_UNIX, SOCK_STREAM, 0);
  REQUIRE(asker >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  // The lowest number that is free is the first one forbidden: the connection waits, and cannot be accepted.
  const int lowest = ::dup(asker);
  ::close(lowest);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(lowest);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const int connected = ::connect(asker, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool failed = loop.run_until([&] { return loop.timers().next().has_value(); }, 10s);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(connected == 0);
  CHECK(failed);  // it is to be tried again

  REQUIRE(::send(asker, "hello\n", 6, 0) == 6);
  std::string said(16, '\0');
  ssize_t size = -1;
  CHECK(loop.run_until(
      [&] {
        size = ::recv(asker, said.data(), said.size(), MSG_DONTWAIT);
        return size >= 0;
      },
      10s));
  CHECK(said.substr(0, static_cast<std::size_t>(std::max<ssize_t>(size, 0))) == "hello");
  ::close(asker);
}

TEST_CASE("an answer of many lines is handed on line by line") {
  const Folder folder;
  net::Loop loop;
  Socket socket(loop, [](const std::string&, const ReplyPtr& reply) {
    reply->send("one\ntwo\n", [reply] { reply->finish("three"); });
  });
  const auto path = socket_path(folder.path());
  REQUIRE(socket.listen(path).has_value());
  std::vector<std::string> lines;
  std::atomic<bool> done = false;
  std::jthread asker([&] {
    (void)listen(path, "hello", [&](std::string_view line) { lines.emplace_back(line); });
    loop.post([&] { done = true; });
  });
  CHECK(loop.run_until([&] { return done.load(); }, 10s));
  asker.join();
  CHECK(lines == std::vector<std::string>{"one", "two", "three"});
}
