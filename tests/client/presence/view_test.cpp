#include "client/presence/view.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>
#include <fstream>
#include <iterator>

#include "protocol/documents/rpid.hpp"

using namespace beckon;
using namespace beckon::client;

TEST_CASE("the NOTIFY of DIRECT_SESSIONS 2 is shown with media, codecs, candidates and the grant") {
  std::ifstream file(BECKON_TEST_DATA "/direct/notify.xml", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto document = documents::parse_pidf(text);
  REQUIRE(document.has_value());
  const auto view = presence::make_view("sip:alice@example.org", *document,
                                        [](const std::string&, const crypto::Key32&) { return true; });
  CHECK(view.at("basic") == "open");
  const auto& tuple = view.at("tuples").as_array().at(0).as_object();
  CHECK(tuple.at("note") == "at my desk");
  const auto& direct = tuple.at("direct").as_object();
  CHECK(direct.at("mode") == "auto");
  CHECK(direct.at("granted") == true);
  CHECK(direct.at("verified") == true);
  CHECK(boost::json::serialize(direct.at("candidates")) ==
        R"(["192.0.2.10:40000","[2001:db8::10]:40000","198.51.100.7:40000"])");
  CHECK(
      boost::json::serialize(direct.at("media").as_array().at(0)) ==
      R"({"kind":"audio","dir":"sendrecv","mode":"auto","codecs":[{"name":"opus","clock":48000},{"name":"PCMU","clock":8000}]})");
}

TEST_CASE("a user without an open tuple is closed") {
  documents::Presence closed;
  const auto none = [](const std::string&, const crypto::Key32&) { return false; };
  CHECK(presence::make_view("sip:a@b", closed, none).at("basic") == "closed");
  documents::Tuple tuple;
  tuple.id = "t";
  tuple.basic = documents::Basic::closed;
  closed.tuples.push_back(tuple);
  CHECK(presence::make_view("sip:a@b", closed, none).at("basic") == "closed");
}

TEST_CASE("do-not-disturb is named, and so is when a user was there last (RFC 4480 3.2, 3.14)") {
  documents::Presence document;
  documents::Tuple& tuple = document.tuples.emplace_back();
  tuple.id = "offline";
  tuple.extensions = {documents::make_last_input("2026-11-21T04:00:00Z", false)};
  document.persons.push_back({"p", {documents::make_activities({"busy", "do-not-disturb"})}, {}, {}});
  const auto view = presence::make_view("sip:a@b", document,
                                        [](const std::string&, const crypto::Key32&) { return false; });
  CHECK(view.at("tuples").as_array().at(0).as_object().at("last_input") == "2026-11-21T04:00:00Z");
  CHECK(boost::json::serialize(view.at("activities")) == R"(["busy","do-not-disturb"])");
}
