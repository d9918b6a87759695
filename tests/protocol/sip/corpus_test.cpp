#include "corpus.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <map>
#include <set>

#include "exercise.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/check.hpp"
#include "protocol/sip/framer.hpp"

using namespace beckon;
using namespace beckon::sip;
namespace json = boost::json;

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

enum class Fate { passes, answered, dropped };

/// What becomes of a datagram: it goes on, gets a refusal, or nothing.
Fate fate_of(const std::string& text) {
  const auto shared = share(text);
  const auto message = Message::parse(shared);
  if (!message) return refusal(shared, message.error()) ? Fate::answered : Fate::dropped;
  if (!check(*message)) return Fate::passes;
  return message->is_request() ? Fate::answered : Fate::dropped;
}

/// The markup of draft-ietf-sipping-torture-tests undone ("<hex>00</hex>", "<repeat count=3>ab</repeat>"),
/// and the blank line that most of the files lack appended to a head.
std::string jain_text(std::string text) {
  for (auto at = text.find("<hex>"); at != std::string::npos; at = text.find("<hex>")) {
    const auto end = text.find("</hex>", at);
    std::string digits = text.substr(at + 5, end - at - 5);
    std::erase_if(digits, [](char c) { return c == '\r' || c == '\n' || c == ' '; });
    const auto octets = from_hex(digits);
    REQUIRE(octets);
    text.replace(at, end + 6 - at, as_text(*octets));
  }
  for (auto at = text.find("<repeat count="); at != std::string::npos; at = text.find("<repeat count=")) {
    const auto open = text.find('>', at), end = text.find("</repeat>", at);
    const auto count = parse_number<std::size_t>(std::string_view(text).substr(at + 14, open - at - 14));
    REQUIRE(count);
    std::string repeated;
    for (std::size_t i = 0; i < *count; ++i) repeated.append(text, open + 1, end - open - 1);
    text.replace(at, end + 9 - at, repeated);
  }
  const auto begin = text.find_first_not_of("\r\n");
  if (text.find("\r\n\r\n", begin) == std::string::npos) text += "\r\n";
  return text;
}

/// A message, a single URI or a header line, by the file's extension.
bool is_accepted(const std::string& file, const std::string& text) {
  if (file.ends_with(".uri")) return parse_uri(trim(text)).has_value();
  if (file.ends_with(".msg")) return fate_of(text) == Fate::passes;
  const auto message = Message::parse(share("OPTIONS sip:a@b SIP/2.0\r\n" + text + "\r\n\r\n"));
  return message && std::ranges::all_of(message->headers(), [](const HeaderLine& line) {
           return parse_header(line.id, line.value).has_value();
         });
}

/// Adds what the framer gives for the next octets: kinds and texts of items, '!' for the error that ends a
/// stream.
void drain(Framer& framer, std::string_view octets, std::string& out) {
  if (out.ends_with('!')) return;
  framer.push(octets);
  while (true) {
    const auto item = framer.next();
    if (!item) return out.push_back('!');
    if (!*item) return;
    out += "\n" + std::to_string(static_cast<int>((*item)->kind)) + " ";
    if ((*item)->message) out += (*item)->message->text();
  }
}

constexpr std::size_t typed_headers = 5099;
constexpr std::size_t split_places = 425030;

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

TEST_CASE("every typed header of the RFC examples and of real peers reads, but for faults of the print") {
  struct Fault {
    const char* file;
    HeaderId id;
  };
  // The RFCs print dots for what is left out, a blank or line end inside of a URI, a missing or doubled ';',
  // an address cut at the margin, a route without brackets.
  const std::vector<Fault> faults{
      {"rfc3261-007.msg", HeaderId::content_disposition},
      {"rfc3325-002.msg", HeaderId::proxy_authorization},
      {"rfc3325-005.msg", HeaderId::proxy_authorization},
      {"rfc3327-001.msg", HeaderId::supported},
      {"rfc3327-002.msg", HeaderId::path},
      {"rfc3327-004.msg", HeaderId::path},
      {"rfc3327-005.msg", HeaderId::path},
      {"rfc3327-007.msg", HeaderId::path},
      {"rfc3327-008.msg", HeaderId::path},
      {"rfc3428-002.msg", HeaderId::via},
      {"rfc3428-003.msg", HeaderId::from},
      {"rfc3515-002.msg", HeaderId::subscription_state},
      {"rfc3515-006.msg", HeaderId::refer_to},
      {"rfc3515-008.msg", HeaderId::subscription_state},
      {"rfc4028-004.msg", HeaderId::record_route},
      {"rfc5359-084.msg", HeaderId::referred_by},
      {"rfc5359-188.msg", HeaderId::via},
      {"rfc5359-192.msg", HeaderId::via},
      {"rfc5626-001.msg", HeaderId::contact},
      {"rfc5627-002.msg", HeaderId::contact},
      {"rfc5627-004.msg", HeaderId::to},
  };
  std::size_t refused = 0, read = 0;
  for (const auto& [folder, extension] :
       {std::pair{"sip/rfc-examples", ".msg"}, std::pair{"captures", ".sip"}}) {
    for (const auto& file : corpus::files(folder, extension)) {
      const auto message = Message::parse(share(corpus::read(file)));
      if (!message) continue;
      for (const auto& line : message->headers()) {
        if (line.id == HeaderId::other) continue;
        const auto value = parse_header(line.id, line.value);
        const auto fault = std::find_if(faults.begin(), faults.end(), [&](const Fault& row) {
          return file.filename() == row.file && line.id == row.id;
        });
        // The other values of a faulty message's header are read.
        if (value) {
          ++read;
          continue;
        }
        ++refused;
        CAPTURE(file.string());
        CAPTURE(line.line);
        CHECK(fault != faults.end());
      }
    }
  }
  CHECK(refused == faults.size());
  CHECK(read == typed_headers);
}

TEST_CASE(
    "typed headers of the torture tests: as many are refused as are meant to be, or older than RFC 3261") {
  struct Row {
    const char* folder;
    const char* extension;
    std::size_t typed;
    std::size_t refused;
  };
  for (const Row& row : {
           Row{"sip/rfc4475", ".dat", 275, 9},
           Row{"sip/rfc5118", ".dat", 66, 0},
           // Of the 26: 10 Record-Routes and a Route with a blank inside of their URI, 4 host names in
           // received.
           Row{"sip/jsip-torture", ".msg", 1390, 26},
           Row{"sip/pjsip-seeds", ".sip", 67, 0},
       }) {
    CAPTURE(row.folder);
    std::size_t typed = 0, refused = 0;
    for (const auto& file : corpus::files(row.folder, row.extension)) {
      const auto message = Message::parse(share(corpus::read(file)));
      if (!message) continue;
      for (const auto& line : message->headers()) {
        if (line.id == HeaderId::other) continue;
        ++typed;
        if (!parse_header(line.id, line.value)) ++refused;
      }
    }
    CHECK(typed == row.typed);
    CHECK(refused == row.refused);
  }
}

TEST_CASE("every split of every message on a stream gives the same messages, pings and errors") {
  std::size_t streams = 0, splits = 0;
  for (const auto& [folder, extension] :
       {std::pair{"sip/rfc-examples", ".msg"}, std::pair{"captures", ".sip"},
        std::pair{"sip/rfc4475", ".dat"}, std::pair{"sip/rfc5118", ".dat"},
        std::pair{"sip/jsip-torture", ".msg"}}) {
    for (const auto& file : corpus::files(folder, extension)) {
      const auto text = corpus::read(file);
      CAPTURE(file.string());
      ++streams;
      Framer whole;
      std::string expected;
      drain(whole, text, expected);
      for (std::size_t at = 1; at < text.size(); ++at) {
        ++splits;
        Framer framer;
        std::string found;
        drain(framer, std::string_view(text).substr(0, at), found);
        drain(framer, std::string_view(text).substr(at), found);
        if (found != expected) {
          CAPTURE(at);
          CHECK(found == expected);
        }
      }
    }
  }
  CHECK(streams == 394 + 151 + 34 + 8 + 249);
  CHECK(splits == split_places);
}

TEST_CASE("every cut of every message is refused for want of octets, but where only the body is cut") {
  for (const auto& [folder, extension] :
       {std::pair{"sip/rfc-examples", ".msg"}, std::pair{"sip/rfc4475", ".dat"},
        std::pair{"sip/rfc5118", ".dat"}}) {
    for (const auto& file : corpus::files(folder, extension)) {
      const auto text = corpus::read(file);
      const auto message = Message::parse(share(text));
      if (!message || !message->has(HeaderId::content_length) || message->text() != text) continue;
      CAPTURE(file.string());
      for (std::size_t size = 0; size < text.size(); ++size) {
        const auto cut = Message::parse(share(text.substr(0, size)));
        if (cut || (cut.error() != Errc::need_more && cut.error() != Errc::bad_start_line)) {
          CAPTURE(size);
          CHECK_FALSE(cut.has_value());
        }
      }
    }
  }
}

TEST_CASE("the JAIN-SIP torture file: what it says parses passes, what it says fails is refused") {
  // Where we differ: what the RFCs since then, or this server, say otherwise.
  const std::map<std::string, const char*> differences{
      {"014.msg", "a blank line that holds a blank ends no head"},
      {"019.msg", "416: a Request-URI of a scheme that is not served"},
      {"022.msg", "416"},
      {"025.msg", "no Call-ID, From and To"},
      {"359.msg", "no blank line between two messages"},
      {"362.msg", "its Content-Length is more than its body, which lost line ends on its way into the file"},
      {"376.msg", "Date is not ours to judge"},
      {"386.msg", "416"},
      {"392.msg", "To, From, Call-ID, CSeq twice"},
  };
  std::map<std::string, std::pair<std::size_t, std::size_t>> counts;  // Per kind: passed, refused.
  const auto index = json::parse(corpus::read(corpus::root / "sip/jsip-torture/index.json")).as_array();
  REQUIRE(index.size() == 267);
  for (const auto& row : index) {
    const std::string file(row.at("file").as_string());
    CAPTURE(file);
    const bool fails = !row.at("jsip_expects_exception").as_array().empty();
    const auto text = jain_text(corpus::read(corpus::root / "sip/jsip-torture" / file));
    const bool passes = is_accepted(file, text);
    CHECK(passes == (fails == differences.contains(file)));
    auto& [passed, refused] = counts[file.substr(file.size() - 3)];
    ++(passes ? passed : refused);
  }
  CHECK(counts["msg"] == std::pair<std::size_t, std::size_t>{220, 29});
  CHECK(counts["uri"] == std::pair<std::size_t, std::size_t>{7, 0});
  CHECK(counts["hdr"] == std::pair<std::size_t, std::size_t>{11, 0});
}

TEST_CASE("fuzz seeds of pjsip, finds of sipgo and a PROTOS capture: read or refused, one by one") {
  struct Row {
    const char* file;
    Fate fate;
  };
  const std::vector<Row> rows{
      // No blank line at the end.
      {"pjsip-seeds/dialog-basic_invite.sip", Fate::answered},
      {"pjsip-seeds/dialog-invite_with_routes.sip", Fate::answered},
      {"pjsip-seeds/dialog-simple_uris.txt", Fate::dropped},
      {"pjsip-seeds/sip-auth_challenge.sip", Fate::passes},
      // A CR inside a line.
      {"pjsip-seeds/sip-input.1.sip", Fate::answered},
      {"pjsip-seeds/sip-input.2.sip", Fate::passes},
      // Cut in To.
      {"pjsip-seeds/sip-input.4.sip", Fate::answered},
      {"pjsip-seeds/sip-input.5.sip", Fate::passes},
      {"pjsip-seeds/sip-input.7.sip", Fate::passes},
      // Its Content-Length is larger than its body.
      {"pjsip-seeds/sip-multipart_alternative.sip", Fate::answered},
      {"pjsip-seeds/sip-replaces_refer.sip", Fate::passes},
      {"pjsip-seeds/sip-routing_complex.sip", Fate::passes},
      // 416 for a tel URI.
      {"pjsip-seeds/sip-tel_uri_basic.sip", Fate::answered},
      {"sipgo-fuzz-finds/2c025c3ae292cb8b.msg", Fate::dropped},
      {"sipgo-fuzz-finds/60d4a7b56f87dca0.msg", Fate::dropped},
      {"sipgo-fuzz-finds/8f997b6062f4880d.msg", Fate::dropped},
      {"sipgo-fuzz-finds/92cfc4c51bbcdddf.msg", Fate::dropped},
      {"sipgo-fuzz-finds/cfdb2b227e2e14aa.msg", Fate::dropped},
      {"sipgo-fuzz-finds/dc4d8cf7ba83620b.msg", Fate::dropped},
  };
  for (const auto& row : rows) {
    CAPTURE(row.file);
    const auto text = corpus::read(corpus::root / "sip" / row.file);
    feed(text);
    CHECK(fate_of(text) == row.fate);
  }
  CHECK(corpus::files("sip/pjsip-seeds", "").size() == 14);  // One is the URI below.
  CHECK(corpus::files("sip/sipgo-fuzz-finds", "").size() == 6);
  CHECK_FALSE(parse_uri(corpus::read(corpus::root / "sip/pjsip-seeds/uri-file.uri")).has_value());

  std::map<Fate, std::size_t> fates;
  for (const auto& file : corpus::files("sip/protos-c07-sip-capture", "")) {
    const auto text = corpus::read(file);
    feed(text);
    ++fates[fate_of(text)];
  }
  CHECK(fates[Fate::passes] == 1);
  CHECK(fates[Fate::answered] == 7);
  CHECK(fates[Fate::dropped] == 17);
}

TEST_CASE("torture tests never crash, as datagrams and as streams") {
  std::size_t count = 0;
  for (const char* folder : {"sip/rfc4475", "sip/rfc5118", "sip/jsip-torture", "sip/seq"}) {
    for (const auto& file : corpus::files(folder, "")) {
      if (file.extension() == ".json") continue;
      CAPTURE(file.string());
      feed(corpus::read(file));
      ++count;
    }
  }
  CHECK(count == 34 + 8 + 267 + 1);
}

TEST_CASE("single URIs and header lines of the JAIN-SIP torture file never crash") {
  const auto uris = corpus::files("sip/jsip-torture", ".uri");
  const auto lines = corpus::files("sip/jsip-torture", ".hdr");
  CHECK(uris.size() == 7);
  CHECK(lines.size() == 11);
  for (const auto& file : uris) exercise_uri(corpus::read(file));
  for (const auto& file : lines) {
    const auto line = corpus::read(file);
    feed("OPTIONS sip:a@b SIP/2.0\r\n" + line + "\r\n\r\n");
  }
}
