#include "protocol/locate/dns.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "protocol/base/text.hpp"
#include "tests/protocol/locate/zone.hpp"

using namespace beckon;
using namespace beckon::locate;
using namespace beckon::locate::test;

namespace {

/// Writes DNS messages, right ones and wrong ones.
class Wire {
 public:
  Wire(const Question& question, unsigned answers, unsigned authorities = 0, unsigned flags = 0x8180) {
    number16(0x1234).number16(flags).number16(1).number16(answers).number16(authorities).number16(0);
    name(question.name).number16(static_cast<unsigned>(question.type)).number16(1);
  }
  Wire& number8(unsigned n) {
    octets.push_back(static_cast<std::uint8_t>(n));
    return *this;
  }
  Wire& number16(unsigned n) { return number8(n >> 8 & 0xFF).number8(n & 0xFF); }
  Wire& number32(std::uint32_t n) { return number16(n >> 16).number16(n & 0xFFFF); }
  Wire& text(std::string_view words) {
    number8(static_cast<unsigned>(words.size()));
    for (const char c : words) number8(static_cast<unsigned char>(c));
    return *this;
  }
  Wire& name(std::string_view dotted) {
    for (const auto label : split(dotted, '.')) text(label);
    return number8(0);
  }
  Wire& pointer(unsigned to) { return number16(0xC000 | to); }
  /// Owner, type, class, TTL and length of a record's data, which is written next.
  Wire& record(std::string_view owner, unsigned type, std::uint32_t ttl, unsigned size) {
    return name(owner).number16(type).number16(1).number32(ttl).number16(size);
  }
  Wire& a(std::string_view owner, std::uint32_t ttl, std::string_view ip) {
    record(owner, 1, ttl, 4);
    const auto address = *parse_ip(ip);
    for (const auto octet : address.bytes()) number8(octet);
    return *this;
  }
  Wire& cname(std::string_view owner, std::uint32_t ttl, std::string_view to) {
    return record(owner, 5, ttl, static_cast<unsigned>(to.size()) + 2).name(to);
  }
  Wire& soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum) {
    return record(owner, 6, ttl, 1 + 1 + 20)
        .name("")
        .name("")
        .number32(1)
        .number32(2)
        .number32(3)
        .number32(4)
        .number32(minimum);
  }
  Bytes octets;
};

const Question a_question{"example.org", Type::a};

}  // namespace

TEST_CASE("address records are read, and hold as long as the shortest of them") {
  const auto answer = read_answer(
      a_question,
      Wire(a_question, 2).a("EXAMPLE.org", 300, "192.0.2.1").a("example.org", 60, "192.0.2.2").octets);
  REQUIRE(answer.has_value());
  CHECK(*answer == addresses({"192.0.2.1", "192.0.2.2"}, 60s));
}

TEST_CASE(
    "records of other names, classes and types are ignored (RFC 5452: only answers to the question count)") {
  Wire wire(a_question, 4);
  wire.a("other.org", 60, "192.0.2.66").record("example.org", 16, 60, 3).text("hi");
  wire.name("example.org").number16(1).number16(3).number32(60).number16(4).number32(1);  // class CHAOS
  wire.a("example.org", 60, "192.0.2.1");
  const auto answer = read_answer(a_question, wire.octets);
  REQUIRE(answer.has_value());
  CHECK(answer->addresses == addresses({"192.0.2.1"}).addresses);
}

TEST_CASE("SRV and NAPTR records are read, with compressed names (RFC 2782, RFC 3403, RFC 1035 4.1.4)") {
  const Question srv{"_sip._udp.example.org", Type::srv};
  const auto services_found = read_answer(srv, Wire(srv, 2)
                                                   .record("_sip._udp.example.org", 33, 60, 6 + 4 + 2)
                                                   .number16(10)
                                                   .number16(20)
                                                   .number16(5060)
                                                   .text("sip")
                                                   .pointer(12 + 10)  // "example.org" in the question
                                                   .record("_sip._udp.example.org", 33, 60, 7)
                                                   .number16(1)
                                                   .number16(0)
                                                   .number16(0)
                                                   .name("")
                                                   .octets);
  REQUIRE(services_found.has_value());
  CHECK(services_found->services == std::vector<Srv>{{10, 20, 5060, "sip.example.org"}, {1, 0, 0, ""}});

  const Question naptr{"example.org", Type::naptr};
  const auto found = read_answer(naptr, Wire(naptr, 1)
                                            .record("example.org", 35, 60, 4 + 2 + 8 + 1 + 11)
                                            .number16(50)
                                            .number16(51)
                                            .text("s")
                                            .text("SIP+D2U")
                                            .text("")
                                            .text("_sip")
                                            .text("_udp")
                                            .number8(0)
                                            .octets);
  REQUIRE(found.has_value());
  CHECK(found->pointers == std::vector<Naptr>{{50, 51, "s", "SIP+D2U", "", "_sip._udp"}});
}

TEST_CASE("an alias is followed within the answer, or reported when its records are not in the answer") {
  CHECK(*read_answer(a_question, Wire(a_question, 3)
                                     .cname("example.org", 50, "www.example.org")
                                     .cname("www.example.org", 40, "host.example.org")
                                     .a("host.example.org", 60, "192.0.2.1")
                                     .octets) == addresses({"192.0.2.1"}, 40s));
  const auto without =
      read_answer(a_question, Wire(a_question, 1).cname("example.org", 50, "www.example.org").octets);
  REQUIRE(without.has_value());
  CHECK(without->kind == Answer::Kind::found);
  CHECK(without->alias == "www.example.org");
}

TEST_CASE("a loop of aliases is refused") {
  const auto loop = read_answer(a_question, Wire(a_question, 2)
                                                .cname("example.org", 50, "www.example.org")
                                                .cname("www.example.org", 50, "example.org")
                                                .octets);
  CHECK(loop.error() == Errc::bad_answer);
}

TEST_CASE("a negative answer is valid as long as the SOA says (RFC 2308 5)") {
  struct Row {
    unsigned flags;
    std::uint32_t ttl, minimum;
    Answer::Kind kind;
    Duration holds;
  };
  for (const Row& row : {Row{0x8183, 300, 60, Answer::Kind::no_name, 60s},
                         {0x8183, 30, 60, Answer::Kind::no_name, 30s},
                         {0x8180, 300, 60, Answer::Kind::no_data, 60s}}) {
    const auto answer =
        read_answer(a_question, Wire(a_question, 0, 1, row.flags).soa("org", row.ttl, row.minimum).octets);
    REQUIRE(answer.has_value());
    CHECK(answer->kind == row.kind);
    CHECK(answer->ttl == row.holds);
  }
  CHECK(read_answer(a_question, Wire(a_question, 0, 0, 0x8183).octets)->ttl == 0s);  // no SOA: not to be kept
}

TEST_CASE("other codes are failures (RFC 1035 4.1.1)") {
  for (const unsigned code : {1U, 2U, 4U, 5U, 9U}) {
    CAPTURE(code);
    CHECK(read_answer(a_question, Wire(a_question, 0, 0, 0x8180 | code).octets)->kind ==
          Answer::Kind::failed);
  }
}

TEST_CASE("a TTL with its highest bit set is zero (RFC 2181 8)") {
  CHECK(read_answer(a_question, Wire(a_question, 1).a("example.org", 0x80000001, "192.0.2.1").octets)->ttl ==
        0s);
}

TEST_CASE("an answer to another question, a query, and a cut answer are refused") {
  const auto good = Wire(a_question, 1).a("example.org", 60, "192.0.2.1").octets;
  CHECK(read_answer({"example.com", Type::a}, good).error() == Errc::bad_answer);
  CHECK(read_answer({"example.org", Type::aaaa}, good).error() == Errc::bad_answer);
  for (const unsigned flags : {0x0100U, 0x8380U}) {
    const auto octets = Wire(a_question, 1, 0, flags).a("example.org", 60, "192.0.2.1").octets;
    CHECK(read_answer(a_question, octets).error() == Errc::bad_answer);
  }
}

TEST_CASE("names that loop, leave the message, are too long or hold no text are refused") {
  const auto with_target = [](const std::function<void(Wire&)>& write, unsigned size) {
    Wire wire(a_question, 1);
    wire.record("example.org", 5, 60, size);
    write(wire);
    return read_answer(a_question, wire.octets).has_value();
  };
  CHECK(with_target([](Wire& wire) { wire.pointer(12); }, 2) == false);  // to itself: the alias is a loop
  CHECK_FALSE(with_target([](Wire& wire) { wire.pointer(static_cast<unsigned>(wire.octets.size())); }, 2));
  CHECK_FALSE(with_target([](Wire& wire) { wire.pointer(0x3FFF); }, 2));
  CHECK_FALSE(with_target([](Wire& wire) { wire.number8(64); }, 1));
  CHECK_FALSE(with_target([](Wire& wire) { wire.text("a.b").number8(0); }, 5));
  CHECK_FALSE(with_target([](Wire& wire) { wire.text(std::string_view("a\0b", 3)).number8(0); }, 5));
  CHECK_FALSE(with_target(
      [](Wire& wire) {
        for (int i = 0; i < 5; ++i) wire.text(std::string(60, 'x'));
        wire.number8(0);
      },
      306));
  CHECK(with_target([](Wire& wire) { wire.text("ok").number8(0); }, 4));
}

TEST_CASE("every cut of a good answer is refused, and more records than are kept are dropped") {
  const auto good = Wire(a_question, 2).cname("example.org", 60, "x.org").a("x.org", 60, "192.0.2.1").octets;
  REQUIRE(read_answer(a_question, good).has_value());
  for (std::size_t size = 0; size < good.size(); ++size) {
    CAPTURE(size);
    CHECK(read_answer(a_question, ByteView(good).first(size)).error() == Errc::bad_answer);
  }
  Wire many(a_question, 1000);
  for (int i = 0; i < 1000; ++i) many.a("example.org", 60, "192.0.2.1");
  CHECK(read_answer(a_question, many.octets)->addresses.size() == max_records);
}

TEST_CASE("the seeds of the corpora are read or refused") {
  const std::filesystem::path folder = std::filesystem::path(BECKON_CORPORA) / "dns/pjsip-seeds";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("no corpora at " << folder.string());
    return;
  }
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string octets{std::istreambuf_iterator<char>(in), {}};
    files++;
    for (const Type type : {Type::a, Type::aaaa, Type::srv, Type::naptr})
      (void)read_answer({"_sip._udp.domain.com", type}, as_bytes(octets));
  }
  CHECK(files > 0);
}
