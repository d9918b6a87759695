#include "protocol/dialog/dialog.hpp"

#include <doctest/doctest.h>

#include <unordered_set>

using namespace beckon;
using namespace beckon::dialog;
using sip::HeaderId;

namespace {

sip::Message message(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.replace(at, 1, "\r\n");
  return sip::Message::parse(share(std::move(text))).value();
}

/// From Bob (watcher) to Alice, through two proxies.
std::string subscribe_text(std::string_view extra = {}) {
  return "SUBSCRIBE sip:alice@example.org SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\n"
         "Record-Route: <sip:p2.example.org;lr>, <sip:p1.example.org;lr>;x=\"a,b\"\n"
         "From: Bob <sip:bob@example.org>;tag=bob\nTo: <sip:alice@example.org>\nCall-ID: call-1\n"
         "CSeq: 5 SUBSCRIBE\nContact: \"Bob\" <sip:bob@192.0.2.1:5062;transport=tcp>;expires=60\n" +
         std::string(extra) + "Content-Length: 0\n\n";
}

std::string response_text(int status, std::string_view to_tag = ";tag=alice") {
  return "SIP/2.0 " + std::to_string(status) +
         " X\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\n"
         "Record-Route: <sip:p2.example.org;lr>\nRecord-Route: <sip:p1.example.org;lr>\n"
         "From: Bob <sip:bob@example.org>;tag=bob\nTo: <sip:alice@example.org>" +
         std::string(to_tag) +
         "\nCall-ID: call-1\nCSeq: 5 SUBSCRIBE\nContact: <sip:server.example.org:5070>\nContent-Length: "
         "0\n\n";
}

std::string in_dialog(std::string_view method, std::uint32_t cseq, std::string_view contact = {}) {
  std::string text(method);
  text += " sip:server.example.org SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\n";
  text += "From: <sip:bob@example.org>;tag=bob\nTo: <sip:alice@example.org>;tag=alice\nCall-ID: call-1\n";
  text += "CSeq: " + std::to_string(cseq) + " ";
  text.append(method).append("\n");
  if (!contact.empty()) text.append("Contact: ").append(contact).append("\n");
  return text + "Content-Length: 0\n\n";
}

Dialog uas() { return make_uas_dialog(message(subscribe_text()), "alice", false).value(); }
Dialog uac() { return make_uac_dialog(message(response_text(200)), false).value(); }

sip::Message finished(sip::Builder builder) {
  builder.add(HeaderId::via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK3");
  return sip::Message::parse(share(std::move(builder).finish())).value();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("the UAS makes a dialog from the request and its own tag (RFC 3261 12.1.1)") {
  const auto dialog = uas();
  CHECK(dialog.id == Id{"call-1", "alice", "bob"});
  CHECK(dialog.local_uri == "sip:alice@example.org");
  CHECK(dialog.remote_uri == "sip:bob@example.org");
  CHECK(dialog.remote_target == "sip:bob@192.0.2.1:5062;transport=tcp");
  CHECK(dialog.route_set ==
        std::vector<std::string>{"<sip:p2.example.org;lr>", "<sip:p1.example.org;lr>;x=\"a,b\""});
  CHECK(dialog.remote_cseq == 5);
  CHECK(dialog.local_cseq == 0);
  CHECK(make_uas_dialog(message(subscribe_text()), "alice", true)->secure);
}

TEST_CASE("the UAC makes a dialog from the response, with the route set reversed (RFC 3261 12.1.2)") {
  const auto dialog = uac();
  CHECK(dialog.id == Id{"call-1", "bob", "alice"});
  CHECK(dialog.local_uri == "sip:bob@example.org");
  CHECK(dialog.remote_uri == "sip:alice@example.org");
  CHECK(dialog.remote_target == "sip:server.example.org:5070");
  CHECK(dialog.route_set == std::vector<std::string>{"<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>"});
  CHECK_FALSE(dialog.remote_cseq);
  CHECK(dialog.local_cseq == 5);
}

TEST_CASE(
    "a NOTIFY that overtakes the 2xx makes the dialog, and is then its first request (RFC 6665 4.1.2.4)") {
  const auto notify = message(in_dialog("NOTIFY", 9, "<sip:server.example.org>"));
  auto dialog = make_notified_dialog(notify, 5, false).value();
  CHECK(dialog.id == Id{"call-1", "alice", "bob"});
  CHECK(dialog.local_cseq == 5);
  CHECK(dialog.on_request(notify));
  CHECK(dialog.remote_cseq == 9);
  CHECK(dialog.on_request(notify).error() == Errc::out_of_order);

  const auto untagged = message(replaced(in_dialog("NOTIFY", 9, "<sip:a@b>"), ";tag=alice", ""));
  CHECK(make_notified_dialog(untagged, 5, false).error() == Errc::missing_tag);
}

TEST_CASE("a message that makes no dialog is refused (RFC 3261 12.1)") {
  const auto text = subscribe_text();
  const auto contact = std::string("Contact: \"Bob\" <sip:bob@192.0.2.1:5062;transport=tcp>;expires=60\n");
  struct Row {
    std::string text;
    Errc error;
  };
  const Row rows[] = {
      {replaced(text, contact, ""), Errc::bad_contact},
      {replaced(text, contact, "Contact: *\n"), Errc::bad_contact},
      {replaced(text, contact, "Contact: <tel:+123>\n"), Errc::bad_contact},
      {replaced(text, contact, "Contact: <sip:a@b>, <sip:c@d>\n"), Errc::bad_contact},
      {replaced(text, "<sip:p2.example.org;lr>", "<sip:p2.example.org;lr"), Errc::bad_header},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(make_uas_dialog(message(row.text), "alice", false).error() == row.error);
  }
  CHECK(make_uac_dialog(message(response_text(200, "")), false).error() == Errc::missing_tag);
  CHECK(make_error_code(Errc::bad_contact).message() == "no usable Contact");
}

TEST_CASE("requests must come in order (RFC 3261 12.2.2)") {
  auto dialog = uas();
  CHECK(dialog.on_request(message(in_dialog("SUBSCRIBE", 6, "<sip:bob@192.0.2.2>"))));
  CHECK(dialog.remote_target == "sip:bob@192.0.2.2");

  SUBCASE("an old one is refused and changes nothing") {
    CHECK(dialog.on_request(message(in_dialog("SUBSCRIBE", 4, "<sip:evil@192.0.2.3>"))).error() ==
          Errc::out_of_order);
    CHECK(dialog.on_request(message(in_dialog("SUBSCRIBE", 6, "<sip:evil@192.0.2.3>"))).error() ==
          Errc::out_of_order);
    CHECK(dialog.remote_target == "sip:bob@192.0.2.2");
    CHECK(dialog.remote_cseq == 6);
  }
  SUBCASE("gaps are fine") { CHECK(dialog.on_request(message(in_dialog("BYE", 100)))); }
  SUBCASE("ACK and CANCEL carry an older number") { CHECK(dialog.on_request(message(in_dialog("ACK", 1)))); }
  SUBCASE("a bad Contact changes nothing") {
    CHECK(dialog.on_request(message(in_dialog("SUBSCRIBE", 7, "<tel:+1>"))).error() == Errc::bad_contact);
    CHECK(dialog.remote_cseq == 6);
  }
  SUBCASE("only some methods refresh the target (RFC 3261 12.2)") {
    CHECK(dialog.on_request(message(in_dialog("MESSAGE", 7, "<sip:other@192.0.2.3>"))));
    CHECK(dialog.remote_target == "sip:bob@192.0.2.2");
  }
  SUBCASE("without Contact the target stays") {
    CHECK(dialog.on_request(message(in_dialog("SUBSCRIBE", 7))));
    CHECK(dialog.remote_target == "sip:bob@192.0.2.2");
  }
}

TEST_CASE("a 2xx refreshes the target, other responses do not (RFC 3261 12.2.1.2)") {
  auto dialog = uac();
  dialog.on_response(message(replaced(response_text(200), "server.example.org:5070", "new.example.org")));
  CHECK(dialog.remote_target == "sip:new.example.org");
  dialog.on_response(message(response_text(403)));
  CHECK(dialog.remote_target == "sip:new.example.org");
}

TEST_CASE("requests follow loose routes (RFC 3261 12.2.1.1)") {
  auto dialog = uac();
  const auto request = finished(dialog.make_request("SUBSCRIBE"));
  CHECK(request.request_uri_text() == "sip:server.example.org:5070");
  CHECK(request.values(HeaderId::route) ==
        std::vector<std::string_view>{"<sip:p1.example.org;lr>", "<sip:p2.example.org;lr>"});
  CHECK(request.header(HeaderId::from) == "<sip:bob@example.org>;tag=bob");
  CHECK(request.header(HeaderId::to) == "<sip:alice@example.org>;tag=alice");
  CHECK(request.header(HeaderId::cseq) == "6 SUBSCRIBE");
  CHECK(request.header(HeaderId::call_id) == "call-1");
  CHECK(request.header(HeaderId::max_forwards) == "70");
  CHECK(dialog.local_cseq == 6);

  SUBCASE("without routes they go to the target") {
    dialog.route_set.clear();
    const auto direct = finished(dialog.make_request("SUBSCRIBE"));
    CHECK(direct.request_uri_text() == "sip:server.example.org:5070");
    CHECK(direct.header(HeaderId::route).empty());
  }
  SUBCASE("a strict first router stands in the Request-URI, the target at the end") {
    dialog.route_set = {"<sip:p1.example.org;method=NOTIFY?h=1>", "<sip:p2.example.org;lr>"};
    const auto strict = finished(dialog.make_request("SUBSCRIBE"));
    CHECK(strict.request_uri_text() == "sip:p1.example.org");
    CHECK(strict.values(HeaderId::route) ==
          std::vector<std::string_view>{"<sip:p2.example.org;lr>", "<sip:server.example.org:5070>"});
  }
  SUBCASE("an ACK carries its INVITE's number and uses up none (RFC 3261 13.2.2.4)") {
    const auto ack = finished(dialog.make_ack(6));
    CHECK(ack.header(HeaderId::cseq) == "6 ACK");
    CHECK(dialog.local_cseq == 6);
  }
  SUBCASE("a peer without a tag is sent none (RFC 3261 12.2.1.1)") {
    dialog.id.remote_tag.clear();
    const auto plain = finished(dialog.make_request("BYE"));
    CHECK(plain.header(HeaderId::to) == "<sip:alice@example.org>");
  }
}

TEST_CASE("messages find their dialog") {
  CHECK(id_of_request(message(in_dialog("NOTIFY", 1))) == Id{"call-1", "alice", "bob"});
  const std::unordered_set<Id> ids{{"c", "a", "b"}, {"c", "b", "a"}, {"c", "a", "b"}};
  CHECK(ids.size() == 2);
}
