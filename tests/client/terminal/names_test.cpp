#include "client/terminal/names.hpp"

#include <doctest/doctest.h>

#include <boost/json/parse.hpp>

using namespace beckon::client;
using terminal::Names;
using Words = std::vector<std::string>;

namespace {

void learn(Names& names, std::string_view json) { names.learn(boost::json::parse(json).as_object()); }

}  // namespace

TEST_CASE("names are learned from events, and are short in the own domain") {
  Names names("example.org");
  learn(names, R"({"event":"presence","of":"sip:bob@example.org","basic":"open"})");
  learn(names, R"({"event":"message","from":"sip:carol@other.example","text":"hi"})");
  learn(names,
        R"({"event":"contacts","groups":[{"group":"friends","contacts":[{"of":"sip:dave@example.org"}]}]})");
  learn(names, R"({"event":"trace","from":"sip:nobody@example.org"})");
  CHECK(names.users() == Words{"bob", "carol@other.example", "dave"});
  CHECK(names.groups() == Words{"friends"});
}

TEST_CASE("names are learned from what was typed") {
  Names names("example.org");
  names.learn(*control::parse_line("message bob hi", "example.org"));
  names.learn(*control::parse_line("welcome carol dave --text hi", "example.org"));
  CHECK(names.users() == Words{"bob", "carol", "dave"});
}

TEST_CASE("calls are known while they live") {
  Names names("example.org");
  learn(names, R"({"event":"call","call":"1","peer":"sip:bob@example.org","state":"ringing"})");
  CHECK(names.calls() == Words{"1"});
  learn(names, R"({"event":"call","call":"1","peer":"sip:bob@example.org","state":"ended"})");
  CHECK(names.calls().empty());
}

TEST_CASE("names that nobody can type, devices and endless ones are not learned") {
  Names names("example.org");
  learn(names, R"({"event":"message","from":"sip:a\u001bb@example.org"})");
  learn(names, R"({"event":"message","from":"sip:a\u202eb@example.org"})");
  learn(names, R"({"event":"message","from":"sip:bob@example.org;gr=1"})");
  learn(names, R"({"event":"message","from":"sip:example.org"})");
  learn(names, R"({"event":"message","from":7,"to":["x"]})");
  learn(names, "{\"event\":\"message\",\"from\":\"sip:" + std::string(300, 'x') + "@example.org\"}");
  CHECK(names.users().empty());
  for (int i = 0; i < 1500; ++i)
    learn(names, "{\"event\":\"message\",\"from\":\"sip:u" + std::to_string(i) + "@example.org\"}");
  CHECK(names.users().size() == 1000);
}
