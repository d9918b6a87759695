#include "server/subscription/head.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server::subscription;

namespace {

dialog::Dialog sample(std::vector<std::string> routes = {}) {
  dialog::Dialog dialog;
  dialog.id = {"call-1@host", "bk001.0123456789abcdef01234567", "remote-tag"};
  dialog.local_uri = "sip:alice@example.org";
  dialog.remote_uri = "sip:bob@example.org";
  dialog.remote_target = "sip:dev@192.0.2.9:5070";
  dialog.route_set = std::move(routes);
  return dialog;
}

}  // namespace

TEST_CASE(
    "a head has the lines that all NOTIFYs of a subscription share (RFC 6665 4.2.2, RFC 3261 12.2.1.1)") {
  const auto head = Head::make(sample(), "<sip:bk001.s@192.0.2.1>", "presence;id=7", "7", "Bob").value();
  CHECK(head.lines() ==
        "NOTIFY sip:dev@192.0.2.9:5070 SIP/2.0\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:alice@example.org>;tag=bk001.0123456789abcdef01234567\r\n"
        "To: <sip:bob@example.org>;tag=remote-tag\r\n"
        "Call-ID: call-1@host\r\n"
        "Contact: <sip:bk001.s@192.0.2.1>\r\n"
        "Event: presence;id=7\r\n");
  CHECK(head.event_id() == "7");
  CHECK(head.display_name() == "Bob");
}

TEST_CASE("the dialog reads back as it was, whatever its route set and tags") {
  auto untagged = sample();
  untagged.id.remote_tag.clear();  // RFC 2543
  auto twisted = sample();
  twisted.id.call_id = "tag=remote-tag";
  twisted.remote_uri = twisted.local_uri;
  twisted.id.remote_tag = "To";
  for (const auto& dialog :
       {sample(), untagged, twisted, sample({"<sip:p.example;lr>", "<sip:q.example;lr>"}),
        sample({"<sip:strict.example>", "<sip:q.example;lr>"})}) {
    CAPTURE(dialog.route_set.size());
    const auto head = Head::make(dialog, "<sip:us@192.0.2.1>", "presence", "", "").value();
    CHECK(head.dialog() == dialog);
  }
}

TEST_CASE("a strict router stands in the request line, the target in the last Route (RFC 3261 12.2.1.1)") {
  const auto head =
      Head::make(sample({"<sip:strict.example>"}), "<sip:us@192.0.2.1>", "presence", "", "").value();
  CHECK(head.lines().starts_with("NOTIFY sip:strict.example SIP/2.0\r\nRoute: <sip:dev@192.0.2.9:5070>\r\n"));
  CHECK(head.remote_target() == "sip:dev@192.0.2.9:5070");
}

TEST_CASE("no value forges a line, and a head past the limit is refused") {
  const auto head =
      Head::make(sample({"<sip:p.example;lr>;x=\"a\r\nEvent: b\""}), "<sip:us@192.0.2.1>", "presence", "", "")
          .value();
  CHECK(head.lines().find("\r\nEvent: b") == std::string_view::npos);
  CHECK(head.dialog().route_set.size() == 1);
  CHECK_FALSE(Head::make(sample({"<sip:" + std::string(Head::octets_max, 'p') + ";lr>"}),
                         "<sip:us@192.0.2.1>", "presence", "", "")
                  .has_value());
}
