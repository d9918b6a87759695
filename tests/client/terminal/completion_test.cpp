#include "client/terminal/completion.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>

using namespace beckon::client;
using namespace beckon::client::terminal;
using Words = std::vector<std::string>;

namespace {

Names known() {
  Names names("example.org");
  for (const char* each : {"bob", "bernd", "carol"})
    names.learn(
        boost::json::object{{"event", "presence"}, {"of", std::string("sip:") + each + "@example.org"}});
  names.learn(boost::json::object{{"event", "call"}, {"call", "7"}, {"state", "ringing"}});
  names.learn(boost::json::object{{"event", "contacts"}, {"group", "friends"}});
  return names;
}

Completion at(std::string_view before) { return complete(before, known(), {"help", "who"}); }

}  // namespace

TEST_CASE("commands are completed, those of the prompt too, and the second word of those of two") {
  CHECK(at("unp").words == Words{"unpublish"});
  CHECK(at("mess").from == 0);
  CHECK(at("wh").words == Words{"who"});
  CHECK(at("contacts ").words == Words{"add", "group", "list", "remove"});
  CHECK(at("contacts a").words == Words{"add"});
  CHECK(at("wait p").words == Words{"presence"});
  CHECK(at("help unp").words == Words{"unpublish"});
  const auto all = at("").words;
  CHECK(std::ranges::find(all, "message") != all.end());
  CHECK(at("frobnicate").hint == "no command begins so; help lists those there are");
  CHECK(at("frobnicate x").hint == "frobnicate is no command");
}

TEST_CASE("users, groups, calls and allowed values are completed where they may stand") {
  CHECK(at("message b").words == Words{"bernd", "bob"});
  CHECK(at("message b").from == 8);
  CHECK(at("message --receipts ").words == Words{"ask", "none"});
  CHECK(at("message --receipts ask c").words == Words{"carol"});
  CHECK(at("publish ").words == Words{"closed", "open"});
  CHECK(at("publish open --d").words == Words{"--direct"});
  CHECK(at("publish open --direct a").words == Words{"ask", "auto"});
  CHECK(at("answer ").words == Words{"7"});
  CHECK(at("watch f").words == Words{"friends"});
  CHECK(at("contacts remove bob --group ").words == Words{"friends"});
  CHECK(at("history a").words == Words{"all"});
  CHECK(at("welcome bob c").words == Words{"carol"});
}

TEST_CASE("where anything may stand, the argument is explained; nothing is proposed within a text") {
  CHECK(at("message bob ").words.empty());
  CHECK(at("message bob ").hint.starts_with("text: the text"));
  CHECK(at("message bob hi c").words.empty());
  CHECK(at("register --expires ").hint.starts_with("expires: "));
  CHECK(at("unpublish x").hint.starts_with("unpublish: "));
}

TEST_CASE("an option that was named is not proposed again") {
  const auto words = at("publish open --note x --").words;
  CHECK(std::ranges::find(words, "--note") == words.end());
  CHECK(std::ranges::find(words, "--activity") != words.end());
}

TEST_CASE("the beginning that words share ends with a whole character") {
  CHECK(common_beginning({"ask", "auto"}) == "a");
  CHECK(common_beginning({"one"}) == "one");
  CHECK(common_beginning({}).empty());
  CHECK(common_beginning({"\u00e9", "\u00e8"}).empty());
}
