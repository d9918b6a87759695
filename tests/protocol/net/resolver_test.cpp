#include "protocol/net/resolver.hpp"

#include <doctest/doctest.h>

#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;

TEST_CASE("literals and localhost need no name service (RFC 6761 6.3)") {
  struct Row {
    std::string_view host, first;
  };
  Loop loop;
  SystemResolver resolver(loop);
  for (const Row& row : {Row{"192.0.2.7", "192.0.2.7"}, Row{"[2001:db8::1]", "2001:db8::1"},
                         Row{"localhost", "127.0.0.1"}, Row{"Node.LOCALHOST", "127.0.0.1"}}) {
    CAPTURE(row.host);
    std::string found;
    resolver.resolve(row.host,
                     [&](Result<std::vector<IpAddress>> ips) { found = ips ? print(ips->front()) : "none"; });
    CHECK(found.empty());  // never from inside the call
    CHECK(loop.run_until([&] { return !found.empty(); }, test::limit));
    CHECK(found == row.first);
  }
}

TEST_CASE("a name without address is unknown_host (RFC 6761 6.4: invalid. never has one)") {
  Loop loop;
  SystemResolver resolver(loop);
  ErrorCode error;
  resolver.resolve("nobody.invalid", [&](Result<std::vector<IpAddress>> ips) { error = ips.error(); });
  CHECK(loop.run_until([&] { return bool(error); }, test::limit));
  CHECK(error == Errc::unknown_host);
}

TEST_CASE("an answer for a resolver that is gone is dropped") {
  Loop loop;
  bool called = false;
  {
    SystemResolver resolver(loop);
    resolver.resolve("localhost", [&](auto) { called = true; });
  }
  bool later = false;
  loop.post([&] { later = true; });
  CHECK(loop.run_until([&] { return later; }, test::limit));
  CHECK_FALSE(called);
}
