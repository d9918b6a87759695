#include "protocol/sip/uri.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace beckon;
using namespace beckon::sip;

namespace {

Uri uri(std::string_view text) {
  CAPTURE(text);
  const auto parsed = parse_uri(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("a SIP URI is split into its parts (RFC 3261 19.1.1)") {
  const Uri all = uri("SIPS:alice:pa,ss@Example.ORG:5061;transport=tcp;LR?subject=a%20b&priority=urgent");
  CHECK(all.scheme == "sips");
  CHECK(all.user == "alice");
  CHECK(all.password == "pa,ss");
  CHECK(all.host == "example.org");
  CHECK(all.port == 5061);
  CHECK(all.parameters == ";transport=tcp;LR");
  CHECK(all.parameter("Transport") == "tcp");
  CHECK(all.parameter("lr") == "");
  CHECK_FALSE(all.parameter("maddr"));
  CHECK(all.headers == "subject=a%20b&priority=urgent");
  CHECK(uri("sip:example.org").user.empty());
  CHECK_FALSE(uri("sip:example.org").port);
  CHECK(uri("sip:alice;day=tuesday@example.org").user == "alice;day=tuesday");
  CHECK(uri("sip:+1-212-555-1212:1234@gateway.com;user=phone").password == "1234");
}

TEST_CASE("IPv6 references lose their brackets and keep their port apart (RFC 5118 4.1)") {
  CHECK(uri("sip:[2001:DB8::10]").host == "2001:db8::10");
  CHECK(uri("sip:[2001:db8::10]:5070").port == 5070);
  CHECK(uri("sip:[2001:db8::10:5070]").host == "2001:db8::10:5070");
  CHECK_FALSE(uri("sip:[2001:db8::10:5070]").port);
  CHECK(uri("sip:a@[::ffff:192.0.2.10]").host == "::ffff:192.0.2.10");
  // RFC 5118 4.5: both forms of one address; a zone is no part of a URI (RFC 3261 25.1).
  CHECK(equivalent(uri("sip:a@[2001:db8::9:1]"), uri("sip:a@[2001:DB8:0:0:0:0:9:1]")));
  CHECK(equivalent(uri("sip:[::ffff:192.0.2.2]"), uri("sip:[::ffff:c000:202]")));
  CHECK_FALSE(equivalent(uri("sip:[::ffff:192.0.2.2]"), uri("sip:192.0.2.2")));
  for (const char* text : {"sip:[fe80::1%25eth0]", "sip:[fe80::1%eth0]", "sip:[:::1]", "sip:[2001:db8:::1]",
                           "sip:[1:2:3:4:5:6:7:8:9]", "sip:[::1]5060"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_uri(text).has_value());
  }
}

TEST_CASE("other schemes are kept as text") {
  CHECK(uri("tel:+1-201-555-0123;phone-context=example.com").user ==
        "+1-201-555-0123;phone-context=example.com");
  CHECK(uri("pres:alice@example.org").scheme == "pres");
  CHECK(uri("urn:service:sos").user == "service:sos");
}

TEST_CASE("a URI is printed as it was read") {
  for (const char* text : {"sip:alice@example.org",
                           "sips:alice:pw@example.org:5061;transport=tcp?a=b&c=", "sip:[2001:db8::1]:5060;lr",
                           "sip:example.org", "tel:+1234", "urn:service:sos", "sip:%61lice%40home@1.2.3.4",
                           "sip:a;b=c?d@e.f.", "sip:alice@sip_server", "sip:1.2.3.4.example"}) {
    CAPTURE(text);
    CHECK(print(uri(text)) == text);
  }
}

TEST_CASE("a URI that RFC 3261 25.1 does not allow is refused") {
  struct Row {
    const char* text;
    Errc error;
  };
  for (const Row& row : {Row{"", Errc::bad_uri},
                         Row{"alice", Errc::bad_uri},
                         Row{":alice@example.org", Errc::bad_uri},
                         Row{"1sip:alice@example.org", Errc::bad_uri},
                         Row{"sip:", Errc::bad_uri},
                         Row{"sip:@example.org", Errc::bad_uri},
                         Row{"sip::pw@example.org", Errc::bad_uri},
                         Row{"sip:alice@", Errc::bad_uri},
                         Row{"sip:alice@b@example.org", Errc::bad_uri},
                         Row{"sip:al ice@example.org", Errc::bad_uri},
                         Row{"sip:al\"ice@example.org", Errc::bad_uri},
                         Row{"sip:al%4ice@example.org", Errc::bad_uri},
                         Row{"sip:alice@example.org%", Errc::bad_uri},
                         Row{"sip:alice@exam%70le.org", Errc::bad_uri},
                         Row{"sip:alice@-example.org", Errc::bad_uri},
                         Row{"sip:alice@example-.org", Errc::bad_uri},
                         Row{"sip:alice@example..org", Errc::bad_uri},
                         Row{"sip:alice@1.2.3", Errc::bad_uri},
                         Row{"sip:alice@1.2.3.4444", Errc::bad_uri},
                         Row{"sip:alice@[::1", Errc::bad_uri},
                         Row{"sip:alice@[1.2.3.4]", Errc::bad_uri},
                         Row{"sip:alice@[::1]x", Errc::bad_uri},
                         Row{"sip:alice@[]", Errc::bad_uri},
                         Row{"sip:alice@2001:db8::10", Errc::bad_uri},
                         Row{"sip:alice@example.org:", Errc::bad_port},
                         Row{"sip:alice@example.org:65536", Errc::bad_port},
                         Row{"sip:alice@example.org:-1", Errc::bad_port},
                         Row{"sip:alice@example.org;", Errc::bad_uri},
                         Row{"sip:alice@example.org;;lr", Errc::bad_uri},
                         Row{"sip:alice@example.org;=x", Errc::bad_uri},
                         Row{"sip:alice@example.org;lr=", Errc::bad_uri},
                         Row{"sip:alice@example.org;a=b,c", Errc::bad_uri},
                         Row{"sip:alice@example.org?", Errc::bad_uri},
                         Row{"sip:alice@example.org?subject", Errc::bad_uri},
                         Row{"sip:alice@example.org?=x", Errc::bad_uri},
                         Row{"sip:alice@example.org?a=b&", Errc::bad_uri},
                         Row{"<sip:alice@example.org>", Errc::bad_uri},
                         Row{"tel:", Errc::bad_uri},
                         Row{"tel:+1 2", Errc::bad_uri}}) {
    CAPTURE(row.text);
    const auto parsed = parse_uri(row.text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error() == row.error);
  }
}

TEST_CASE("a URI may have 1024 octets and no more") {
  const std::string most = "sip:" + std::string(max_uri_length - 6, 'a') + "@b";
  CHECK(parse_uri(most).has_value());
  CHECK(parse_uri(most + "c").error() == Errc::too_long);
}

TEST_CASE("equivalent URIs: the examples of RFC 3261 19.1.4") {
  struct Row {
    const char* a;
    const char* b;
    bool same;
  };
  for (const Row& row : {
           Row{"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true},
           Row{"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
           Row{"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
           Row{"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
           Row{"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
               "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
           Row{"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
               "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
           Row{"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
           Row{"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
           Row{"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
           Row{"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
           Row{"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
           Row{"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
           Row{"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
           // The rules without an example.
           Row{"sip:a@b", "sips:a@b", false},
           Row{"sip:b", "sip:a@b", false},
           Row{"sip:a:p@b", "sip:a@b", false},
           Row{"sip:a:p@b", "sip:a:P@b", false},
           Row{"sip:a@b;user=phone", "sip:a@b", false},
           Row{"sip:a@b;ttl=1", "sip:a@b", false},
           Row{"sip:a@b;method=INVITE", "sip:a@b", false},
           Row{"sip:a@b;maddr=1.2.3.4", "sip:a@b", false},
           Row{"sip:a%3bb@c", "sip:a;b@c", false},
           Row{"sip:a%3bb@c", "sip:a%3Bb@c", true},
           Row{"sip:a%00@b", "sip:a@b", false},
           Row{"sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]", true},
           Row{"sip:a@b?x=1&x=1", "sip:a@b?x=1&x=2", false},
           Row{"tel:+1234", "tel:+1235", false},
           // Headers by their own rules.
           Row{"sip:a@b?to=sip:bob%40biloxi.com", "sip:a@b?TO=%22B%22%3csip:bob%40BILOXI.com%3e", true},
           Row{"sip:a@b?to=sip:bob%40biloxi.com", "sip:a@b?to=sip:BOB%40biloxi.com", false},
           Row{"sip:a@b?call-id=X", "sip:a@b?Call-ID=x", false},
           Row{"sip:a@b?i=x", "sip:a@b?i=x", true},
           Row{"sip:a@b?accept=a/b%2cc/d", "sip:a@b?accept=A/B%2c%20c/d", true},
           Row{"sip:a@b?body=x", "sip:a@b?body=X", false},
           Row{"sip:a@b?body=%78", "sip:a@b?body=x", true},
           Row{"sip:a@b?X-Mine=x", "sip:a@b?x-mine=X", true},
           // GRUUs (RFC 5627 5.4): two of one AOR differ, a public one equals its AOR.
           Row{"sip:a@b;gr=urn:uuid:f81d4fae", "sip:a@b;gr=urn:uuid:00000000", false},
           Row{"sip:a@b;gr=urn:uuid:f81d4fae", "sip:a@b;gr=urn:uuid:F81D4FAE", true},
           Row{"sip:a@b;gr=urn:uuid:f81d4fae", "sip:a@b", true},
           Row{"sip:tgruu.7hs@b;gr", "sip:a@b", false},
           // Other schemes.
           Row{"pres:alice@Example.org", "pres:alice@example.ORG", true},
           Row{"pres:Alice@example.org", "pres:alice@example.org", false},
           Row{"im:%61lice@example.org?a=b", "im:alice@Example.org?a=b", true},
           Row{"im:alice@example.org?a=b", "im:alice@example.org?a=B", false},
           Row{"im:alice@example.org", "pres:alice@example.org", false},
           Row{"urn:service:sos.Fire", "URN:Service:SOS.fire", true},
           Row{"urn:service:sos.fire", "urn:service:sos.police", false},
           Row{"urn:UUID:a", "urn:uuid:a", true},
           Row{"urn:isbn:A", "urn:isbn:a", false},
           Row{"http://a/B", "http://a/b", false},
       }) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    CHECK(equivalent(uri(row.a), uri(row.b)) == row.same);
    CHECK(equivalent(uri(row.b), uri(row.a)) == row.same);
  }
}

TEST_CASE("past 64 parameters, 8 headers or 128 octets of headers URIs are compared as text") {
  const std::string long_value(120, 'x');
  CHECK(equivalent(uri("sip:a@b?y=" + long_value + "&z=1"), uri("sip:a@b?z=1&y=" + long_value)));
  CHECK_FALSE(equivalent(uri("sip:a@b?y=" + long_value + "&z=" + long_value),
                         uri("sip:a@b?z=" + long_value + "&y=" + long_value)));
  struct Row {
    std::string_view between;
    int most;
  };
  for (const Row& row : {Row{";", 64}, Row{"&", 8}}) {
    CAPTURE(row.between);
    const auto with = [&](int from, int to) {
      std::string text = row.between == "&" ? "sip:a@b?z=1" : "sip:a@b;z=1";
      for (int i = from; i != to; i += from < to ? 1 : -1)
        text.append(row.between).append("x").append(std::to_string(i)).append("=1");
      return uri(text);
    };
    CHECK(equivalent(with(1, row.most), with(row.most - 1, 0)));
    CHECK_FALSE(equivalent(with(1, row.most + 1), with(row.most, 0)));
    CHECK(equivalent(with(1, row.most + 1), with(1, row.most + 1)));
  }
}

TEST_CASE("an address-of-record has one canonical spelling") {
  struct Row {
    const char* text;
    const char* aor;
  };
  for (const Row& row :
       {Row{"sip:alice@Example.ORG:5061;transport=tcp?a=b", "sip:alice@example.org"},
        Row{"sips:%61lice:pw@example.org", "sip:alice@example.org"},
        Row{"sip:Alice@example.org", "sip:Alice@example.org"},
        Row{"sip:a%3bb%2f@example.org", "sip:a%3Bb%2F@example.org"},
        Row{"sip:Example.org", "sip:example.org"}, Row{"sip:a@[2001:DB8:0:0::1]:5060", "sip:a@[2001:db8::1]"},
        Row{"im:alice@Example.org", "sip:alice@example.org"},
        Row{"pres:alice@example.org?x=y", "sip:alice@example.org"}, Row{"pres:alice@exa mple", nullptr},
        Row{"pres:alice@-", ""}, Row{"tel:+1234", ""}}) {
    CAPTURE(row.text);
    const auto parsed = parse_uri(row.text);
    CHECK(parsed.has_value() == (row.aor != nullptr));
    if (row.aor) CHECK(canonical_aor(*parsed) == row.aor);
  }
}

TEST_CASE("parameters are found in any case, with blanks and quotes around them") {
  const std::string_view text = ";a; B = \"x;y\" ;c=;branch=z9hG4bK-1";
  CHECK(find_parameter(text, "a") == "");
  CHECK(find_parameter(text, "b") == "x;y");
  CHECK(find_parameter(text, "C") == "");
  CHECK(find_parameter(text, "Branch") == "z9hG4bK-1");
  CHECK_FALSE(find_parameter(text, "y"));
  CHECK_FALSE(find_parameter("", "y"));
  CHECK(without_parameter(";a;tag=1;b=2", "TAG") == ";a;b=2");
  std::string made;
  add_parameter(made, "lr");
  add_parameter(made, "q", "0.5");
  CHECK(made == ";lr;q=0.5");
}
