#include "corpus.hpp"

#include <doctest/doctest.h>

#include <set>

#include "exercise.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/framer.hpp"

using namespace beckon;
using namespace beckon::sip;

namespace {

/// Every way the octets of a stranger can go: datagram, refusal, stream.
void feed(const std::string& text) {
  exercise(text);
  Framer framer;
  framer.push(text);
  for (auto item = framer.next(); item && *item; item = framer.next()) {
    if ((*item)->message) exercise(*(*item)->message);
  }
}

/// The text, with the Content-Length that is added where there is none.
std::string with_length(const Message& message) {
  std::string text(message.text());
  if (message.has(HeaderId::content_length)) return text;
  const auto size = std::to_string(message.body().size());
  return text.insert(text.size() - message.body().size() - 2, "Content-Length: " + size + "\r\n");
}

}  // namespace

TEST_CASE("394 messages of the RFCs are read, pass the check, and go on unchanged") {
  const auto all = corpus::files("sip/rfc-examples", ".msg");
  REQUIRE(all.size() == 394);
  // Faults of the print: From with ";;", Contact with ";" at a line's end and at the next one's begin, a
  // blank inside a URI. RFC 4475 3.1.2.1 wants such separators refused.
  const std::set<std::string> faulty{"rfc3428-003.msg", "rfc5626-001.msg", "rfc5627-004.msg"};
  for (const auto& file : all) {
    CAPTURE(file.string());
    const auto text = corpus::read(file);
    const auto message = Message::parse(share(text));
    REQUIRE(message.has_value());
    exercise(*message);
    CHECK(Splice(*message).finish() == with_length(*message));
    if (text.find("\r\n ") == std::string::npos) CHECK(message->text() == text);
    const auto rejected = check(*message);
    CHECK(rejected.has_value() == faulty.contains(file.filename().string()));
  }
}

TEST_CASE("what real clients and servers sent is read, passes the check, and goes on unchanged") {
  // Three captures of liblinphone's compressed IMDN hold two thirds of the body their Content-Length
  // announces.
  const auto is_cut = [](const std::filesystem::path& file) {
    const auto name = file.filename().string();
    return name == "linphone-tcp-message-imdn-xml-1.sip" || name == "linphone-udp-message-imdn-xml-2.sip" ||
           name == "linphone-udp-message-imdn-xml-auth-2.sip";
  };
  for (const auto& file : corpus::files("captures", ".sip")) {
    CAPTURE(file.string());
    const auto text = corpus::read(file);
    const auto message = Message::parse(share(text));
    if (is_cut(file)) {
      REQUIRE(message.has_error());
      CHECK(message.error() == Errc::need_more);
      CHECK(refusal(share(text), message.error())->status == 400);
      continue;
    }
    REQUIRE(message.has_value());
    const auto rejected = check(*message);
    CHECK_MESSAGE(!rejected, (rejected ? rejected->reason : ""));
    exercise(*message);
    CHECK(message->text() == text);
    CHECK(Splice(*message).finish() == with_length(*message));
  }
}

TEST_CASE("torture tests, fuzz finds and anomalies never crash") {
  std::size_t count = 0;
  for (const char* folder : {"sip/rfc4475", "sip/rfc5118", "sip/jsip-torture", "sip/pjsip-seeds",
                             "sip/sipgo-fuzz-finds", "sip/protos-c07-sip-capture", "sip/seq"}) {
    for (const auto& file : corpus::files(folder, "")) {
      CAPTURE(file.string());
      feed(corpus::read(file));
      ++count;
    }
  }
  CHECK(count > 350);
}

TEST_CASE("single URIs and header lines of the JAIN-SIP torture file never crash") {
  for (const auto& file : corpus::files("sip/jsip-torture", ".uri")) exercise_uri(corpus::read(file));
  for (const auto& file : corpus::files("sip/jsip-torture", ".hdr")) {
    const auto line = corpus::read(file);
    feed("OPTIONS sip:a@b SIP/2.0\r\n" + line + "\r\n\r\n");
  }
}
