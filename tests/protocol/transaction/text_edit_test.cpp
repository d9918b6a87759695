#include "protocol/transaction/text_edit.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;

TEST_CASE("the first Via value is replaced whatever the line looks like") {
  struct Row {
    std::string before, after;
  };
  const Row rows[] = {
      {"SIP/2.0 200 OK\r\nVia: a\r\nVia: b\r\n\r\n", "SIP/2.0 200 OK\r\nVia: NEW\r\nVia: b\r\n\r\n"},
      {"SIP/2.0 200 OK\r\nTo: x\r\nv:a , b\r\n\r\n", "SIP/2.0 200 OK\r\nTo: x\r\nv:NEW , b\r\n\r\n"},
      {"SIP/2.0 200 OK\r\nVIA : a;x=\"1,2\"\r\n\r\n", "SIP/2.0 200 OK\r\nVIA : NEW\r\n\r\n"},
      {"SIP/2.0 200 OK\r\nTo: x\r\n\r\nVia: body\r\n", "SIP/2.0 200 OK\r\nTo: x\r\n\r\nVia: body\r\n"},
      {"SIP/2.0 200 OK\r\nTo: x", "SIP/2.0 200 OK\r\nTo: x"},
      {"", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.before);
    CHECK(*with_top_via(row.before, "NEW") == row.after);
  }
}

TEST_CASE("a stamped Via holds no NUL, whatever was quoted in it") {
  const std::string value("SIP/2.0/UDP h;branch=z9hG4bKa;x=\"a\0b\";rport", 43);
  const auto via = sip::view_via(value);
  REQUIRE(via.has_value());
  CHECK(stamped_via(*via, *parse_address("192.0.2.1:5070")) ==
        "SIP/2.0/UDP h;branch=z9hG4bKa;x=\"a b\";rport=5070;received=192.0.2.1");
}
