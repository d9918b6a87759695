#include "protocol/xcap/target.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using namespace beckon::xcap;

TEST_CASE("a target names a document in a user's or the global tree (RFC 4825 6.2)") {
  struct Row {
    const char* text;
    Target target;
  };
  const auto users = Target::Tree::users;
  const auto global = Target::Tree::global;
  for (const Row& row :
       {Row{"/xcap/pres-rules/users/sip:alice@example.org/index",
            {"pres-rules", users, "sip:alice@example.org", "index", false, "", ""}},
        Row{"/xcap/pres-rules/users/sip%3Aalice%40example.org/index",
            {"pres-rules", users, "sip:alice@example.org", "index", false, "", ""}},
        Row{"https://example.org:5443/xcap/resource-lists/users/bill/fr/l.xml",
            {"resource-lists", users, "bill", "fr/l.xml", false, "", ""}},
        Row{"/xcap/xcap-caps/global/index", {"xcap-caps", global, "", "index", false, "", ""}},
        Row{"/xcap/resource-lists/users/bill/index/~~/resource-lists/list%5b@name=%22l1%22%5d?xmlns(a=urn:x)",
            {"resource-lists", users, "bill", "index", true, "resource-lists/list[@name=\"l1\"]",
             "xmlns(a=urn:x)"}},
        Row{"/xcap/a/users/b/c/~~", {"a", users, "b", "c", true, "", ""}},
        Row{"/xcap/a/users/b/c/%7e%7E/x/~~", {"a", users, "b", "c", true, "x/~~", ""}},
        Row{"/xcap/resource-lists/users/b/c/~~/resource-lists/list%5b@name=%22/~~/%22%5d",
            {"resource-lists", users, "b", "c", true, "resource-lists/list[@name=\"/~~/\"]", ""}},
        Row{"/xcap/a/users/b/~~c", {"a", users, "b", "~~c", false, "", ""}}}) {
    CAPTURE(row.text);
    const auto target = parse_target(row.text, "/xcap");
    REQUIRE(target.has_value());
    CHECK((*target == row.target));
    const auto again = parse_target(print(*target, "/xcap"), "/xcap");
    REQUIRE(again.has_value());
    CHECK((*again == row.target));
  }
}

TEST_CASE("a target that names no document says why") {
  struct Row {
    std::string text;
    Errc errc;
  };
  for (const Row& row : {Row{"", Errc::outside_root},
                         Row{"/", Errc::outside_root},
                         Row{"/other/a/users/b/c", Errc::outside_root},
                         Row{"/xcapx/a/users/b/c", Errc::outside_root},
                         Row{"/xcap", Errc::outside_root},
                         Row{"/xcap/", Errc::bad_path},
                         Row{"/xcap/a", Errc::bad_path},
                         Row{"/xcap/a/users/b", Errc::bad_path},
                         Row{"/xcap/a/users/b/", Errc::bad_path},
                         Row{"/xcap/a/global", Errc::bad_path},
                         Row{"/xcap/a/others/b/c", Errc::bad_path},
                         Row{"/xcap/a/users//c", Errc::bad_path},
                         Row{"/xcap/a/users/b/../c", Errc::bad_path},
                         Row{"/xcap/a/users/b/%2e%2E/c", Errc::bad_path},
                         Row{"/xcap/a/users/./c", Errc::bad_path},
                         Row{"/xcap/a/users/b/c%", Errc::bad_escape},
                         Row{"/xcap/a/users/b/c%4", Errc::bad_escape},
                         Row{"/xcap/a/users/b/c%zz", Errc::bad_escape},
                         Row{"/xcap/a/users/b/%00", Errc::bad_escape},
                         Row{"/xcap/a/users/b/%FF", Errc::bad_escape},
                         Row{"/xcap/a/users/b/c/~~/%C3", Errc::bad_escape},
                         Row{"/xcap/a/users/b/" + std::string(target_max, 'c'), Errc::too_long}}) {
    CAPTURE(row.text);
    CHECK(parse_target(row.text, "/xcap").error() == row.errc);
  }
}

TEST_CASE("the root may be empty; a target of the longest length is taken") {
  CHECK(parse_target("/a/users/b/c", "").has_value());
  const std::string head = "/a/users/b/";
  CHECK(parse_target(head + std::string(target_max - head.size(), 'c'), "").has_value());
}

TEST_CASE("an escaped slash stays inside its segment when printed back") {
  Target target{"a", Target::Tree::users, "x/y", "index", false, "", ""};
  CHECK(print(target, "/r") == "/r/a/users/x%2Fy/index");
  CHECK((*parse_target(print(target, "/r"), "/r") == target));
}

TEST_CASE("what is served to a user beside XCAP: the user and a query, each escaped by itself") {
  const auto target = parse_user_target(
      "https://example.org/history/users/sip:alice@example.org?with=sip%3Ab%26c%40d&limit=2&flag",
      "/history");
  REQUIRE(target.has_value());
  CHECK(target->user == "sip:alice@example.org");
  CHECK(target->find("with") == "sip:b&c@d");
  CHECK(target->find("limit") == "2");
  CHECK(target->find("flag") == "");
  CHECK_FALSE(target->find("since"));
  CHECK((*parse_user_target(print(*target, "/history"), "/history") == *target));
  CHECK(print(UserTarget{"sip:alice@example.org", {}}, "/history") == "/history/users/sip:alice@example.org");
}

TEST_CASE("a path that names no user, or more than one, says why") {
  CHECK(parse_user_target("/other/users/a", "/history").error() == beckon::xcap::Errc::outside_root);
  CHECK(parse_user_target("/historyusers/a", "/history").error() == beckon::xcap::Errc::outside_root);
  for (const char* text : {"/history/", "/history/users", "/history/users/", "/history/global/a",
                           "/history/users/a/b", "/history/users/.."})
    CHECK(parse_user_target(text, "/history").error() == beckon::xcap::Errc::bad_path);
  for (const char* text : {"/history/users/%4", "/history/users/a?b=%zz", "/history/users/a?%ff=b"})
    CHECK(parse_user_target(text, "/history").error() == beckon::xcap::Errc::bad_escape);
  CHECK(parse_user_target("/history/users/" + std::string(target_max, 'a'), "/history").error() ==
        beckon::xcap::Errc::too_long);
}
